import type { GatewayStore } from '../store/gateway-store.ts'
import { createLocalLimits } from './local-limits.ts'
import { dayOf, type SharedState, type WalletLimit } from './shared-state.ts'

/** State of a gateway that runs alone: in its own store, and in memory what need not outlive it. */
export function createEmbeddedState(
  store: Pick<GatewayStore, 'budgets' | 'used'>,
  limit: WalletLimit,
  now: () => Date,
): SharedState {
  const enter = createLocalLimits(limit, now)
  const { budgets } = store
  return {
    // There is nobody else to tell, or to be told by.
    evidence: { publish: async () => undefined, find: async () => undefined },
    distrusted: { put: async () => undefined, all: async () => new Map() },
    enter: async (wallet) => enter(wallet),
    budgets: {
      // Nothing awaits between reading and writing.
      reserve: async ({ account, amount, limit: most, at }) => {
        const spent = budgets.spent(account, dayOf(at)) + amount
        if (spent > most) return false
        budgets.set(account, dayOf(at), spent)
        return true
      },
      giveBack: async ({ account, amount, at }) => {
        const left = budgets.spent(account, dayOf(at)) - amount
        budgets.set(account, dayOf(at), left > 0n ? left : 0n)
      },
    },
    // There is no other.
    alone: (_name, work) => work(),
    once: async (name, untilMs) => store.used.take(name, untilMs),
    close: async () => undefined,
  }
}
