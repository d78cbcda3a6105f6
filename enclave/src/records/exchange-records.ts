import { createHash } from 'node:crypto'
import { nativeSignatures } from '@jeju/verifier/node'
import {
  ACI_VERSION,
  aciDigest,
  encodeComputeReceipt,
  signAciReceipt,
  type AciDocument,
  type JsonValue,
} from '@jeju/verifier/protocol'
import type { ExchangeWire } from '../exchange/exchange.ts'
import { RECEIPT_KEY_ID, type NodeIdentity } from '../statement/node-identity.ts'
import type { KeptExchange, RecordLog } from './record-log.ts'

/** An exchange whose answer is on its way. */
export interface ExchangeRecord {
  /** Bytes that left. */
  sent(bytes: Uint8Array): void
  /** Nothing more leaves: signs and keeps the record. */
  close(): void
}

/** What is known when an answer begins. */
export interface BegunExchange {
  readonly receiptId: string
  /** Value of the authorisation header; only its hash is kept. */
  readonly credential: string
  readonly method: string
  readonly endpoint: string
  readonly wire: ExchangeWire
}

/** Records of exchanges: ACI receipts, and the hashes that the vllm-proxy dialect signs. */
export interface ExchangeRecords {
  begin(exchange: BegunExchange): ExchangeRecord
  /** By receipt id or by the answer's own id; undefined when there is none, or no longer one. */
  find(id: string): Promise<KeptExchange | undefined>
}

/** Collaborators of {@link createExchangeRecords}. */
export interface ExchangeRecordsParts {
  readonly identity: NodeIdentity
  /** Ed25519 seed of the keyset's receipt key. */
  readonly receiptKey: Uint8Array
  readonly log: RecordLog
  readonly now: () => Date
}

/** Name of the event that carries this node's own receipt (docs/protocol.md §11). */
const COMPUTE_RECEIPT_EVENT = 'jeju.compute_receipt'

/** Records that are signed when the last byte has left, and never before (ACI, receipts). */
export function createExchangeRecords(parts: ExchangeRecordsParts): ExchangeRecords {
  const { log, now } = parts
  return {
    begin: (exchange) => {
      const response = createHash('sha256')
      const servedAt = Math.floor(now().getTime() / 1000)
      return {
        sent: (bytes) => void response.update(bytes),
        close: () =>
          log.keep(
            makeRecord(parts, exchange, servedAt, response.digest('hex')),
            exchange.wire.conclusion === undefined,
          ),
      }
    },
    find: (id) => log.find(id),
  }
}

/** SHA-256 of a credential, the only form in which one is kept. */
export function credentialDigest(credential: string): string {
  return createHash('sha256').update(credential).digest('hex')
}

function makeRecord(
  { identity, receiptKey }: ExchangeRecordsParts,
  { receiptId, credential, method, endpoint, wire }: BegunExchange,
  servedAt: number,
  responseSha256: string,
): KeptExchange {
  const { sent, body, conclusion, sealedBy } = wire
  const requestHash = aciDigest(sent)
  const chatId = conclusion?.chatId ?? null
  const model = conclusion?.receipt.model ?? null
  const receipt = signAciReceipt(
    {
      api_version: ACI_VERSION,
      receipt_id: receiptId,
      chat_id: chatId,
      model,
      workload_keyset_digest: identity.aciKeysetDigest,
      endpoint,
      method,
      served_at: servedAt,
      event_log: [
        { type: 'request.received', body_hash: requestHash },
        ...servedEvents(wire, body, sealedBy),
        { type: 'response.returned', body_hash: `sha256:${responseSha256}` },
      ],
      key_id: RECEIPT_KEY_ID,
    } satisfies AciDocument,
    receiptKey,
    nativeSignatures,
  )
  return {
    receiptId,
    chatId,
    model,
    credential: credentialDigest(credential),
    sealed: sealedBy !== undefined,
    servedAt,
    requestSha256: requestHash.slice('sha256:'.length),
    responseSha256,
    receipt,
  }
}

/** What was inferred from, and what it cost; neither where the request was refused. */
function servedEvents(
  { conclusion }: ExchangeWire,
  body: Uint8Array,
  sealedBy: string | undefined,
): readonly JsonValue[] {
  if (conclusion === undefined) return []
  const document = JSON.parse(encodeComputeReceipt(conclusion.receipt)) as JsonValue
  return [
    // Whoever carries a sealed request reads this record: an unsalted hash of what was opened would confirm guesses
    // of it (attack E11).
    ...(sealedBy === undefined ? [{ type: 'request.forwarded', body_hash: aciDigest(body) }] : []),
    { type: COMPUTE_RECEIPT_EVENT, document, sealed_by: sealedBy ?? null },
  ]
}
