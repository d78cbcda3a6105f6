import type { Deployment } from '@jeju/contracts'
import {
  createChainReader,
  listAgents,
  type ChainReader,
  type PriceRecord,
} from '../chain/chain-reader.ts'
import { placeOf } from '../chain/registration.ts'
import { etherOf } from '../chain/viem-amount.ts'
import type { ChainClient } from '../chain/viem-client.ts'
import { SdkError } from '../errors/sdk-error.ts'
import { parseBaseUrl } from '../gateway/base-url.ts'
import { createGatewayClient } from '../gateway/gateway-client.ts'
import type { Command } from './command.ts'
import { EXIT, EXIT_HELP } from './exit-code.ts'
import {
  COMMON_HELP,
  JSON_FLAG,
  NETWORK_FLAGS,
  NETWORK_HELP,
  noOperand,
  readArguments,
} from './flags.ts'
import { table, toJson } from './output.ts'
import { readNetwork } from './settings/network.ts'
import { parseInteger } from './settings/operand.ts'
import { readOnly } from './settings/read-only.ts'
import type { Terminal } from './terminal.ts'

const HELP = `jeju providers [flags]

Who sells what at which price, as the chain says: prices in ether for a million tokens in and out. With a gateway, also
whom it would pass a prompt on to, which is its word alone. Nothing here is verified: jeju verify does that, and every
request of jeju proxy.

  --model NAME          only services of this model
  --all                 those that take no work now, too
  --limit N             look at so many agents of the registry; 1000 without it

${NETWORK_HELP}
${COMMON_HELP}

Examples:
  jeju providers --network ./base
  jeju providers --network ./base --model enclave-mini --json

${EXIT_HELP}`

/** `jeju providers`. */
export const providersCommand: Command = {
  summary: 'who sells which model at which price',
  help: HELP,
  run: runProviders,
}

const MAX_AGENTS = 100_000
/** Agents that are read at once. */
const PARALLEL_READS = 20
/** Agents between two lines of progress. */
const TOLD_EVERY = 200
const FLAGS = {
  ...JSON_FLAG,
  ...NETWORK_FLAGS,
  model: { type: 'string' },
  all: { type: 'boolean', default: false },
  limit: { type: 'string', default: '1000' },
} as const

/** One service of one agent. */
interface Offer {
  readonly agentId: bigint
  readonly owner: string
  readonly endpoint: string
  readonly active: boolean
  readonly serviceId: number
  readonly model: string
  readonly modelId: string
  readonly price: PriceRecord
  /** The gateway's word; null without a gateway. */
  readonly admitted: boolean | null
}

async function runProviders(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = readArguments(args, FLAGS)
  noOperand(positionals)
  const network = await readNetwork(values, terminal)
  const deployment = await network.deployment()
  const client = readOnly(network.rpcUrl(), deployment)
  const agents = await listAgents(
    client,
    deployment,
    parseInteger(values.limit, '--limit', MAX_AGENTS),
  )
  terminal.tell(`reading ${agents.length} agents …`)
  const admitted = await admittedBy(network.knownGateway(), terminal)
  const offers: Offer[] = []
  for (let at = 0; at < agents.length; at += PARALLEL_READS) {
    if (at > 0 && at % TOLD_EVERY === 0) terminal.tell(`${at} of ${agents.length} …`)
    const part = agents.slice(at, at + PARALLEL_READS)
    const found = part.map((agentId) => offersOf(agentId, client, deployment, admitted))
    offers.push(...(await Promise.all(found)).flat())
  }
  const wanted = offers
    .filter(({ model }) => values.model === undefined || model === values.model)
    .filter(({ active }) => values.all || active)
  if (values.json === true) {
    for (const offer of wanted) await terminal.print(toJson(offer))
  } else {
    await terminal.print(table(HEADINGS, wanted.map(rowOf)))
  }
  return EXIT.ok
}

const HEADINGS = ['agent', 'service', 'model', 'in', 'out', 'state', 'gateway', 'endpoint']

function rowOf(offer: Offer): readonly string[] {
  const { agentId, serviceId, model, price, active, admitted, endpoint } = offer
  return [
    agentId.toString(),
    serviceId.toString(),
    model,
    etherOf(price.inPerMTok),
    etherOf(price.outPerMTok),
    active ? 'active' : 'inactive',
    admitted === null ? '-' : admitted ? 'admitted' : 'not admitted',
    endpoint,
  ]
}

async function offersOf(
  agentId: bigint,
  client: ChainClient,
  deployment: Deployment,
  admitted: ReadonlyMap<bigint, boolean> | undefined,
): Promise<readonly Offer[]> {
  const chain: ChainReader = createChainReader(client, deployment)
  const [{ active, owner }, { endpoint }, services] = await Promise.all([
    chain.provider(agentId),
    placeOf(client, deployment, agentId),
    chain.services(agentId),
  ])
  return Promise.all(
    services.map(async ({ serviceId, modelId, modelName, active: isOffered }) => ({
      agentId,
      owner,
      endpoint,
      active: active && isOffered,
      serviceId,
      model: modelName,
      modelId,
      price: await chain.currentPrice(agentId, serviceId),
      admitted: admitted === undefined ? null : (admitted.get(agentId) ?? false),
    })),
  )
}

/** A gateway that does not answer is told and left out: the chain is what counts. */
async function admittedBy(
  gateway: string | undefined,
  terminal: Terminal,
): Promise<ReadonlyMap<bigint, boolean> | undefined> {
  if (gateway === undefined) return undefined
  try {
    const hints = await createGatewayClient(parseBaseUrl(gateway), fetch).hints()
    return new Map(hints.map(({ agentId, admitted }) => [agentId, admitted]))
  } catch (error) {
    if (!(error instanceof SdkError)) throw error
    terminal.tell(error.message)
    return undefined
  }
}
