import { isDevelopmentChain } from '../chain/development-chain.ts'
import { SdkError } from '../errors/sdk-error.ts'
import { isLoopback, parseBaseUrl } from '../gateway/base-url.ts'

const MAX_SHOWN_CHARACTERS = 256

/**
 * The base address that the registry names for an agent, where others can reach it: one on this machine is nobody
 * else's, but on a development chain. Throws `CONFIG_ENDPOINT`.
 */
export function publicEndpoint(endpoint: string, chainId: number): string {
  const shown = endpoint.slice(0, MAX_SHOWN_CHARACTERS)
  const base = readBase(endpoint, shown)
  if (isLoopback(base) && !isDevelopmentChain(chainId)) throw wrong('a public address', shown)
  return base
}

function readBase(endpoint: string, shown: string): string {
  try {
    return parseBaseUrl(endpoint)
  } catch {
    throw wrong('https, no credentials, query or fragment', shown === '' ? 'none' : shown)
  }
}

function wrong(expected: string, actual: string): SdkError {
  return new SdkError('CONFIG_ENDPOINT', `registered endpoint: expected ${expected}, got ${actual}`)
}
