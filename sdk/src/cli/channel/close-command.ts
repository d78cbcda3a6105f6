import { etherOf } from '../../chain/viem-amount.ts'
import { closeChannels } from '../../payment/close-channel.ts'
import type { Command } from '../command.ts'
import { endingOf, EXIT, EXIT_HELP } from '../exit-code.ts'
import {
  COMMON_HELP,
  JSON_FLAG,
  NETWORK_FLAGS,
  NETWORK_HELP,
  readArguments,
  WALLET_FLAGS,
  WALLET_HELP,
} from '../flags.ts'
import { printResult, toJson } from '../output.ts'
import { closedText } from '../progress.ts'
import { parseChannelId } from '../settings/operand.ts'
import type { Terminal } from '../terminal.ts'
import { UsageError } from '../usage-error.ts'
import { readChannelSetting, type ChannelSetting } from './setting.ts'

const HELP = `jeju channel close [flags] CHANNEL… | --all

Ends channels of this wallet. A provider whose registration file names a place for it is asked to release the channel
at once; otherwise a refund is requested, which nobody can refuse and which takes the channel's delay (24 hours unless
the chain says otherwise). Close the channel again after that to complete it. Of a channel of vouchers the provider is
shown the last voucher, for exactly what the kept receipts come to; without it he may settle those of the latest
requests, which are for their maxima.

  --all                 every channel that the home folder knows
  --withdraw            then pay the ledger's available balance out to the wallet

${NETWORK_HELP}
${WALLET_HELP}
${COMMON_HELP}

Example:
  jeju channel close --network ./base --key-file key.txt --all --withdraw

${EXIT_HELP}`

/** `jeju channel close`. */
export const closeCommand: Command = {
  summary: 'end channels: released by the provider, or refunded',
  help: HELP,
  run: runClose,
}

const FLAGS = {
  ...JSON_FLAG,
  ...NETWORK_FLAGS,
  ...WALLET_FLAGS,
  all: { type: 'boolean', default: false },
  withdraw: { type: 'boolean', default: false },
} as const

async function runClose(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = readArguments(args, FLAGS)
  const named = positionals.map(parseChannelId)
  if (values.all === named.length > 0) throw new UsageError('expected channels, or --all')
  const setting = await readChannelSetting(values, terminal)
  const ids = values.all ? (await setting.records.all()).map(({ channelId }) => channelId) : named
  if (ids.length === 0) terminal.tell('the home folder knows no channel of this wallet')
  let exit: number = EXIT.ok
  await closeChannels(setting, ids, async (channelId, ending) => {
    if ('closed' in ending) {
      const { closed } = ending
      await printResult(terminal, values.json, closed, `${channelId}: ${closedText(closed)}`)
      return
    }
    // One that fails does not keep the others open.
    const failed = endingOf(ending.error)
    const { code, message } = failed
    if (values.json === true) {
      await terminal.print(toJson({ channelId, error: { code, message } }))
    }
    terminal.tell(`${channelId}: ${code}: ${message}`)
    exit = Math.max(exit, failed.exit)
  })
  if (values.withdraw) await withdraw(setting, terminal, values.json)
  return exit
}

async function withdraw(
  { ledger }: ChannelSetting,
  terminal: Terminal,
  isJson: boolean | undefined,
): Promise<void> {
  const amount = await ledger.availableOf()
  if (amount === 0n) return terminal.tell('nothing is available to withdraw')
  const transaction = await ledger.withdraw(amount)
  const text = `${etherOf(amount)} ether paid out to the wallet`
  await terminal.print(isJson === true ? toJson({ withdrawn: amount, transaction }) : text)
}
