import { toHex } from '../../bytes/hex.ts'
import { verifyEvidence } from '../../index.ts'
import { COMMON_FLAGS, COMMON_FLAGS_HELP, EXIT_CODES_HELP, readArguments } from '../common-flags.ts'
import type { Command } from '../command.ts'
import { faultOf } from '../fault.ts'
import { malformedTree } from '../output/malformed-tree.ts'
import { paintFor } from '../output/paint.ts'
import { drawTree } from '../output/tree.ts'
import { readCollateral } from '../read/collateral.ts'
import { requireReadable } from '../read/read-file.ts'
import { parseTime } from '../read/time.ts'
import { readTrustAnchor } from '../read/trust-anchor.ts'
import { malformedResult } from '../tdx/case-result.ts'
import type { Terminal } from '../terminal.ts'
import { UsageError } from '../usage-error.ts'
import { exitCodeOf } from '../verdict.ts'
import { fetchEvidence, UnreachableError } from './fetch-evidence.ts'
import { gpuTrustOf } from './gpu-flags.ts'
import {
  parseAddress,
  parseAgentId,
  parseNodeUrl,
  parseNonceFlag,
  parseRegistry,
  readAppraisalPolicy,
} from './url-flags.ts'
import { nodeResult, nodeTree, unreachableTree, type NodeAnswer } from './node-result.ts'

const HELP = `jeju-verify url [flags] URL

Is this node what it says it is? Asks GET URL/v1/attestation for evidence over a fresh nonce and makes every check
of docs/protocol.md §4. No redirect is followed; the answer has 30 s and 2 MiB. Where the policy takes GPUs and the
node shows any, the services of reference values and of certificates are asked as well.

  --policy FILE        required: appraisal policy, JSON: images, compose files, key custody, TCB
  --registry ID:ADDR   required: chain id and address of the ComputeRegistry the node is registered in
  --agent ID           required: the agent (ERC-8004) that is meant
  --operator ADDRESS   required: its operator, as the chain names it
  --nonce HEX          32 bytes to ask with; fresh random ones without it
  --collateral FILE    Intel's documents; those of the node's own evidence without it
  --gpu-anchor D,R     roots of devices and of RIM signers, files as for --anchor; NVIDIA's without it
  --rim-url URL        where reference values of GPUs come from; NVIDIA's service without it
  --ocsp-url URL       who answers about certificates of GPUs; NVIDIA's service without it
${COMMON_FLAGS_HELP}

Examples:
  jeju-verify url --policy policy.json --registry 8453:0x1111111111111111111111111111111111111111 \\
    --agent 7 --operator 0x2222222222222222222222222222222222222222 https://node.example
  jeju-verify url --json --anchor simulator.der --anchor-name simulator … http://127.0.0.1:8080

${EXIT_CODES_HELP}`

/** `jeju-verify url`. */
export const urlCommand: Command = { help: HELP, run: judgeNode }

const FLAGS = {
  ...COMMON_FLAGS,
  nonce: { type: 'string' },
  registry: { type: 'string' },
  agent: { type: 'string' },
  operator: { type: 'string' },
  collateral: { type: 'string' },
  'gpu-anchor': { type: 'string' },
  'rim-url': { type: 'string' },
  'ocsp-url': { type: 'string' },
} as const

async function judgeNode(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = readArguments(args, FLAGS)
  const [text, ...others] = positionals
  if (text === undefined || others.length > 0) throw new UsageError('expected one URL')
  const node = parseNodeUrl(text)
  const nonce = parseNonceFlag(values.nonce)
  const context = {
    registry: parseRegistry(values.registry),
    expected: {
      agentId: parseAgentId(values.agent),
      operator: parseAddress(values.operator, '--operator'),
    },
    freshness: { kind: 'challenge', nonce: toHex(nonce) },
    trustAnchor: await readTrustAnchor(values),
    policy: await readAppraisalPolicy(values.policy),
  } as const
  const gpus = await gpuTrustOf(values)
  const at = parseTime(values.at)
  if (values.collateral !== undefined) await requireReadable([values.collateral])
  const { verdict, json, tree } = await askNode(node, nonce, async (evidence) =>
    verifyEvidence(evidence, {
      ...context,
      // Asked after the answer came: freshness and dates are judged at one moment.
      at: at ?? new Date(),
      collateral: await readCollateral(values.collateral),
      // Nobody is asked for what the policy refuses anyway.
      ...(context.policy.gpu === 'forbidden' ? {} : { gpu: await gpus.judgementFor(evidence) }),
    }),
  )
  const line = values.json === true ? JSON.stringify(json) : drawTree(tree, paintFor(terminal))
  await terminal.print(`${line}\n`)
  return exitCodeOf([verdict])
}

async function askNode(
  node: URL,
  nonce: Uint8Array,
  judge: (evidence: Uint8Array) => ReturnType<typeof verifyEvidence>,
): Promise<NodeAnswer> {
  const url = node.href
  try {
    const evidence = await fetchEvidence(node, nonce)
    const result = nodeResult(url, toHex(nonce), await judge(evidence))
    return { verdict: result.verdict, json: result, tree: nodeTree(result) }
  } catch (error) {
    if (error instanceof UsageError) throw error
    if (error instanceof UnreachableError) {
      const { message } = error
      const json = { url, nonce: toHex(nonce), verdict: 'unreachable', code: null, message }
      return { verdict: 'unreachable', json, tree: unreachableTree(url, message) }
    }
    const fault = faultOf(error)
    const { verdict, code, checks } = malformedResult(fault)
    const json = { url, nonce: toHex(nonce), verdict, code, checks }
    return { verdict: 'malformed', json, tree: malformedTree(url, fault) }
  }
}
