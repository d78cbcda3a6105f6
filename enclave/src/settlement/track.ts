import type { NodeChain } from '../chain/node-chain.ts'
import type { GasFees, Inclusion, Settleable, SettlementChain } from '../chain/settlement-chain.ts'
import type { Logger } from '../logging.ts'
import type { SettlementMetrics } from '../metrics.ts'
import type { Owed } from '../payment/journal-state.ts'
import type { Journal, Move } from '../payment/journal.ts'
import type { Change } from '../storage/store.ts'
import { bumped } from './gas-bump.ts'
import { detach, insertTransaction, updateSettlement, type Settlement } from './settlement-log.ts'

/** What following settlements needs. */
export interface TrackerParts {
  readonly chain: SettlementChain
  readonly channels: Pick<NodeChain, 'channel'>
  readonly journal: Journal
  readonly metrics: SettlementMetrics
  readonly logger: Logger
  readonly now: () => Date
  /** A block this deep, itself counted, is no longer in doubt. */
  readonly confirmations: number
}

/** A transaction that is in no block by then is sent again with more for its gas, in milliseconds. */
export const STUCK_MS = 45_000
/** By then it is sent again as it is: an RPC may have lost it. */
const RESEND_MS = 10_000

/** Brings one settlement up to date with the chain. Every step can fail and be repeated. */
export async function track(
  parts: TrackerParts,
  settlement: Settlement,
  head: bigint,
): Promise<void> {
  const found = await findInclusion(parts.chain, settlement)
  if (found === undefined) {
    const { state } = settlement
    return state === 'included' ? takenBack(parts, settlement) : push(parts, settlement)
  }
  if (settlement.state === 'sent') await include(parts, settlement, found.inclusion)
  const depth = head - found.inclusion.blockNumber + 1n
  if (depth >= BigInt(parts.confirmations)) await finish(parts, settlement, found.hash)
}

interface Found {
  readonly hash: Settlement['transactions'][number]['hash']
  readonly inclusion: Inclusion
}

async function findInclusion(
  chain: SettlementChain,
  { transactions }: Settlement,
): Promise<Found | undefined> {
  for (const { hash } of transactions.toReversed()) {
    const inclusion = await chain.inclusion(hash)
    if (inclusion !== undefined) return { hash, inclusion }
  }
  return undefined
}

/** A block has it. Only the block says what was paid: between preview and block another settlement may have come. */
async function include(
  { journal, logger }: TrackerParts,
  settlement: Settlement,
  { paid, blockNumber }: Inclusion,
): Promise<void> {
  const included = settlement.items.filter(({ item }) => paid?.has(item.receipt.authHash) === true)
  const { id, claim } = settlement
  const count = claim === undefined ? included.length : Number(paid?.has(claim.channelId) === true)
  const line = { settlement: id, block: blockNumber.toString(), paid: count }
  logger.info(line, 'settlement is in a block')
  await journal.move(
    included.map(({ item }) => ({ authHash: item.receipt.authHash, to: 'included' as const })),
    [updateSettlement(settlement.id, 'included')],
  )
}

/** A block that is no longer in doubt has it, as more than half of the RPCs say. */
async function finish(
  parts: TrackerParts,
  settlement: Settlement,
  hash: Found['hash'],
): Promise<void> {
  const { chain, journal, metrics, logger } = parts
  const agreed = await chain.agreedInclusion(hash)
  // They agree that it is in no block: the one that was asked first knows more, or lies.
  if (agreed === undefined) return
  const { paid = new Map() } = agreed
  if (settlement.claim !== undefined) {
    const { channelId } = settlement.claim
    const wei = paid.get(channelId)
    await conclude(parts, settlement, 'final', wei ?? 0n)
    // Another's claim came first: what this channel owes is counted anew.
    if (wei === undefined) return logger.warn({ channelId }, 'a voucher was not paid')
    metrics.voucherSettled(wei)
    logger.info({ channelId, wei: wei.toString() }, 'voucher settled')
    return
  }
  const isPaid = ({ item }: Owed): boolean => paid.has(item.receipt.authHash)
  const moves = settlement.items.map((owed): Move => {
    const { authHash } = owed.item.receipt
    return isPaid(owed) ? { authHash, to: 'closed', status: 'paid' } : { authHash, to: 'waiting' }
  })
  await journal.move(moves, [
    updateSettlement(settlement.id, 'final'),
    ...detached(settlement.items.filter((owed) => !isPaid(owed))),
  ])
  for (const { item } of settlement.items.filter(isPaid)) {
    const { authHash } = item.receipt
    const fee = paid.get(authHash) ?? 0n
    metrics.settled(fee)
    logger.info({ authHash, fee: fee.toString() }, 'settled')
  }
}

/** Nothing more comes of the transaction of a voucher. */
async function conclude(
  { journal }: TrackerParts,
  { id, claim }: Settlement,
  state: 'final' | 'void',
  paid: bigint,
): Promise<void> {
  const changes = claim === undefined ? [] : journal.vouchers.claimed(claim.channelId, paid)
  await journal.move([], [updateSettlement(id, state), ...changes])
}

/** A reorganisation: the block it was in is gone. The transaction may come into another one, so it is sent again. */
async function takenBack(parts: TrackerParts, settlement: Settlement): Promise<void> {
  const { journal, metrics, logger } = parts
  logger.warn({ settlement: settlement.id }, 'the block of a settlement was taken back')
  metrics.takenBack()
  await journal.move(
    settlement.items.map(({ item }) => ({ authHash: item.receipt.authHash, to: 'sent' as const })),
    [updateSettlement(settlement.id, 'sent')],
  )
  await push(parts, settlement)
}

/** In no block yet. */
async function push(parts: TrackerParts, settlement: Settlement): Promise<void> {
  const { chain, channels, journal, logger, now } = parts
  const { mined } = await chain.accountNonces()
  if (mined > settlement.accountNonce) {
    // Another transaction has its nonce. Were it in a block after all, preview would say so of its items.
    logger.warn({ settlement: settlement.id }, 'another transaction took its place')
    if (settlement.claim !== undefined) {
      const { channelId, cumulative, brings } = settlement.claim
      // Were it in a block after all, the channel would have paid as much; and what it has paid is not claimed again.
      const { spent, locked } = await channels.channel(channelId)
      const isPaid = spent >= cumulative || spent === locked
      return conclude(parts, settlement, 'void', isPaid ? brings : 0n)
    }
    await journal.move(
      settlement.items.map(({ item }) => ({ authHash: item.receipt.authHash, to: 'waiting' })),
      [updateSettlement(settlement.id, 'void'), ...detached(settlement.items)],
    )
    return
  }
  const newest = settlement.transactions.at(-1)
  if (newest === undefined) return
  const ageMs = now().getTime() - newest.sentAtMs
  if (ageMs < RESEND_MS && settlement.state === 'sent') return
  const isStuck = ageMs >= STUCK_MS
  const replacement = isStuck ? await replace(parts, settlement, newest) : undefined
  await chain.broadcast(replacement ?? newest.raw)
}

/** Signs a replacement, unless what it offers is more than the batch brings. */
async function replace(
  { chain, journal, metrics, logger, now }: TrackerParts,
  settlement: Settlement,
  before: GasFees,
): Promise<`0x${string}` | undefined> {
  const { id, accountNonce, gas, items, claim } = settlement
  const fees = bumped(before, await chain.gasFees())
  const worth = items.reduce((sum, { fee }) => sum + fee, claim?.brings ?? 0n)
  const wasWorth = worth >= before.maxFeePerGas * gas
  if (wasWorth && worth < fees.maxFeePerGas * gas) return undefined
  const settled: Settleable =
    claim === undefined ? { items: items.map(({ item }) => item) } : { voucher: claim }
  const signed = await chain.sign(settled, { ...fees, nonce: accountNonce, gas })
  await journal.move([], [insertTransaction(id, signed, fees, now().getTime())])
  metrics.replaced()
  const offer = { settlement: id, maxFeePerGas: fees.maxFeePerGas.toString() }
  logger.info(offer, 'a settlement that got stuck is sent with more for its gas')
  return signed.raw
}

function detached(items: readonly Owed[]): readonly Change[] {
  return items.map(({ item }) => detach(item.receipt.authHash))
}
