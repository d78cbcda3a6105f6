import {
  encodeEpochDocument,
  MAX_EPOCH_RECEIPTS,
  merkleRoot,
  utf8,
  type ArchivedContent,
  type ArchivedEvidence,
  type ContractDomain,
  type Hex,
} from '@jeju/verifier/protocol'
import type { ArchiveQueue } from '../archive/archive-queue.ts'
import type { LogChain } from '../chain/log-chain.ts'
import { ChainError } from '../chain/node-chain.ts'
import type { Logger } from '../logging.ts'
import type { Store } from '../storage/store.ts'
import {
  insertEpoch,
  readLastEpoch,
  readOpen,
  readOpenCommitments,
  type OpenReceipts,
} from './log-rows.ts'

/** Collaborators of {@link closeEpochs}. */
export interface ClosingParts {
  readonly store: Store
  readonly chain: LogChain
  readonly queue: ArchiveQueue
  /** ReceiptRoots. */
  readonly roots: ContractDomain
  readonly agentId: bigint
  readonly signer: Hex
  /** How long an epoch stays open, in seconds. */
  readonly epochS: number
  readonly logger: Logger
  readonly now: () => Date
}

/** Grants whose evidence an epoch's document names: renewals are far between. */
const MAX_EVIDENCE = 8

const EVIDENCE = `
  SELECT digest, named FROM evidence WHERE confirmed = 1 ORDER BY rowid DESC LIMIT ${MAX_EVIDENCE}`

/** Closes what is old or full enough, and with `last` whatever there is. @throws ChainError */
export async function closeEpochs(parts: ClosingParts, last: boolean): Promise<void> {
  const nowS = Math.floor(parts.now().getTime() / 1000)
  for (const open of await readOpen(parts.store)) {
    const isDue = last || open.count >= MAX_EPOCH_RECEIPTS || nowS - open.openedAt >= parts.epochS
    if (isDue) await close(parts, open, nowS)
  }
}

/** Document, tree and rows of one epoch, together. Its number is the next one that neither disk nor chain has. */
async function close(
  parts: ClosingParts,
  { bindingId, openedAt }: OpenReceipts,
  closedAt: number,
): Promise<void> {
  const { store, chain, queue, roots, agentId, signer, logger } = parts
  const { commitments, lastSeq } = await readOpenCommitments(store, bindingId, MAX_EPOCH_RECEIPTS)
  const anchored = await chain.log(bindingId)
  const own = await readLastEpoch(store, bindingId)
  // A disk that was put back knows less than the chain.
  const isOwnNewest = own !== undefined && own.epoch >= anchored.epochs
  const epoch = isOwnNewest ? own.epoch + 1 : anchored.epochs
  const previous = isOwnNewest ? own.root : anchored.lastRoot
  const registration = await stageRegistration(parts)
  const document = utf8(
    encodeEpochDocument({
      roots,
      bindingId,
      epoch,
      agentId,
      signer,
      previous,
      openedAt,
      closedAt,
      commitments,
      evidence: await evidenceOf(parts),
      registration,
    }),
  )
  const { archived, changes } = queue.stage(document, 'epoch')
  const { digest, locator = '' } = archived
  const root = merkleRoot(commitments)
  const size = commitments.length
  const closed = { bindingId, epoch, previous, root, size, digest, locator, closedAt }
  await store.write([...insertEpoch({ ...closed, anchoredAt: undefined }, lastSeq), ...changes])
  logger.info({ bindingId, epoch, size, root, locator }, 'epoch closed')
}

async function evidenceOf({ store, queue }: ClosingParts): Promise<readonly ArchivedEvidence[]> {
  const rows = await store.all(EVIDENCE)
  const evidence: ArchivedEvidence[] = []
  for (const row of rows) {
    const [digest, named] = [row['digest'] as Hex, row['named'] as Hex]
    const archived = await queue.find(digest)
    evidence.push({ digest, locator: archived?.locator, named })
  }
  return evidence
}

/** The file in a `data:` URI, which is the form that this project writes; what stands elsewhere is not fetched. */
async function stageRegistration({
  chain,
  agentId,
  queue,
  store,
  logger,
}: ClosingParts): Promise<ArchivedContent | undefined> {
  // The operator chooses what stands there, and no epoch waits for it.
  const uri = await chain.agentUri(agentId).catch((error: unknown) => {
    if (!(error instanceof ChainError)) throw error
    logger.warn({ reason: error.message }, 'an epoch without its registration file')
    return ''
  })
  const base64 = /^data:application\/json;base64,([A-Za-z0-9+/]+={0,2})$/.exec(uri)?.[1]
  if (base64 === undefined) return undefined
  const { archived, changes } = queue.stage(Buffer.from(base64, 'base64'), 'registration')
  if (changes.length > 0) await store.write(changes)
  return archived
}
