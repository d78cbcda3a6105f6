import { SseReceiptSplitter } from '@jeju/verifier/protocol'

/** What a client got. */
export interface Got {
  readonly id: number
  readonly offered: readonly string[]
  readonly isStream: boolean
  readonly authorizations: readonly string[]
  readonly startedMs: number
  readonly endedMs: number
  readonly status: number
  readonly verdict: string | null
  readonly binding: string | null
  readonly receipt: string | null
  readonly bytes: Uint8Array
  /** The connection was broken off. */
  readonly isBroken: boolean
}

/** Whether the gateway gave it out as an answer, and to its end. */
export function isWhole({ status, verdict, bytes, isBroken }: Got): boolean {
  if (status !== 200 || isBroken) return false
  return verdict === 'verified' || textOf(bytes).endsWith('data: [DONE]\n\n')
}

/** Its receipt, and the bytes that this is over. */
export function receiptOf({ verdict, receipt, bytes }: Got): {
  readonly text: string
  readonly covered: Uint8Array
} {
  if (verdict === 'verified') {
    return { text: Buffer.from(receipt ?? '', 'base64url').toString(), covered: bytes }
  }
  const splitter = new SseReceiptSplitter('chat')
  const covered = [splitter.push(bytes)]
  const { text, held } = splitter.end()
  return { text, covered: Buffer.concat([...covered, held]) }
}

/** What was said. */
export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8')
}
