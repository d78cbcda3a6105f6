import type { Hex } from '@jeju/verifier/protocol'

/** A provider that is to be judged, as far as its turn depends on it. */
export interface Waiting {
  readonly agentId: bigint
  readonly owner: Hex
  /** Wei. */
  readonly stake: bigint
  /** Judgements in a row that admitted it not. */
  readonly failures: number
  /** Unix milliseconds; undefined without a lease in force. */
  readonly leaseEndsAtMs: number | undefined
}

/** Providers that are asked for evidence at once: each holds a place until it has answered, or its time is over. */
const PLACES = 64
/** Of those, for whoever has no lease: the others are for renewals, of which no crowd of newcomers takes one. */
const PLACES_WITHOUT_RENEWALS = 48
/** Of those, for whoever failed the last time: nobody who hangs again and again keeps out who was not asked yet. */
const PLACES_AFTER_FAILURE = 16
/** Of an owner, renewals aside: registrations of one crowd wait for one another. */
const PLACES_OF_OWNER = 8

/**
 * Whose turn is next, or nobody's for want of a place. Renewals first, then who was not asked yet, then those who failed,
 * the seldomest first; among equals whose lease ends first, then who has most at stake.
 */
export function nextTurn<One extends Waiting>(
  waiting: readonly One[],
  underWay: readonly Waiting[],
): One | undefined {
  const hasPlace = placesBeside(underWay)
  let first: One | undefined
  for (const one of waiting) {
    if (hasPlace(one) && (first === undefined || byUrgency(one, first) < 0)) first = one
  }
  return first
}

/** Whether there is a place beside those that are held. */
function placesBeside(underWay: readonly Waiting[]): (one: Waiting) => boolean {
  const others = underWay.filter((held) => !isRenewal(held))
  const failed = others.filter(({ failures }) => failures > 0).length
  const ofOwners = new Map<Hex, number>()
  for (const { owner } of others) ofOwners.set(owner, (ofOwners.get(owner) ?? 0) + 1)
  return (one) => {
    if (underWay.length >= PLACES) return false
    if (isRenewal(one)) return true
    if (others.length >= PLACES_WITHOUT_RENEWALS) return false
    if ((ofOwners.get(one.owner) ?? 0) >= PLACES_OF_OWNER) return false
    return one.failures === 0 || failed < PLACES_AFTER_FAILURE
  }
}

/** A lease whose node does not answer any more is not renewed before others are judged. */
function isRenewal({ leaseEndsAtMs, failures }: Waiting): boolean {
  return leaseEndsAtMs !== undefined && failures === 0
}

function byUrgency(a: Waiting, b: Waiting): number {
  const rank = rankOf(a) - rankOf(b)
  if (rank !== 0) return rank
  const ends = (a.leaseEndsAtMs ?? Number.MAX_VALUE) - (b.leaseEndsAtMs ?? Number.MAX_VALUE)
  if (ends !== 0) return ends
  return Number(b.stake > a.stake) - Number(b.stake < a.stake)
}

function rankOf(one: Waiting): number {
  return isRenewal(one) ? -1 : one.failures
}
