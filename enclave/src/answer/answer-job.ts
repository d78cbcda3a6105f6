import { nativeSha256, nativeSignatures } from '@jeju/verifier/node'
import {
  MAX_AUTH_LIFE_S,
  createResponseHasher,
  feeOf,
  FINISH_CODES,
  signComputeReceipt,
  type ComputeReceipt,
  type ContractDomain,
} from '@jeju/verifier/protocol'
import type { GenerateResult } from '../engine/engine.ts'
import type { Exchange } from '../exchange/exchange.ts'
import type { NodeKeys } from '../keys/node-keys.ts'
import type { Authorised } from '../payment/authorise.ts'
import type { Journal } from '../payment/journal.ts'
import type { ReceiptLog } from '../receipt-log/receipt-log.ts'
import { RECEIPT_KEY_ID, type NodeIdentity } from '../statement/node-identity.ts'

/** Counts and end of an answer, for body and receipt alike. */
export interface AnswerEnd {
  readonly inputTokens: number
  readonly outputTokens: number
  readonly finish: GenerateResult['finish'] | 'error'
}

/** Collaborators of {@link createAnswerJob}. */
export interface AnswerJobParts {
  readonly identity: NodeIdentity
  readonly keys: NodeKeys
  readonly serving: ContractDomain
  readonly journal: Journal
  readonly log: Pick<ReceiptLog, 'entry'>
  readonly now: () => Date
}

/** One answer under way: the bytes it sent, and how it is concluded. */
export interface AnswerJob {
  /** Covers bytes that go out. */
  cover(bytes: Uint8Array): void
  /**
   * Signs and journals the receipt over everything covered. Called once, before the last bytes leave. Where there can be
   * no receipt, the reservation is given back.
   */
  conclude(end: AnswerEnd): Promise<ComputeReceipt>
  /**
   * Gives the reservation back: nothing was answered, so nothing is charged. The authorisation stays used. Changes
   * nothing where a receipt was made.
   */
  abandon(): Promise<void>
}

/** Starts the books of an authorised request; `answerId` is the answer's id in its own body, where it has one. */
export function createAnswerJob(
  parts: AnswerJobParts,
  authorised: Authorised,
  exchange: Exchange,
  answerId?: string,
): AnswerJob {
  const { signed, authHash, price, priceVersion } = authorised
  const { identity, keys, serving, journal, log, now } = parts
  const hasher = createResponseHasher(signed.salt, nativeSha256())
  const unixSeconds = (): number => Math.floor(now().getTime() / 1000)
  let isOpen = true
  const abandon = async (): Promise<void> => {
    if (!isOpen) return
    isOpen = false
    await journal.abandon(authHash, 'not_served')
  }
  const sign = ({ finish, inputTokens, outputTokens }: AnswerEnd): ComputeReceipt =>
    signComputeReceipt(
      {
        bindingId: identity.bindingId,
        keysetDigest: identity.statement.keysetDigest,
        model: identity.model.id,
        modelId: identity.modelId,
        priceVersion,
        receipt: {
          authHash,
          responseHash: hasher.digest(),
          inputTokens,
          outputTokens,
          finish: FINISH_CODES[finish],
          issuedAt: issuedWithin(BigInt(unixSeconds()), signed.auth.validUntil),
        },
      },
      { serving, signerKey: keys.signerKey, keyId: RECEIPT_KEY_ID, receiptKey: keys.receiptKey },
      nativeSignatures,
    )
  return {
    cover: (bytes) => hasher.update(exchange.cover(bytes)),
    conclude: async (end) => {
      try {
        const receipt = sign(end)
        await journal.finish(
          {
            auth: signed.auth,
            authSig: signed.signature,
            receipt: receipt.receipt,
            receiptSig: receipt.receiptSignature,
          },
          feeOf(price, end.inputTokens, end.outputTokens),
          [log.entry(receipt, signed)],
        )
        isOpen = false
        exchange.concluded({ chatId: answerId ?? null, receipt })
        return receipt
      } catch (error) {
        // A receipt that nobody will ever show is not owed.
        await abandon().catch(() => undefined)
        throw error
      }
    },
    abandon,
  }
}

/** Whatever fails from the reservation on, and before its receipt, gives it back. */
export async function orAbandoned<Result>(
  { taken, job }: { readonly taken: Promise<void>; readonly job: AnswerJob },
  answer: () => Promise<Result>,
): Promise<Result> {
  try {
    return await answer()
  } catch (error) {
    // What the disk did not take is another's, or nobody's: what the books say of it stays.
    await taken.then(() => job.abandon()).catch(() => undefined)
    throw error
  }
}

/**
 * A receipt is issued within its authorisation's life, however long the answer took and wherever the clock has gone
 * meanwhile: the contract pays no other.
 */
function issuedWithin(now: bigint, validUntil: bigint): bigint {
  if (now > validUntil) return validUntil
  const earliest = validUntil - MAX_AUTH_LIFE_S
  return now < earliest ? earliest : now
}
