import type { Deployment } from '@jeju/contracts'
import { verifyInclusion } from '@jeju/verifier'
import { ArchiveError, readArweave } from '@jeju/verifier/archive'
import {
  decodeUtf8,
  epochRoot,
  MAX_EPOCH_DOCUMENT_BYTES,
  MAX_PROOF_CHARACTERS,
  parseComputeReceipt,
  parseEpochDocument,
  parseInclusionProof,
  ProtocolError,
  proveInclusion,
  receiptSalt,
  type AnchoredEpoch,
  type InclusionProof,
} from '@jeju/verifier/protocol'
import { createRootsReader, type RootsReader } from '../chain/receipt-roots.ts'
import { placeOf } from '../chain/registration.ts'
import { createChainClient, type ChainClient, type Wallet } from '../chain/viem-client.ts'
import { BodyTooLarge, readBody } from '../gateway/read-body.ts'
import type { InclusionRecord } from './inclusion-record.ts'
import type { ReceiptRecord } from './receipt-record.ts'

/** What {@link findInclusion} asks. */
export interface InclusionSources {
  /** Its transport is the caller's RPC; nothing is signed. */
  readonly wallet: Wallet
  readonly deployment: Deployment
  readonly fetch: typeof globalThis.fetch
  /** Arweave gateways, asked in this order; none is trusted. */
  readonly gateways: readonly string[]
}

/** A proof that verified, or why there is none yet. */
export type FoundInclusion =
  | { readonly outcome: 'proven'; readonly inclusion: InclusionRecord }
  | { readonly outcome: 'open'; readonly because: string }

const NODE_TIMEOUT_MS = 15_000
/** Between the clock that issued a receipt and that of the chain, in seconds. */
const MAX_CLOCK_SKEW_S = 300
/** An epoch that is closed late is not far behind. */
const MAX_EPOCHS = 8

/**
 * Finds a kept receipt in the log of its node: first in the archive, whose keepers do not learn whose receipt is looked for, and
 * then at the node itself. Nobody is believed: what is returned verified against the root that the chain has.
 * Throws `CHAIN_…` where the chain cannot be asked.
 */
export async function findInclusion(
  record: ReceiptRecord,
  sources: InclusionSources,
): Promise<FoundInclusion> {
  const { wallet, deployment } = sources
  const client = createChainClient(wallet, deployment)
  const reader = createRootsReader(client, deployment)
  const reasons: string[] = []
  const candidates = await candidatesOf(record, reader)
  if (candidates.length === 0) reasons.push('no epoch was anchored since')
  for (const anchored of candidates) {
    const proof = await attempt(reasons, () => fromArchive(record, anchored, reader, sources))
    if (proof !== undefined) return judge(record, proof, anchored, reader)
  }
  const proof = await attempt(reasons, () => fromNode(record, client, sources))
  if (proof === undefined) return { outcome: 'open', because: reasons.join('; ') }
  const anchored = await reader.epoch(record.binding.bindingId, proof.epoch)
  if (anchored === undefined) {
    return { outcome: 'open', because: `node: epoch ${proof.epoch} is not on chain` }
  }
  return judge(record, proof, anchored, reader)
}

/** The first epochs that were anchored after the receipt was issued: it can be in no earlier one. */
async function candidatesOf(
  { binding, receipt }: ReceiptRecord,
  reader: RootsReader,
): Promise<readonly AnchoredEpoch[]> {
  const { bindingId } = binding
  const issuedAt = Number(parseComputeReceipt(receipt).receipt.issuedAt) - MAX_CLOCK_SKEW_S
  const count = await reader.epochs(bindingId)
  let [from, to] = [0, count]
  while (from < to) {
    const middle = Math.floor((from + to) / 2)
    const anchored = await reader.epoch(bindingId, middle)
    if (anchored !== undefined && anchored.anchoredAt < issuedAt) from = middle + 1
    else to = middle
  }
  const found: AnchoredEpoch[] = []
  for (let epoch = from; epoch < Math.min(count, from + MAX_EPOCHS); epoch++) {
    const anchored = await reader.epoch(bindingId, epoch)
    if (anchored !== undefined) found.push(anchored)
  }
  return found
}

async function fromArchive(
  { binding, signed, receipt }: ReceiptRecord,
  { epoch, digest, root }: AnchoredEpoch,
  reader: RootsReader,
  { fetch, gateways }: InclusionSources,
): Promise<InclusionProof | undefined> {
  const locator = await reader.locator(binding.bindingId, epoch)
  if (!locator.startsWith('ar:')) return undefined
  const options = { fetch, gateways, maxBytes: MAX_EPOCH_DOCUMENT_BYTES }
  const content = await readArweave(locator, digest, options)
  const document = parseEpochDocument(decodeUtf8(content, 'epoch'))
  if (epochRoot(document) !== root) {
    throw new ArchiveError('ARCHIVE_DIGEST', `${locator}: its receipts have another root`)
  }
  return proveInclusion(document, receiptSalt(signed.salt), receipt)
}

async function fromNode(
  { agentId, signed, receipt }: ReceiptRecord,
  client: Pick<ChainClient, 'read'>,
  { deployment, fetch }: InclusionSources,
): Promise<InclusionProof | undefined> {
  const { endpoint } = await placeOf(client, deployment, agentId)
  const { authHash } = parseComputeReceipt(receipt).receipt
  const response = await fetch(new URL(`/v1/receipts/${authHash}/inclusion`, endpoint), {
    // Nobody has proved who answers there today: the authorisation's own salt would let him guess at the prompt (attack E11).
    headers: { authorization: `Bearer ${receiptSalt(signed.salt)}` },
    redirect: 'error',
    credentials: 'omit',
    cache: 'no-store',
    signal: AbortSignal.timeout(NODE_TIMEOUT_MS),
  })
  if (response.status !== 200) {
    await response.body?.cancel()
    throw new ArchiveError('ARCHIVE_UNAVAILABLE', `node: expected 200, got ${response.status}`)
  }
  return parseInclusionProof(decodeUtf8(await readBody(response.body, MAX_PROOF_CHARACTERS)))
}

function judge(
  { receipt }: ReceiptRecord,
  proof: InclusionProof,
  anchored: AnchoredEpoch,
  { roots }: RootsReader,
): FoundInclusion {
  const { checks, verdict } = verifyInclusion({ receipt, proof, anchored, roots })
  if (verdict.outcome === 'verified') return { outcome: 'proven', inclusion: { proof, anchored } }
  const failed = checks.filter(({ status }) => status === 'failed').map(({ name }) => name)
  return { outcome: 'open', because: `refused: ${failed.join()}` }
}

/** What a place does not give, or gives malformed, is a reason and no failure of the caller. */
async function attempt<Value>(
  reasons: string[],
  ask: () => Promise<Value | undefined>,
): Promise<Value | undefined> {
  try {
    return await ask()
  } catch (error) {
    const known = error instanceof ArchiveError || error instanceof ProtocolError
    const isNetwork = error instanceof TypeError || error instanceof DOMException
    if (!known && !isNetwork && !(error instanceof BodyTooLarge)) throw error
    reasons.push(error instanceof Error ? error.message : 'no answer')
    return undefined
  }
}
