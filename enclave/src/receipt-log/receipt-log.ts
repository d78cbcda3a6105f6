import { setTimeout as delay } from 'node:timers/promises'
import {
  encodeAuthorization,
  encodeComputeReceipt,
  receiptCommitment,
  receiptSalt,
  type ComputeReceipt,
  type SignedRequestAuth,
} from '@jeju/verifier/protocol'
import { backoffMs } from '../attestation/backoff.ts'
import { credentialDigest } from '../records/exchange-records.ts'
import type { Change } from '../storage/store.ts'
import { createAnchoring, type AnchoringParts } from './anchor-epochs.ts'
import { closeEpochs, type ClosingParts } from './close-epochs.ts'
import { forgetOld } from './forget.ts'
import { createInclusionProofs } from './inclusion-proofs.ts'
import { insertLogged, readLogged } from './log-rows.ts'

/** Where a receipt stands in the log. */
export interface FoundInclusion {
  /** SHA-256 of what its owner can show: the authorisation header, or the salt of the commitment. */
  readonly credentials: readonly string[]
  /** When it is worth asking again, seconds; zero when it can be proven. */
  readonly retryAfterS: number
  /** Text of the proof; undefined while its epoch is not anchored. Costs a tree: for the owner alone. */
  prove(): Promise<string | undefined>
}

/** The log of this node's receipts (docs/protocol.md §12). Nothing of it stands between a request and its answer. */
export interface ReceiptLog {
  /** What puts a receipt into the log; to be written together with the receipt itself. */
  entry(receipt: ComputeReceipt, signed: SignedRequestAuth): Change
  find(receiptId: string): Promise<FoundInclusion | undefined>
  /** Closes and anchors what is due; with `last`, whatever there is. Failures leave it waiting; says whether there were any. */
  work(last?: boolean): Promise<boolean>
  /** Works until the signal. */
  run(signal: AbortSignal): Promise<void>
  /** Closes and sends what there is, with a few tries until the signal; what is left waits for the next start. */
  finish(signal: AbortSignal): Promise<void>
}

/** Collaborators of {@link createReceiptLog}. */
export interface ReceiptLogParts extends ClosingParts, AnchoringParts {}

const POLL_MS = 1_000
const RETRY = { firstMs: 2_000, maxMs: 300_000 }
const FORGET_EVERY = 1_024
const SOON_S = 30
/** At the end a chain that does not answer is asked again so often. */
const LAST_TRIES = 3

/** What the chain names is archived; attempts that came to nothing are nobody's business. */
const UNARCHIVED = `
  SELECT content FROM evidence WHERE confirmed = 1 AND digest NOT IN (SELECT digest FROM archived)`

/** A log in the node's database. */
export function createReceiptLog(parts: ReceiptLogParts): ReceiptLog {
  const { store, queue, roots, metrics, logger, now, epochS } = parts
  const anchoring = createAnchoring(parts)
  const proofs = createInclusionProofs(store, roots)
  let failures = 0
  let rounds = 0
  const archiveEvidence = async (): Promise<void> => {
    if (!queue.active) return
    for (const { content } of await store.all(UNARCHIVED)) {
      if (content instanceof Uint8Array) {
        await store.write(queue.stage(content, 'evidence').changes)
      }
    }
  }
  /** Whether it is worth another try. */
  const round = async (last: boolean): Promise<boolean> => {
    const nowS = Math.floor(now().getTime() / 1000)
    if (rounds++ % FORGET_EVERY === 0) metrics.receiptsGivenUp(await forgetOld(store, nowS))
    let isCutOff = false
    try {
      await closeEpochs(parts, last)
    } finally {
      // What is closed is anchored, whatever keeps the next from closing.
      isCutOff = await anchoring.round(last)
    }
    return isCutOff
  }
  let turn: Promise<boolean> = Promise.resolve(false)
  const work = (last = false): Promise<boolean> => {
    turn = turn.then(async () => {
      try {
        const isCutOff = await round(last)
        failures = 0
        return isCutOff
      } catch (error) {
        failures++
        const reason = error instanceof Error ? error.message.slice(0, 200) : 'failed'
        logger.warn({ reason, failures }, 'the receipt log waits')
        return true
      }
    })
    return turn
  }
  return {
    entry: (receipt, signed) => {
      const salt = receiptSalt(signed.salt)
      return insertLogged({
        receiptId: receipt.receipt.authHash,
        bindingId: receipt.bindingId,
        commitment: receiptCommitment(salt, encodeComputeReceipt(receipt)),
        salt,
        credential: credentialDigest(encodeAuthorization(signed)),
        madeAt: Math.floor(now().getTime() / 1000),
      })
    },
    find: async (receiptId) => {
      const found = await readLogged(store, receiptId)
      if (found === undefined) return undefined
      const { logged, epoch } = found
      const credentials = [logged.credential, credentialDigest(logged.salt)]
      if (epoch?.anchoredAt !== undefined) {
        return { credentials, retryAfterS: 0, prove: () => proofs.of(logged, epoch) }
      }
      const endsInS = logged.madeAt + epochS - Math.floor(now().getTime() / 1000)
      const retryAfterS = epoch === undefined ? Math.max(SOON_S, endsInS) : SOON_S
      return { credentials, retryAfterS, prove: () => Promise.resolve(undefined) }
    },
    work,
    run: async (signal) => {
      while (!signal.aborted) {
        await archiveEvidence().catch((error: unknown) => {
          logger.error({ reason: error instanceof Error ? error.name : '' }, 'evidence waits')
        })
        await work()
        const waitMs = failures === 0 ? POLL_MS : backoffMs(failures, RETRY)
        await delay(waitMs, undefined, { signal }).catch(() => undefined)
      }
    },
    finish: async (signal) => {
      await archiveEvidence()
      for (let tries = 0; tries < LAST_TRIES && !signal.aborted; tries++) {
        if (!(await work(true))) return
        await delay(POLL_MS, undefined, { signal }).catch(() => undefined)
      }
    },
  }
}
