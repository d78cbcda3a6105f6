import { etherOf } from '../../chain/viem-amount.ts'
import { unknownChannel } from '../../payment/close-channel.ts'
import type { Command } from '../command.ts'
import { EXIT, EXIT_HELP } from '../exit-code.ts'
import {
  COMMON_HELP,
  JSON_FLAG,
  NETWORK_FLAGS,
  NETWORK_HELP,
  readArguments,
  WALLET_FLAGS,
  WALLET_HELP,
} from '../flags.ts'
import { printResult } from '../output.ts'
import { parseAmount, parseChannelId } from '../settings/operand.ts'
import type { Terminal } from '../terminal.ts'
import { UsageError } from '../usage-error.ts'
import { readChannelSetting } from './setting.ts'

const HELP = `jeju channel topup [flags] CHANNEL ETH

Locks more in an open channel of this wallet, of receipts or of vouchers. What the ledger's balance lacks is deposited in
the same transaction.

${NETWORK_HELP}
${WALLET_HELP}
${COMMON_HELP}

Example:
  jeju channel topup --network ./base --key-file key.txt 0x… 0.01

${EXIT_HELP}`

/** `jeju channel topup`. */
export const topupCommand: Command = {
  summary: 'lock more in a channel',
  help: HELP,
  run: runTopup,
}

const FLAGS = { ...JSON_FLAG, ...NETWORK_FLAGS, ...WALLET_FLAGS } as const

async function runTopup(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = readArguments(args, FLAGS)
  const [channel, text, ...others] = positionals
  if (channel === undefined || text === undefined || others.length > 0) {
    throw new UsageError('expected a channel and an amount')
  }
  const channelId = parseChannelId(channel)
  const amount = parseAmount(text, 'amount')
  const { ledger } = await readChannelSetting(values, terminal)
  if ((await ledger.channelOf(channelId)).state === 'NONE') throw unknownChannel(channelId)
  terminal.tell('sending topUp …')
  const transaction = await ledger.topUp(channelId, amount)
  const { mode, locked, spent } = await ledger.channelOf(channelId)
  await printResult(
    terminal,
    values.json,
    { channelId, transaction, mode, locked, spent },
    `${channelId}: ${etherOf(locked)} ether locked, ${etherOf(spent)} of it spent`,
  )
  return EXIT.ok
}
