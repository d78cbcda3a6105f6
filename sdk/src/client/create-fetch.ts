import type { ClientOptions, VerificationOptions } from './client-options.ts'
import { createClient, createClientOn, type ClientChain } from './create-client.ts'

/** The verified `fetch` of a client that is never closed: see {@link createClient}. Throws `CONFIG_…`. */
export function createFetch(options: ClientOptions): typeof fetch {
  return createClient(options).fetch
}

/** {@link createFetch} on a chain and a ledger of the caller's own making. */
export function createFetchOn(options: VerificationOptions, on: ClientChain): typeof fetch {
  return createClientOn(options, on).fetch
}
