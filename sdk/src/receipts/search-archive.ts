import { ArchiveError, readArweave } from '@jeju/verifier/archive'
import {
  decodeUtf8,
  epochRoot,
  MAX_EPOCH_DOCUMENT_BYTES,
  parseComputeReceipt,
  parseEpochDocument,
  proveInclusion,
  receiptSalt,
  type AnchoredEpoch,
  type EpochDocument,
} from '@jeju/verifier/protocol'
import type { RootsReader } from '../chain/receipt-roots.ts'
import { attempt } from './attempt.ts'
import type { InclusionRecord } from './inclusion-record.ts'
import type { ReceiptRecord } from './receipt-record.ts'

/** Where documents are read. */
export interface ArchiveSources {
  readonly fetch: typeof globalThis.fetch
  /** Arweave gateways, asked in this order; none is trusted. */
  readonly gateways: readonly string[]
}

/** Between the clock that issued a receipt and that of the chain, in seconds. */
const MAX_CLOCK_SKEW_S = 300
/** What is read for one receipt: a node that has much to catch up with anchors it long after. */
const MAX_READ_BYTES = 64 * 1024 * 1024
/** An archive that lacks so many documents is not asked on. */
const MAX_MISSING = 8

/**
 * Looks for a receipt in the archived epochs of its log, from the first that was anchored since until one was opened later than
 * the receipt was issued. What is missing on the way is put into `reasons`. Throws `CHAIN_…` where the chain cannot be asked.
 */
export async function searchArchive(
  { binding, signed, receipt }: ReceiptRecord,
  reader: RootsReader,
  sources: ArchiveSources,
  reasons: string[],
): Promise<InclusionRecord | undefined> {
  const { bindingId } = binding
  const issuedAt = Number(parseComputeReceipt(receipt).receipt.issuedAt)
  const count = await reader.epochs(bindingId)
  let epoch = await firstAnchoredAt(binding.bindingId, issuedAt - MAX_CLOCK_SKEW_S, count, reader)
  if (epoch === count) reasons.push('no epoch was anchored since')
  let [read, missing] = [0, 0]
  for (; epoch < count && read < MAX_READ_BYTES && missing < MAX_MISSING; epoch++) {
    const anchored = await reader.epoch(bindingId, epoch)
    if (anchored === undefined) {
      reasons.push(`epoch ${epoch} is not under enough blocks`)
      return undefined
    }
    const found = await attempt(reasons, () => readDocument(anchored, reader, sources))
    if (found === undefined) {
      missing++
      continue
    }
    read += found.bytes
    const proof = proveInclusion(found.document, receiptSalt(signed.salt), receipt)
    if (proof !== undefined) return { proof, anchored }
    // Epochs follow each other as their receipts do.
    if (found.document.openedAt > issuedAt + MAX_CLOCK_SKEW_S) return undefined
  }
  return undefined
}

/** Number of the first epoch that was anchored then or later; `count` where there is none. */
async function firstAnchoredAt(
  bindingId: AnchoredEpoch['bindingId'],
  time: number,
  count: number,
  reader: RootsReader,
): Promise<number> {
  let [from, to] = [0, count]
  while (from < to) {
    const middle = Math.floor((from + to) / 2)
    const anchored = await reader.epoch(bindingId, middle)
    if (anchored !== undefined && anchored.anchoredAt < time) from = middle + 1
    else to = middle
  }
  return from
}

async function readDocument(
  { bindingId, epoch, digest, root }: AnchoredEpoch,
  reader: RootsReader,
  { fetch, gateways }: ArchiveSources,
): Promise<{ readonly document: EpochDocument; readonly bytes: number } | undefined> {
  const locator = await reader.locator(bindingId, epoch)
  if (!locator.startsWith('ar:')) return undefined
  const options = { fetch, gateways, maxBytes: MAX_EPOCH_DOCUMENT_BYTES }
  const content = await readArweave(locator, digest, options)
  const document = parseEpochDocument(decodeUtf8(content, 'epoch'))
  if (epochRoot(document) !== root) {
    throw new ArchiveError('ARCHIVE_DIGEST', `${locator}: its receipts have another root`)
  }
  return { document, bytes: content.length }
}
