import { readReceiptFile, verifyReceipt, type ReceiptReport } from '../../index.ts'
import { COMMON_FLAGS, EXIT_CODES_HELP, readArguments } from '../common-flags.ts'
import type { Command } from '../command.ts'
import { faultOf, firstFailure, inputCheck } from '../fault.ts'
import { checkTree } from '../output/check-tree.ts'
import { malformedTree } from '../output/malformed-tree.ts'
import { paintFor } from '../output/paint.ts'
import { drawTree, leaf, type Tree } from '../output/tree.ts'
import { verdictSpan } from '../output/verdict-span.ts'
import { readFileBytes } from '../read/read-file.ts'
import { parseTime } from '../read/time.ts'
import type { Terminal } from '../terminal.ts'
import { UsageError } from '../usage-error.ts'
import { exitCodeOf, type CliVerdict } from '../verdict.ts'

const HELP = `jeju-verify receipt [flags] FILE

Did this answer come from the node that was asked, unchanged and at the agreed price? FILE is JSON:

  v              1
  authorization  value of the compute-authorization header that was sent
  requestBytes   length of the request body that was sent
  answer         kind: "json" or "stream"; the body as it came, as text or bytes (hex or base64);
                 receipt: value of the compute-receipt header ("json" only);
                 usage, optional: inputTokens, outputTokens as the body states them
  serving        chainId (decimal string) and address of InferenceServing
  binding        id, signer and keyset (exact text) of the verified node
  model          name and id, as they were asked for
  price          version, inPerMTok, outPerMTok (wei, decimal strings) and maxOutputTokens of the channel
  receivedAt     optional: Unix seconds; --at, or the time of now, where it is missing

  --at TIME      judge as of this time: ISO 8601 with zone, or Unix seconds
  --json         one line of JSON
  --help         this text

Examples:
  jeju-verify receipt answer.json
  jeju-verify receipt --json --at 1800000001 answer.json

${EXIT_CODES_HELP}`

/** `jeju-verify receipt`. */
export const receiptCommand: Command = { help: HELP, run: judgeReceipt }

const { at, json } = COMMON_FLAGS
const FLAGS = { at, json }

interface Answer {
  readonly verdict: CliVerdict
  readonly json: object
  readonly tree: Tree
}

async function judgeReceipt(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = readArguments(args, FLAGS)
  const [file, ...others] = positionals
  if (file === undefined || others.length > 0) throw new UsageError('expected one FILE')
  const time = parseTime(values.at)
  const answer = judge(file, await readFileBytes(file), time)
  const text =
    values.json === true ? JSON.stringify(answer.json) : drawTree(answer.tree, paintFor(terminal))
  await terminal.print(`${text}\n`)
  return exitCodeOf([answer.verdict])
}

function judge(file: string, bytes: Uint8Array, time: Date | undefined): Answer {
  try {
    const { answer, expectation, at } = readReceiptFile(bytes)
    const report = verifyReceipt(answer, { ...expectation, at: time ?? at ?? new Date() })
    return answerOf(file, report)
  } catch (error) {
    const fault = faultOf(error)
    const { code } = fault
    const json = { file, verdict: 'malformed', code, fee: null, checks: [inputCheck(fault)] }
    return { verdict: 'malformed', json, tree: malformedTree(file, fault) }
  }
}

function answerOf(file: string, { checks, verdict: found }: ReceiptReport): Answer {
  const isVerified = found.outcome === 'verified'
  const verdict = isVerified ? 'accepted' : 'rejected'
  const code = firstFailure(checks)
  const fee = isVerified ? found.fee.toString() : null
  const tree: Tree = {
    label: [
      [`${file}: `, 'plain'],
      verdictSpan(verdict),
      [code === null ? '' : `  ${code}`, 'bad'],
    ],
    below: [...checks.map(checkTree), ...(fee === null ? [] : [leaf(`fee ${fee} wei`)])],
  }
  return { verdict, json: { file, verdict, code, fee, checks }, tree }
}
