import type { Deployment } from '@jeju/contracts'
import { verifyInclusion } from '@jeju/verifier'
import { ArchiveError } from '@jeju/verifier/archive'
import {
  decodeUtf8,
  MAX_PROOF_CHARACTERS,
  parseComputeReceipt,
  parseInclusionProof,
  receiptSalt,
  type InclusionProof,
} from '@jeju/verifier/protocol'
import { createRootsReader, ROOT_CONFIRMATIONS, type RootsReader } from '../chain/receipt-roots.ts'
import { placeOf } from '../chain/registration.ts'
import { createChainClient, type ChainClient, type Wallet } from '../chain/viem-client.ts'
import { readBody } from '../gateway/read-body.ts'
import { attempt } from './attempt.ts'
import type { InclusionRecord } from './inclusion-record.ts'
import type { ReceiptRecord } from './receipt-record.ts'
import { searchArchive, type ArchiveSources } from './search-archive.ts'

/** What {@link findInclusion} asks. */
export interface InclusionSources extends ArchiveSources {
  /** Its transport is the caller's RPC; nothing is signed. */
  readonly wallet: Wallet
  readonly deployment: Deployment
  /** Blocks, its own counted, under which an epoch is believed; {@link ROOT_CONFIRMATIONS} unless said otherwise. */
  readonly confirmations?: number
}

/** A proof that verified, or why there is none yet. */
export type FoundInclusion =
  | { readonly outcome: 'proven'; readonly inclusion: InclusionRecord }
  | { readonly outcome: 'open'; readonly because: string }

const NODE_TIMEOUT_MS = 15_000

/**
 * Finds a kept receipt in the log of its node: first in the archive, whose keepers do not learn whose receipt is looked for, and
 * then at the node itself. Nobody is believed: what is returned verified against the root that the chain has.
 * Throws `CHAIN_…` where the chain cannot be asked.
 */
export async function findInclusion(
  record: ReceiptRecord,
  sources: InclusionSources,
): Promise<FoundInclusion> {
  const { wallet, deployment, confirmations = ROOT_CONFIRMATIONS } = sources
  const client = createChainClient(wallet, deployment)
  const reader = createRootsReader(client, deployment, confirmations)
  const reasons: string[] = []
  const archived = await searchArchive(record, reader, sources, reasons)
  if (archived !== undefined) return judge(record, archived, reader)
  const proof = await attempt(reasons, () => fromNode(record, client, sources))
  if (proof === undefined) return { outcome: 'open', because: reasons.join('; ') }
  const anchored = await reader.epoch(record.binding.bindingId, proof.epoch)
  if (anchored === undefined) {
    return { outcome: 'open', because: `node: epoch ${proof.epoch} is not under enough blocks` }
  }
  return judge(record, { proof, anchored }, reader)
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
  inclusion: InclusionRecord,
  { roots }: RootsReader,
): FoundInclusion {
  const { checks, verdict } = verifyInclusion({ receipt, ...inclusion, roots })
  if (verdict.outcome === 'verified') return { outcome: 'proven', inclusion }
  const failed = checks.filter(({ status }) => status === 'failed').map(({ name }) => name)
  return { outcome: 'open', because: `refused: ${failed.join()}` }
}
