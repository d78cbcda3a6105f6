import type { Destinations } from './destinations.ts'
import { guardedFetch, type Fetch } from './guarded-fetch.ts'

/** The way out of a node. */
export interface Egress {
  /** Origins outside the machine, as the posture states them. */
  readonly outside: readonly string[]
  /** Asks one of them. */
  readonly fetch: Fetch
}

/** The way out to these destinations. */
export function openEgress({ outside }: Destinations): Egress {
  return { outside, fetch: guardedFetch({ outside }) }
}
