import { GatewayError } from '../http/gateway-error.ts'
import { StateError, type SharedState } from '../state/shared-state.ts'

/** What one request may take from. */
export interface Purse {
  /**
   * Sets an amount aside, wei.
   * @throws GatewayError `budget_exhausted`, `shared_state_unavailable`
   */
  take(amount: bigint): Promise<void>
  /** What was set aside and not spent. */
  giveBack(amount: bigint): void
}

/** A day's budget, counted by all replicas together; whatever cannot be counted is not spent. */
export function dailyPurse(
  budgets: SharedState['budgets'],
  { account, limit }: { readonly account: string; readonly limit: bigint },
  now: () => Date,
): Purse {
  // The day of a request is the one it began on, or what is given back would be another day's.
  const at = now()
  return {
    take: async (amount) => {
      const isTaken = await reachable(budgets.reserve({ account, amount, limit, at }))
      if (isTaken) return
      throw new GatewayError(
        'budget_exhausted',
        `budget: ${amount} wei are more than is left of ${limit} for ${account} today`,
        { retryAfterS: secondsToMidnight(at) },
      )
    },
    giveBack: (amount) => {
      // While nobody can be told it counts as spent.
      if (amount > 0n) budgets.giveBack({ account, amount, at }).catch(() => undefined)
    },
  }
}

/** Takes from two purses, or from neither. */
export function bothPurses(first: Purse, second: Purse): Purse {
  return {
    take: async (amount) => {
      await first.take(amount)
      await second.take(amount).catch((error: unknown) => {
        first.giveBack(amount)
        throw error
      })
    },
    giveBack: (amount) => {
      first.giveBack(amount)
      second.giveBack(amount)
    },
  }
}

/** A purse of which one request takes no more than `cap`, in all its attempts together. */
export function cappedPurse(purse: Purse, cap: bigint): Purse {
  let left = cap
  return {
    take: async (amount) => {
      if (amount > left) {
        const text = 'the nodes that were asked may have charged what the request may cost'
        throw new GatewayError('provider_unavailable', text, { retryAfterS: 1 })
      }
      await purse.take(amount)
      left -= amount
    },
    giveBack: (amount) => {
      left += amount
      purse.giveBack(amount)
    },
  }
}

/** The answer of the shared store; money waits until there is one. */
export async function reachable<Answer>(asking: Promise<Answer>): Promise<Answer> {
  try {
    return await asking
  } catch (error) {
    if (!(error instanceof StateError)) throw error
    throw new GatewayError('shared_state_unavailable', 'what is spent cannot be counted now', {
      retryAfterS: 1,
    })
  }
}

function secondsToMidnight(at: Date): number {
  const next = Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate() + 1)
  return Math.max(1, Math.ceil((next - at.getTime()) / 1000))
}
