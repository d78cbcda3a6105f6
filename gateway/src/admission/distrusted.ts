import type { Hex } from '@jeju/verifier/protocol'
import type { SharedState } from '../state/shared-state.ts'
import type { GatewayStore } from '../store/gateway-store.ts'

/** Bindings that are not believed for a while, because of a wrong answer. */
export interface Distrusted {
  /** Until when, Unix milliseconds; 0 where nothing is known. */
  untilOf(bindingId: Hex): number
  /** Remembers it here, over restarts too. */
  keep(bindingId: Hex, untilMs: number): void
  /** Reads what other replicas found, and forgets what is over. */
  learn(): Promise<void>
}

/** What {@link createDistrusted} needs. */
export interface DistrustedParts {
  readonly store: Pick<GatewayStore, 'distrusted'>
  readonly shared: Pick<SharedState, 'distrusted'>
  readonly now: () => Date
}

/** A binding is not believed for so long at most. */
export const MAX_DISTRUST_MS: number = 24 * 3600_000
/** Clocks of replicas may differ by this. */
const SKEW_MS = 10 * 60_000

/**
 * What was found here, and what the shared store says that others found. Whoever can write there can keep nodes out,
 * but only while it writes: what no replica can have written is nothing, and of strangers nothing is kept.
 */
export function createDistrusted({ store, shared, now }: DistrustedParts): Distrusted {
  const own = new Map(store.distrusted.all())
  let others: ReadonlyMap<Hex, number> = new Map()
  return {
    untilOf: (bindingId) => Math.max(own.get(bindingId) ?? 0, others.get(bindingId) ?? 0),
    keep: (bindingId, untilMs) => {
      store.distrusted.put(bindingId, untilMs)
      own.set(bindingId, untilMs)
    },
    learn: async () => {
      // While it cannot be asked, what is known holds.
      const found = await shared.distrusted.all().catch(() => others)
      const nowMs = now().getTime()
      const latest = nowMs + MAX_DISTRUST_MS + SKEW_MS
      others = new Map([...found].filter(([, untilMs]) => untilMs > nowMs && untilMs <= latest))
      for (const [bindingId, untilMs] of own) if (untilMs <= nowMs) own.delete(bindingId)
    },
  }
}
