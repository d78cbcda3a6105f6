import { createChainReader, type ChainReader } from '../../chain/chain-reader.ts'
import { etherOf } from '../../chain/viem-amount.ts'
import { SdkError } from '../../errors/sdk-error.ts'
import { openChannel } from '../../payment/channel-book.ts'
import type { Command } from '../command.ts'
import { EXIT, EXIT_HELP } from '../exit-code.ts'
import {
  COMMON_HELP,
  JSON_FLAG,
  NETWORK_FLAGS,
  NETWORK_HELP,
  oneOperand,
  readArguments,
  WALLET_FLAGS,
  WALLET_HELP,
} from '../flags.ts'
import { printResult } from '../output.ts'
import { parseAgent, parseAmount, parseInteger } from '../settings/operand.ts'
import type { Terminal } from '../terminal.ts'
import { UsageError } from '../usage-error.ts'
import { readChannelSetting } from './setting.ts'

const HELP = `jeju channel open --agent ID (--model NAME | --service N) [flags] ETH

Locks money for one provider, with a session key of its own that is kept in the home folder; jeju proxy finds and uses
it. What the ledger's balance lacks is deposited in the same transaction. The proxy opens channels by itself too.

  --agent ID            the provider
  --model NAME          its service of this model
  --service N           its service of this number

${NETWORK_HELP}
${WALLET_HELP}
${COMMON_HELP}

Example:
  jeju channel open --network ./base --key-file key.txt --agent 7 --model enclave-mini 0.01

${EXIT_HELP}`

/** `jeju channel open`. */
export const openCommand: Command = {
  summary: 'lock money for a provider',
  help: HELP,
  run: runOpen,
}

const MAX_UINT32 = 2 ** 32 - 1
const FLAGS = {
  ...JSON_FLAG,
  ...NETWORK_FLAGS,
  ...WALLET_FLAGS,
  agent: { type: 'string' },
  model: { type: 'string' },
  service: { type: 'string' },
} as const

async function runOpen(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = readArguments(args, FLAGS)
  const amount = parseAmount(oneOperand(positionals, 'amount'), 'amount')
  const agentId = parseAgent(values.agent)
  const setting = await readChannelSetting(values, terminal)
  const chain = createChainReader(setting.client, setting.deployment)
  const serviceId = await serviceOf(agentId, values, chain)
  const price = await chain.currentPrice(agentId, serviceId)
  terminal.tell('sending openChannel …')
  const terms = { agentId, serviceId, price, amount }
  const { channelId } = await openChannel({ ...setting, onEvent: () => undefined }, terms)
  const result = { channelId, agentId, serviceId, priceVersion: price.version, locked: amount }
  await printResult(
    terminal,
    values.json,
    result,
    `${channelId}: ${etherOf(amount)} ether locked for agent ${agentId}`,
  )
  return EXIT.ok
}

async function serviceOf(
  agentId: bigint,
  { model, service }: { readonly model?: string; readonly service?: string },
  chain: ChainReader,
): Promise<number> {
  if ((model === undefined) === (service === undefined)) {
    throw new UsageError('expected one of --model and --service')
  }
  if (service !== undefined) return parseInteger(service, '--service', MAX_UINT32)
  const services = await chain.services(agentId)
  const found = services.find(({ active, modelName }) => active && modelName === model)
  if (found === undefined) {
    throw new SdkError('NO_PROVIDER', `agent ${agentId}: offers no model ${model}`)
  }
  return found.serviceId
}
