import type { ChannelMode, LedgerChannel } from '../../chain/ledger.ts'
import { etherOf } from '../../chain/viem-amount.ts'
import type { Command } from '../command.ts'
import { EXIT, EXIT_HELP } from '../exit-code.ts'
import {
  COMMON_HELP,
  JSON_FLAG,
  NETWORK_FLAGS,
  NETWORK_HELP,
  noOperand,
  readArguments,
  WALLET_FLAGS,
  WALLET_HELP,
} from '../flags.ts'
import { table, toJson } from '../output.ts'
import type { Terminal } from '../terminal.ts'
import { readChannelSetting } from './setting.ts'

const HELP = `jeju channel list [flags]

The channels of this wallet that the home folder knows, as the chain has them now, in ether. "signed" is what kept
receipts come to: what may be settled of the channel, whether or not it has been. Of mode voucher it has the maximum of
each request without a receipt, too, and "binding" is the one node that is paid from it; mode receipt pays every node
of the service. The last line is the ledger's available balance: deposited and in no channel.

${NETWORK_HELP}
${WALLET_HELP}
${COMMON_HELP}

Example:
  jeju channel list --network ./base --key-file key.txt

${EXIT_HELP}`

/** `jeju channel list`. */
export const listCommand: Command = {
  summary: 'channels of the wallet: locked, signed, settled',
  help: HELP,
  run: runList,
}

const FLAGS = { ...JSON_FLAG, ...NETWORK_FLAGS, ...WALLET_FLAGS } as const
const HEADINGS = [
  'channel',
  'agent',
  'service',
  'mode',
  'state',
  'locked',
  'signed',
  'settled',
  'until',
  'binding',
]

interface Listed extends Pick<LedgerChannel, 'state' | 'locked' | 'spent' | 'closeAt'> {
  readonly channelId: string
  readonly agentId: bigint
  readonly serviceId: number
  readonly mode: ChannelMode
  readonly bindingId: string | null
  readonly signed: bigint
}

async function runList(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = readArguments(args, FLAGS)
  noOperand(positionals)
  const { ledger, records, receipts } = await readChannelSetting(values, terminal)
  const channels = await Promise.all(
    (await records.all()).map(async (record): Promise<Listed> => {
      const { channelId, agentId, serviceId, mode, bindingId = null } = record
      const { state, locked, spent, closeAt } = await ledger.channelOf(channelId)
      const signed = await records.signedOf(channelId, await receipts.feesOf(channelId))
      const settled = { state, locked, spent, closeAt, signed }
      return { channelId, agentId, serviceId, mode, bindingId, ...settled }
    }),
  )
  const available = await ledger.availableOf()
  if (values.json === true) {
    for (const channel of channels) await terminal.print(toJson(channel))
    await terminal.print(toJson({ available }))
  } else {
    await terminal.print(table(HEADINGS, channels.map(rowOf)))
    await terminal.print(`available ${etherOf(available)} ether`)
  }
  return EXIT.ok
}

function rowOf(channel: Listed): readonly string[] {
  const { channelId, agentId, serviceId, mode, bindingId } = channel
  const { state, locked, signed, spent, closeAt } = channel
  return [
    channelId,
    agentId.toString(),
    serviceId.toString(),
    mode.toLowerCase(),
    state.toLowerCase(),
    etherOf(locked),
    etherOf(signed),
    etherOf(spent),
    closeAt === 0n ? '-' : new Date(Number(closeAt) * 1000).toISOString(),
    bindingId ?? '-',
  ]
}
