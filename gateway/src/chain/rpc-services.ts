import { DeploymentError } from '@jeju/contracts'
import { fallback, http, type Transport } from 'viem'

/** RPC services by their URLs, in this order. Who is asked decides what is answered, not who is asked next: no redirects. */
export function rpcServices(rpcUrls: readonly string[]): readonly Transport[] {
  const fetchOptions = { redirect: 'error' } as const
  return rpcUrls.map((url) =>
    http(url, { batch: true, fetchOptions, retryCount: 1, timeout: 10_000 }),
  )
}

/** The first of them that answers and is of this chain. */
export function believedTransport(services: readonly Transport[], chainId: number): Transport {
  return fallback(
    services.map((service) => ofChain(chainId, service)),
    { rank: false },
  )
}

/**
 * A service that is asked which chain it is of before it is believed, whenever it is reached for the first time: one
 * that was away at the start would take the place of the others as soon as they are (attack T6).
 */
function ofChain(chainId: number, transport: Transport): Transport {
  let isOfChain = false
  return (options) => {
    const service = transport(options)
    const request = async (...call: Parameters<typeof service.request>): Promise<unknown> => {
      if (!isOfChain) {
        const actual = Number(await service.request({ method: 'eth_chainId' }))
        if (actual !== chainId) {
          throw new DeploymentError(`RPC_URL: expected chain ${chainId}, got ${actual}`)
        }
        isOfChain = true
      }
      return service.request(...call)
    }
    // The library's own signature; what is answered is the service's.
    return { ...service, request: request as typeof service.request }
  }
}
