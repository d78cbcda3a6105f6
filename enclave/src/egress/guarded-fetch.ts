import type { Destinations } from './destinations.ts'
import { EgressError } from './egress-error.ts'

/** The `fetch` of everything in this node that asks others. */
export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>

/**
 * A `fetch` that asks the named origins outside and no other, and never follows a redirect: who is asked decides what
 * is answered, not who is asked next.
 * @returns rejects with EgressError before anything is sent
 */
export function guardedFetch({ outside }: Pick<Destinations, 'outside'>): Fetch {
  const allowed = new Set(outside)
  return async (input, init = {}) => {
    const url = new URL(input instanceof Request ? input.url : input)
    if (!allowed.has(url.origin)) throw new EgressError(url.origin)
    const redirect = init.redirect === 'manual' ? 'manual' : 'error'
    return fetch(input, { ...init, redirect })
  }
}
