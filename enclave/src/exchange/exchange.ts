import { equalBytes, type ComputeReceipt } from '@jeju/verifier/protocol'
import type { Authorised } from '../payment/authorise.ts'
import type { ResponseSealer } from '../sealing/response-sealer.ts'

/** How an answer ended in the books. */
export interface Conclusion {
  /** Id of the answer in its own body; null where that has none. */
  readonly chatId: string | null
  readonly receipt: ComputeReceipt
}

/**
 * One prompt and its answer as bytes on the wire, which is what signatures are over (docs/protocol.md §5, §10). What
 * makes the answer says here what it is going to send before it sends it.
 */
export interface Exchange {
  /** The request body exactly as sent: sealed, where it was sealed. */
  readonly sent: Uint8Array
  /** What the header alone showed, where it was just looked at. */
  readonly admitted: Authorised | undefined
  /** The body that was opened or came plain. */
  readonly body: Uint8Array<ArrayBuffer>
  /**
   * What these bytes of the answer are on the wire. To be called once for each chunk before it is sent, in order; the
   * chunk then goes out as exactly these bytes.
   */
  cover(chunk: Uint8Array): Uint8Array
  /** The request may be charged: its authorisation's hash is the id of the receipt. */
  authorised(receiptId: string): void
  concluded(conclusion: Conclusion): void
}

/** The side of an exchange that carries the answer. */
export interface ExchangeWire extends Exchange {
  /** Suite that the request was sealed under. */
  readonly sealedBy: string | undefined
  readonly sealer: ResponseSealer | undefined
  /** What was covered is not what is going to be sent, and nothing has been: an error takes the answer's place. */
  startOver(): void
  readonly receiptId: string | undefined
  readonly conclusion: Conclusion | undefined
  /** The wire's bytes of a chunk that is sent now; empty while a covered chunk is not complete. */
  send(chunk: Uint8Array): Uint8Array<ArrayBuffer>
}

/** A covered chunk that has not been sent yet. */
interface Covered {
  readonly plain: Uint8Array
  readonly wire: Uint8Array<ArrayBuffer>
}

/** An exchange whose request was read. */
export function createExchange(
  sent: Uint8Array<ArrayBuffer>,
  opened?: {
    readonly body: Uint8Array<ArrayBuffer>
    readonly algo: string
    readonly startAnswer: () => ResponseSealer
  },
  admitted?: Authorised,
): ExchangeWire {
  let covered: Covered[] = []
  let held: Uint8Array<ArrayBuffer> = new Uint8Array(0)
  let receiptId: string | undefined
  let conclusion: Conclusion | undefined
  let sealer = opened?.startAnswer()
  return {
    sent,
    admitted,
    body: opened?.body ?? sent,
    sealedBy: opened?.algo,
    get sealer() {
      return sealer
    },
    startOver: () => {
      covered = []
      // Numbers that were given away are not given again, and the reader counts from the first.
      sealer = opened?.startAnswer()
    },
    get receiptId() {
      return receiptId
    },
    get conclusion() {
      return conclusion
    },
    authorised: (id) => (receiptId = id),
    concluded: (end) => (conclusion = end),
    cover: (chunk) => {
      if (sealer === undefined) return chunk
      const wire = sealer.seal(chunk)
      covered.push({ plain: chunk.slice(), wire })
      return wire
    },
    send: (chunk) => {
      if (sealer === undefined) return new Uint8Array(chunk)
      held = held.length === 0 ? chunk.slice() : new Uint8Array(Buffer.concat([held, chunk]))
      const frames: Uint8Array[] = []
      for (let next = covered[0]; next !== undefined; next = covered[0]) {
        const { plain, wire } = next
        if (held.length < plain.length) return new Uint8Array(Buffer.concat(frames))
        // Other bytes than were signed never leave, and never under a number that was used.
        if (!equalBytes(held.subarray(0, plain.length), plain)) {
          throw new Error('an answer other than the one covered')
        }
        covered.shift()
        frames.push(wire)
        held = held.slice(plain.length)
      }
      if (held.length > 0) {
        frames.push(sealer.seal(held))
        held = new Uint8Array(0)
      }
      return new Uint8Array(Buffer.concat(frames))
    },
  }
}
