import { describeChecks, type Check, type NodeClaims } from '@jeju/verifier'
import type { Deployment } from '@jeju/contracts'
import { createChainReader } from '../chain/chain-reader.ts'
import type { ChainClient } from '../chain/viem-client.ts'
import { NotVerified } from '../errors/not-verified.ts'
import { networkReason } from '../errors/network-reason.ts'
import { SdkError } from '../errors/sdk-error.ts'
import { parseBaseUrl } from '../gateway/base-url.ts'
import { readBody } from '../gateway/read-body.ts'
import { verifyNode } from '../provider/verify-node.ts'
import { checkOnChain } from '../session/check-on-chain.ts'
import type { Command } from './command.ts'
import { EXIT, EXIT_HELP } from './exit-code.ts'
import {
  COMMON_HELP,
  JSON_FLAG,
  NETWORK_FLAGS,
  NETWORK_HELP,
  oneOperand,
  readArguments,
} from './flags.ts'
import { listing, printResult } from './output.ts'
import { readNetwork, type Network } from './settings/network.ts'
import { parseOptionalAgent } from './settings/operand.ts'
import { readOnly } from './settings/read-only.ts'
import type { Terminal } from './terminal.ts'

const HELP = `jeju verify [flags] URL

Is the node at URL what it says it is, and does the chain say so too? Asks it for evidence over a fresh nonce, makes
every check of docs/protocol.md §4 for the agent and owner that the chain names, and reads its binding on chain.
Without --agent the node is asked which agent it is; that is only where to look. For evidence in files, other chains
of trust or no chain at hand there is jeju-verify.

  --agent ID            the agent (ERC-8004) that is meant

${NETWORK_HELP}
${COMMON_HELP}

Examples:
  jeju verify --network ./base https://node.example
  jeju verify --network ./base --agent 7 --json https://node.example

${EXIT_HELP}`

/** `jeju verify`. */
export const verifyCommand: Command = {
  summary: 'a running node: fresh evidence, and what the chain says of it',
  help: HELP,
  run: runVerify,
}

const FLAGS = { ...JSON_FLAG, ...NETWORK_FLAGS, agent: { type: 'string' } } as const
const HEALTH_TIMEOUT_MS = 10_000
const MAX_HEALTH_BYTES = 16 * 1024

interface Judged {
  readonly outcome: 'verified' | 'refused'
  readonly tier: string | null
  readonly checks: readonly Check[]
  readonly claims: NodeClaims | undefined
}

async function runVerify(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = readArguments(args, FLAGS)
  const url = parseBaseUrl(oneOperand(positionals, 'URL'))
  const network = await readNetwork(values, terminal)
  const deployment = await network.deployment()
  const client = readOnly(network.rpcUrl(), deployment)
  const agentId = parseOptionalAgent(values.agent) ?? (await askAgent(url, terminal))
  terminal.tell(`asking ${url} for evidence of agent ${agentId} …`)
  const { outcome, tier, checks, claims } = await judge(url, agentId, network, deployment, client)
  const proven = claims === undefined ? null : provenBy(claims)
  const result = { url, agentId, outcome, tier, checks, claims: proven }
  const head = `${url}: ${outcome}${tier === 'simulated' ? ' under a SIMULATED root' : ''}, agent ${agentId}`
  const facts = Object.entries(proven ?? {}).map(([name, value]) => `${name}: ${String(value)}`)
  const text = listing(head, [...describeChecks(checks), ...facts])
  await printResult(terminal, values.json, result, text)
  return outcome === 'verified' ? EXIT.ok : EXIT.refused
}

async function judge(
  nodeUrl: string,
  agentId: bigint,
  network: Network,
  deployment: Deployment,
  client: ChainClient,
): Promise<Judged> {
  const chain = createChainReader(client, deployment)
  const { owner } = await chain.provider(agentId)
  const policy = await network.policy()
  try {
    const verified = await verifyNode({
      nodeUrl,
      trustAnchor: await network.trustAnchor(),
      policy,
      collateral: network.collateral(),
      registry: {
        chainId: BigInt(deployment.chainId),
        verifyingContract: deployment.computeRegistry,
      },
      expected: { agentId, operator: owner },
      transport: fetch,
    })
    const { report, tier } = verified
    const onChain = await checkOnChain(verified, agentId, { chain, policy })
    const isGood = onChain.checks.every(({ status }) => status !== 'failed')
    const outcome = isGood ? 'verified' : 'refused'
    const checks = [...report.checks, ...(report.gpuChecks ?? []), ...onChain.checks]
    return { outcome, tier, checks, claims: isGood ? onChain.claims : undefined }
  } catch (error) {
    if (!(error instanceof NotVerified)) throw error
    return { outcome: 'refused', tier: null, checks: error.report.checks, claims: undefined }
  }
}

/** Which agent a node says it is: where to look on chain, and nothing more. */
async function askAgent(url: string, terminal: Terminal): Promise<bigint> {
  const signal = AbortSignal.timeout(HEALTH_TIMEOUT_MS)
  try {
    const response = await fetch(`${url}/health`, { redirect: 'error', signal })
    const body = new TextDecoder().decode(await readBody(response.body, MAX_HEALTH_BYTES))
    const { agent_id: agentId }: { agent_id?: unknown } = JSON.parse(body)
    if (typeof agentId === 'string' && /^\d{1,78}$/.test(agentId)) {
      terminal.tell(`the node says it is agent ${agentId}`)
      return BigInt(agentId)
    }
  } catch (cause) {
    const reason = networkReason(cause)
    throw new SdkError('PROVIDER_UNAVAILABLE', `${url}/health: ${reason}`, { cause })
  }
  throw new SdkError('PROVIDER_UNAVAILABLE', `${url}/health: names no agent; give --agent`)
}

function provenBy(claims: NodeClaims): Readonly<Record<string, string>> {
  const { bindingId, composeHash, measurements, statement, catalog, posture } = claims
  return {
    bindingId,
    operator: statement.operator,
    signer: statement.signer,
    composeHash,
    ...measurements,
    models: catalog.models.map(({ id, state }) => `${id} (${state})`).join(', '),
    prompts: posture.request_confidentiality,
    egress: posture.egress.join(', ') || 'none',
    ...(claims.gpu === undefined ? {} : { gpu: claims.gpu.devices.map((d) => d.hwmodel).join() }),
  }
}
