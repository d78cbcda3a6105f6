import type { Hex, RequestAuth } from '@jeju/verifier/protocol'
import { z } from 'zod'
import type { SettlementItem } from '../chain/node-chain.ts'
import { StoreError } from '../storage/schema.ts'
import type { SqlRow } from '../storage/sqlite.ts'
import type { Change } from '../storage/store.ts'
import type { Owed, StoredAuthorisation, TakenState } from './journal-state.ts'

const hex = (bytes: number): z.ZodType<Hex> =>
  z.templateLiteral(['0x', z.string().regex(new RegExp(`^[0-9a-f]{${2 * bytes}}$`))])
const integer = z
  .string()
  .regex(/^(0|[1-9][0-9]{0,77})$/)
  .transform(BigInt)
const count = z.number().int().nonnegative()

const authorisation = z.object({
  auth_hash: hex(32),
  channel_id: hex(32),
  nonce: integer,
  binding_id: hex(32),
  request_hash: hex(32),
  max_fee: integer,
  valid_until: count.transform(BigInt),
  state: z.enum(['started', 'waiting', 'sent', 'included', 'closed']),
})
const receipt = z.object({
  auth_sig: hex(65),
  response_hash: hex(32),
  input_tokens: count,
  output_tokens: count,
  finish: count,
  issued_at: count.transform(BigInt),
  receipt_sig: hex(65),
  fee: integer,
})

/** Every authorisation with its receipt, where it has one; oldest first. */
export const SELECT_AUTHORISATIONS = `
  SELECT authorisations.*, auth_sig, response_hash, input_tokens, output_tokens, finish, issued_at, receipt_sig, fee
  FROM authorisations LEFT JOIN receipts USING (auth_hash)
  ORDER BY authorisations.rowid`

/** Takes an authorisation; changes nothing where it, or its nonce in the channel, was taken before. */
export function insertStarted(authHash: Hex, auth: RequestAuth): Change {
  const { channelId, nonce, bindingId, requestHash, maxFee, validUntil } = auth
  return {
    sql: `INSERT OR IGNORE INTO authorisations
      (auth_hash, channel_id, nonce, binding_id, request_hash, max_fee, valid_until, state)
      VALUES (?, ?, ?, ?, ?, ?, ?, 'started')`,
    values: [
      authHash,
      channelId,
      nonce.toString(),
      bindingId,
      requestHash,
      maxFee.toString(),
      Number(validUntil),
    ],
  }
}

/** Adds the one receipt that an authorisation ever has. */
export function insertReceipt({ item, fee }: Owed): readonly Change[] {
  const { authSig, receiptSig } = item
  const { authHash, responseHash, inputTokens, outputTokens, finish, issuedAt } = item.receipt
  return [
    {
      sql: `INSERT INTO receipts
        (auth_hash, auth_sig, response_hash, input_tokens, output_tokens, finish, issued_at, receipt_sig, fee)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      values: [
        authHash,
        authSig,
        responseHash,
        inputTokens,
        outputTokens,
        finish,
        Number(issuedAt),
        receiptSig,
        fee.toString(),
      ],
    },
    updateState(authHash, 'waiting'),
  ]
}

/** Where an authorisation stands from now on, and why where it is closed. */
export function updateState(authHash: Hex, state: TakenState, status?: string): Change {
  return {
    sql: 'UPDATE authorisations SET state = ?, status = ? WHERE auth_hash = ?',
    values: [state, status ?? null, authHash],
  }
}

/**
 * Reads a row of {@link SELECT_AUTHORISATIONS}.
 * @throws StoreError `STORE_CORRUPT`
 */
export function readAuthorisation(row: SqlRow): StoredAuthorisation {
  const own = parse(authorisation, row)
  const auth: RequestAuth = {
    channelId: own.channel_id,
    nonce: own.nonce,
    bindingId: own.binding_id,
    requestHash: own.request_hash,
    maxFee: own.max_fee,
    validUntil: own.valid_until,
  }
  const stored = { authHash: own.auth_hash, auth, state: own.state }
  if (row['receipt_sig'] === null) return { ...stored, owed: undefined }
  const { fee, ...made } = parse(receipt, row)
  const item: SettlementItem = {
    auth,
    authSig: made.auth_sig,
    receipt: {
      authHash: own.auth_hash,
      responseHash: made.response_hash,
      inputTokens: made.input_tokens,
      outputTokens: made.output_tokens,
      finish: made.finish,
      issuedAt: made.issued_at,
    },
    receiptSig: made.receipt_sig,
  }
  return { ...stored, owed: { item, fee } }
}

function parse<Schema extends z.ZodType>(schema: Schema, row: SqlRow): z.output<Schema> {
  const parsed = schema.safeParse(row)
  if (parsed.success) return parsed.data
  const field = parsed.error.issues[0]?.path.join('.') ?? ''
  throw new StoreError('STORE_CORRUPT', `database: authorisations: malformed ${field}`)
}
