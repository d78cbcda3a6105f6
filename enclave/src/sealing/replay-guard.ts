import { createHash } from 'node:crypto'

/** Remembers sealed requests, so that none is opened twice (attack E9). */
export interface ReplayGuard {
  /** Whether this encapsulated key is new. It is not, from now on. */
  admit(encapsulated: Uint8Array): boolean
}

/** About an hour of requests at the pace of a busy node, in 20 MiB. */
const MAX_REMEMBERED = 100_000

/**
 * A guard over the last requests of this process. Every request is paid for by an authorisation that is taken once for
 * ever, so what a replay beyond this memory gains is an answer that its sender pays for and cannot open.
 */
export function createReplayGuard(maxRemembered: number = MAX_REMEMBERED): ReplayGuard {
  const seen = new Set<string>()
  return {
    admit: (encapsulated) => {
      const name = createHash('sha256').update(encapsulated).digest('base64')
      if (seen.has(name)) return false
      seen.add(name)
      const [oldest] = seen
      if (seen.size > maxRemembered && oldest !== undefined) seen.delete(oldest)
      return true
    },
  }
}
