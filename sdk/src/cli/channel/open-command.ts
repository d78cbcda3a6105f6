import type { Hex } from '@jeju/verifier/protocol'
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
import { CHANNELS_FLAG, readMode } from '../settings/channels.ts'
import { parseAgent, parseAmount, parseUint32 } from '../settings/operand.ts'
import type { Terminal } from '../terminal.ts'
import { UsageError } from '../usage-error.ts'
import { readChannelSetting } from './setting.ts'

const HELP = `jeju channel open --agent ID (--model NAME | --service N) [flags] ETH

Locks money for one provider, with a session key of its own that is kept in the home folder; jeju proxy finds and uses
it. What the ledger's balance lacks is deposited in the same transaction. The proxy opens channels by itself too.

  --agent ID            the provider
  --model NAME          its service of this model
  --service N           its service of this number
  --channels KIND       receipts, or vouchers (see jeju proxy --help); receipts without it, or JEJU_CHANNELS
  --binding ID          with vouchers: the binding of the one node that is paid from it, as jeju verify shows it

${NETWORK_HELP}
${WALLET_HELP}
${COMMON_HELP}

Examples:
  jeju channel open --network ./base --key-file key.txt --agent 7 --model enclave-mini 0.01
  jeju channel open --network ./base --key-file key.txt --agent 7 --service 0 --channels vouchers --binding 0x… 0.01

${EXIT_HELP}`

/** `jeju channel open`. */
export const openCommand: Command = {
  summary: 'lock money for a provider',
  help: HELP,
  run: runOpen,
}

const FLAGS = {
  ...JSON_FLAG,
  ...NETWORK_FLAGS,
  ...WALLET_FLAGS,
  ...CHANNELS_FLAG,
  agent: { type: 'string' },
  binding: { type: 'string' },
  model: { type: 'string' },
  service: { type: 'string' },
} as const

async function runOpen(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = readArguments(args, FLAGS)
  const amount = parseAmount(oneOperand(positionals, 'amount'), 'amount')
  const agentId = parseAgent(values.agent)
  const paidBy = readMode(values, terminal.env)
  const findService = readService(values)
  const setting = await readChannelSetting(values, terminal)
  const chain = createChainReader(setting.client, setting.deployment)
  const serviceId = await findService(agentId, chain)
  const { mode, bindingId } = paidBy
  if (bindingId !== undefined) await requireBinding(bindingId, agentId, chain)
  const price = await chain.currentPrice(agentId, serviceId)
  terminal.tell('sending openChannel …')
  const terms = { agentId, serviceId, price, amount, ...paidBy }
  const { channelId } = await openChannel({ ...setting, onEvent: () => undefined }, terms)
  const { version: priceVersion } = price
  const opened = { channelId, agentId, serviceId, priceVersion, mode, bindingId: bindingId ?? null }
  const text = `${channelId}: ${etherOf(amount)} ether locked for agent ${agentId}`
  const how = bindingId === undefined ? '' : `, paid by vouchers to binding ${bindingId}`
  await printResult(terminal, values.json, { ...opened, locked: amount }, `${text}${how}`)
  return EXIT.ok
}

/** A channel of vouchers for a node that is not there would be used by nobody. Throws `NOT_VERIFIED`. */
async function requireBinding(bindingId: Hex, agentId: bigint, chain: ChainReader): Promise<void> {
  const { valid, agentId: actual } = await chain.binding(bindingId)
  if (valid && actual === agentId) return
  const found = valid ? `one of agent ${actual}` : 'none that is valid'
  const text = `binding-on-chain: ${bindingId}: expected one of agent ${agentId}, got ${found}`
  throw new SdkError('NOT_VERIFIED', text)
}

/** Which service is meant; by its model, the chain says which that is. Throws a UsageError. */
function readService({
  model,
  service,
}: {
  readonly model?: string
  readonly service?: string
}): (agentId: bigint, chain: ChainReader) => Promise<number> {
  if ((model === undefined) === (service === undefined)) {
    throw new UsageError('expected one of --model and --service')
  }
  if (service !== undefined) {
    const serviceId = parseUint32(service, '--service')
    return async () => serviceId
  }
  return async (agentId, chain) => {
    const services = await chain.services(agentId)
    const found = services.find(({ active, modelName }) => active && modelName === model)
    if (found !== undefined) return found.serviceId
    throw new SdkError('NO_PROVIDER', `agent ${agentId}: offers no model ${model}`)
  }
}
