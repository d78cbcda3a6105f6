import { decodeUtf8 } from '../../bytes/bytes.ts'
import {
  readReceiptFile,
  verifyInclusion,
  verifyReceipt,
  type Check,
  type InclusionCase,
} from '../../index.ts'
import {
  MAX_PROOF_CHARACTERS,
  parseAnchoredEpoch,
  parseInclusionProof,
} from '../../protocol/log/inclusion-proof.ts'
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
import { parseContract, parseNodeUrl } from '../node/node-flags.ts'
import { UnreachableError } from '../node/fetch-evidence.ts'
import { unreachableTree } from '../node/node-result.ts'
import { exitCodeOf, type CliVerdict } from '../verdict.ts'
import { fetchAnchoredEpoch, parseConfirmations, ROOT_CONFIRMATIONS } from './anchored-epoch.ts'

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

  --inclusion FILE      the node's answer at /v1/receipts/ID/inclusion: does the receipt stand in the log of its key?
  --roots CHAIN:ADDRESS ReceiptRoots that counts; with --inclusion
  --root FILE           what it says of the epoch, for who is offline (docs/protocol.md §12)
  --rpc URL             or who is asked for that
  --confirmations N     blocks under which it is believed, 1 to 256; ${ROOT_CONFIRMATIONS} without it; with --rpc

  --at TIME      judge as of this time: ISO 8601 with zone, or Unix seconds
  --json         one line of JSON
  --help         this text

Examples:
  jeju-verify receipt answer.json
  jeju-verify receipt --json --at 1800000001 answer.json
  jeju-verify receipt --inclusion proof.json --roots 8453:0x… --rpc https://mainnet.base.org answer.json

${EXIT_CODES_HELP}`

/** `jeju-verify receipt`. */
export const receiptCommand: Command = { help: HELP, run: judgeReceipt }

const { at, json } = COMMON_FLAGS
const FLAGS = {
  at,
  json,
  inclusion: { type: 'string' },
  roots: { type: 'string' },
  root: { type: 'string' },
  rpc: { type: 'string' },
  confirmations: { type: 'string' },
} as const

interface Answer {
  readonly verdict: CliVerdict
  readonly json: object
  readonly tree: Tree
}

type Inclusion = Omit<InclusionCase, 'receipt'>

async function judgeReceipt(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = readArguments(args, FLAGS)
  const [file, ...others] = positionals
  if (file === undefined || others.length > 0) throw new UsageError('expected one FILE')
  const time = parseTime(values.at)
  requireTogether(values)
  const answer = await judge(file, await readFileBytes(file), time, () => readInclusion(values))
  const text =
    values.json === true ? JSON.stringify(answer.json) : drawTree(answer.tree, paintFor(terminal))
  await terminal.print(`${text}\n`)
  return exitCodeOf([answer.verdict])
}

interface InclusionFlags {
  readonly inclusion?: string | undefined
  readonly roots?: string | undefined
  readonly root?: string | undefined
  readonly rpc?: string | undefined
  readonly confirmations?: string | undefined
}

function requireTogether({ inclusion, roots, root, rpc, confirmations }: InclusionFlags): void {
  if (inclusion === undefined) {
    if ([roots, root, rpc, confirmations].every((flag) => flag === undefined)) return
    throw new UsageError('--roots, --root, --rpc and --confirmations go with --inclusion')
  }
  if (confirmations !== undefined && rpc === undefined) {
    throw new UsageError('--confirmations goes with --rpc')
  }
  if ((root === undefined) === (rpc === undefined)) {
    throw new UsageError('--inclusion: expected one of --root and --rpc')
  }
  parseContract(roots, '--roots')
  parseConfirmations(confirmations)
}

/** @throws UsageError, UnreachableError, ProtocolError */
async function readInclusion(flags: InclusionFlags): Promise<Inclusion | undefined> {
  const { inclusion, root, rpc } = flags
  if (inclusion === undefined) return undefined
  const confirmations = parseConfirmations(flags.confirmations)
  const roots = parseContract(flags.roots, '--roots')
  const proof = parseInclusionProof(await readText(inclusion, 'proof'))
  const anchored =
    root === undefined
      ? await fetchAnchoredEpoch(parseNodeUrl(rpc ?? ''), { ...proof, roots }, confirmations)
      : parseAnchoredEpoch(await readText(root, 'root'))
  return { proof, anchored, roots }
}

async function readText(path: string, place: string): Promise<string> {
  return decodeUtf8(await readFileBytes(path, MAX_PROOF_CHARACTERS), place).trim()
}

async function judge(
  file: string,
  bytes: Uint8Array,
  time: Date | undefined,
  inclusionOf: () => Promise<Inclusion | undefined>,
): Promise<Answer> {
  try {
    const { answer, expectation, at } = readReceiptFile(bytes)
    const { checks, verdict } = verifyReceipt(answer, {
      ...expectation,
      at: time ?? at ?? new Date(),
    })
    const fee = verdict.outcome === 'verified' ? verdict.fee.toString() : null
    const inclusion = await inclusionOf()
    // Without a receipt there is nothing that could be included, and that was said.
    if (inclusion === undefined || 'absent' in answer.receipt) {
      return answerOf(file, checks, fee, null)
    }
    const included = verifyInclusion({ receipt: answer.receipt.text, ...inclusion })
    const found = included.verdict
    const since = found.outcome === 'verified' ? found.anchoredAt.toISOString() : null
    return answerOf(file, [...checks, ...included.checks], fee, since)
  } catch (error) {
    if (error instanceof UnreachableError) {
      const { message } = error
      const json = { file, verdict: 'unreachable', code: null, message }
      return { verdict: 'unreachable', json, tree: unreachableTree(file, message) }
    }
    const fault = faultOf(error)
    const { code } = fault
    const json = { file, verdict: 'malformed', code, fee: null, checks: [inputCheck(fault)] }
    return { verdict: 'malformed', json, tree: malformedTree(file, fault) }
  }
}

function answerOf(
  file: string,
  checks: readonly Check[],
  fee: string | null,
  anchoredAt: string | null,
): Answer {
  const isAccepted = checks.every(({ status }) => status === 'passed')
  const verdict = isAccepted ? 'accepted' : 'rejected'
  const code = firstFailure(checks)
  const tree: Tree = {
    label: [
      [`${file}: `, 'plain'],
      verdictSpan(verdict),
      [code === null ? '' : `  ${code}`, 'bad'],
    ],
    below: [
      ...checks.map(checkTree),
      ...(isAccepted && fee !== null ? [leaf(`fee ${fee} wei`)] : []),
      ...(anchoredAt === null ? [] : [leaf(`in the log since ${anchoredAt}`)]),
    ],
  }
  const shown = anchoredAt === null ? {} : { anchoredAt }
  return {
    verdict,
    json: { file, verdict, code, fee: isAccepted ? fee : null, ...shown, checks },
    tree,
  }
}
