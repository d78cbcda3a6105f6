import type { Hex, RequestAuth } from '@jeju/verifier/protocol'
import { z } from 'zod'
import type { SettlementItem } from '../chain/node-chain.ts'

/** One line of the journal. */
export type JournalEntry =
  | { readonly type: 'started'; readonly authHash: Hex; readonly auth: RequestAuth }
  | { readonly type: 'finished'; readonly item: SettlementItem; readonly fee: bigint }
  | { readonly type: 'settled'; readonly authHash: Hex; readonly status: string }

/** The journal on disk is not what this program wrote: serving on would risk answering an authorisation twice. */
export class JournalError extends Error {
  override readonly name = 'JournalError'
  readonly code = 'JOURNAL_CORRUPT'
}

const hex = (bytes: number): z.ZodType<Hex> =>
  z.templateLiteral(['0x', z.string().regex(new RegExp(`^[0-9a-f]{${2 * bytes}}$`))])
const integer = z
  .string()
  .regex(/^(0|[1-9][0-9]{0,77})$/)
  .transform(BigInt)

const auth = z.strictObject({
  channelId: hex(32),
  nonce: integer,
  bindingId: hex(32),
  requestHash: hex(32),
  maxFee: integer,
  validUntil: integer,
})
const receipt = z.strictObject({
  authHash: hex(32),
  responseHash: hex(32),
  inputTokens: z.number().int(),
  outputTokens: z.number().int(),
  finish: z.number().int(),
  issuedAt: integer,
})
const entry = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('started'), authHash: hex(32), auth }),
  z.strictObject({
    type: z.literal('finished'),
    item: z.strictObject({ auth, authSig: hex(65), receipt, receiptSig: hex(65) }),
    fee: integer,
  }),
  z.strictObject({ type: z.literal('settled'), authHash: hex(32), status: z.string() }),
])

/** One line, with its end; integers beyond 2^53 are decimal strings. */
export function encodeEntry(value: JournalEntry): string {
  const text = JSON.stringify(value, (_, member: unknown) =>
    typeof member === 'bigint' ? member.toString() : member,
  )
  return `${text}\n`
}

/**
 * Reads a line without its end.
 * @throws JournalError naming the line
 */
export function decodeEntry(line: string, number: number): JournalEntry {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    throw new JournalError(`journal line ${number}: not JSON`)
  }
  const parsed = entry.safeParse(value)
  if (parsed.success) return parsed.data
  const field = parsed.error.issues[0]?.path.join('.') ?? ''
  throw new JournalError(`journal line ${number}: malformed ${field}`)
}
