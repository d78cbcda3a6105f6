import { parseComputeReceipt } from '@jeju/verifier/protocol'
import { etherOf } from '../../chain/viem-amount.ts'
import { ReceiptBook } from '../../receipts/receipt-book.ts'
import { feeOfRecord, type ReceiptRecord } from '../../receipts/receipt-record.ts'
import type { Command } from '../command.ts'
import { EXIT, EXIT_HELP } from '../exit-code.ts'
import {
  COMMON_HELP,
  HOME_HELP,
  JSON_FLAG,
  noOperand,
  readArguments,
  WALLET_FLAGS,
} from '../flags.ts'
import { table, toJson } from '../output.ts'
import { openHome } from '../settings/wallet.ts'
import type { Terminal } from '../terminal.ts'

const HELP = `jeju receipts [list] [flags]

The receipts that the home folder keeps, as they were verified: neither prompts nor answers are in them. jeju receipts
verify makes every check again, jeju receipts prove finds them in the logs of their nodes.

${HOME_HELP}
${COMMON_HELP}

Example:
  jeju receipts --json

${EXIT_HELP}`

/** `jeju receipts list`, and `jeju receipts`. */
export const listReceiptsCommand: Command = {
  summary: 'receipts that are kept',
  help: HELP,
  run: runList,
}

const { home } = WALLET_FLAGS
const FLAGS = { ...JSON_FLAG, home } as const
const HEADINGS = ['time', 'agent', 'model', 'in', 'out', 'ether', 'channel']

async function runList(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = readArguments(args, FLAGS)
  noOperand(positionals)
  const book = new ReceiptBook(await openHome(values, terminal))
  const rows: (readonly string[])[] = []
  for (const name of await book.names()) {
    const record = await book.read(name)
    if (record === undefined) continue
    if (values.json === true) await terminal.print(toJson({ name, ...toldOf(record) }))
    else rows.push(rowOf(record))
  }
  if (values.json !== true) await terminal.print(table(HEADINGS, rows))
  return EXIT.ok
}

/** What is told of a record; the authorisation's salt is not. */
function toldOf(record: ReceiptRecord): object {
  const { at, agentId, model, modelId, binding, signed, receipt, evidence } = record
  return {
    at: at.toISOString(),
    agentId,
    channelId: signed.auth.channelId,
    bindingId: binding.bindingId,
    signer: binding.signer,
    model,
    modelId,
    fee: feeOfRecord(record),
    evidence,
    receipt: parseComputeReceipt(receipt).receipt,
  }
}

function rowOf(record: ReceiptRecord): readonly string[] {
  const { at, agentId, model, signed, receipt } = record
  const { inputTokens, outputTokens } = parseComputeReceipt(receipt).receipt
  return [
    at.toISOString(),
    agentId.toString(),
    model,
    inputTokens.toString(),
    outputTokens.toString(),
    etherOf(feeOfRecord(record)),
    signed.auth.channelId,
  ]
}
