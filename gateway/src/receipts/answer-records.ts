import type { Hex, PromptPath, Receipt } from '@jeju/verifier/protocol'
import { BoundedMap } from '../bounded-map.ts'

/** A verified answer as a gateway can speak of it afterwards. No content, and of who paid only the authorisation's hash. */
export interface AnswerRecord {
  /** `X-Request-Id` of the answer: drawn at random, known to its caller. */
  readonly requestId: string
  readonly path: PromptPath
  /** When it was verified, Unix milliseconds. */
  readonly at: number
  readonly agentId: bigint
  readonly bindingId: Hex
  /** SHA-256 that names the session under which it was routed. */
  readonly sessionId: Uint8Array
  readonly evidenceDigest: Hex
  readonly model: string
  readonly modelId: Hex
  readonly priceVersion: number
  /** Wei. */
  readonly fee: bigint
  /** What the node's attested signer signed. */
  readonly receipt: Receipt
}

/** Verified answers of the last hour. */
export interface AnswerRecords {
  add(record: AnswerRecord): void
  /** Undefined once it was forgotten. */
  get(requestId: string): AnswerRecord | undefined
}

/** A record is kept for so long at most. */
const RECORD_MS = 3600_000
/** Under heavy load the oldest go sooner (attack F16); some 20 MB. */
const MAX_RECORDS = 20_000

/** Kept in this process alone, and gone with it. */
export function createAnswerRecords(now: () => Date, max: number = MAX_RECORDS): AnswerRecords {
  const records = new BoundedMap<string, AnswerRecord>(max)
  return {
    add: (record) => records.set(record.requestId, record),
    get: (requestId) => {
      const record = records.get(requestId)
      if (record === undefined || now().getTime() - record.at > RECORD_MS) return undefined
      return record
    },
  }
}
