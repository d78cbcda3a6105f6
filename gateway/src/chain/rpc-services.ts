import { DeploymentError } from '@jeju/contracts'
import { fallback, http, type Transport } from 'viem'

/** Calls of one HTTP request: as many as public services take (mainnet.optimism.io and Base's: 10). */
const CALLS_OF_ONE_REQUEST = 10

/** RPC services by their URLs, in this order. Who is asked decides what is answered, not who is asked next: no redirects. */
export function rpcServices(rpcUrls: readonly string[]): readonly Transport[] {
  const fetchOptions = { redirect: 'error' } as const
  const batch = { batchSize: CALLS_OF_ONE_REQUEST }
  return rpcUrls.map((url) => http(url, { batch, fetchOptions, retryCount: 1, timeout: 10_000 }))
}

/**
 * The first of them that answers and is of this chain; one whose latest block is old is asked when no other is left,
 * since what it says of a revocation is as old.
 */
export function believedTransport(services: readonly Transport[], chainId: number): Transport {
  const believed = services.map((service) => ofChain(chainId, service))
  // Of one alone nothing is to be known: there is no other to ask.
  const preferred = believed.length > 1 ? believed.map(upToDate) : []
  return fallback([...preferred, ...believed], { rank: false })
}

/**
 * A service that is asked which chain it is of before it is believed, whenever it is reached for the first time: one
 * that was away at the start would take the place of the others as soon as they are (attack T6).
 */
function ofChain(chainId: number, transport: Transport): Transport {
  let isOfChain = false
  return guarded(transport, async (request) => {
    if (isOfChain) return
    const actual = Number(await request({ method: 'eth_chainId' }))
    if (actual !== chainId) {
      throw new DeploymentError(`RPC_URL: expected chain ${chainId}, got ${actual}`)
    }
    isOfChain = true
  })
}

/** Age of a service's latest block from which on it lies behind: some blocks of any chain that is deployed to. */
const MAX_BLOCK_AGE_MS = 60_000
/** How often a service is asked for its latest block. */
const LOOK_MS = 5_000

/**
 * A service that is left for the next one while it lies behind. By our own clock, and not by the others' height: one
 * that pretends to be ahead would take the place of all of them.
 */
function upToDate(transport: Transport): Transport {
  let verdict: Promise<boolean> | undefined
  let lookedAtMs = 0
  return guarded(transport, async (request) => {
    const nowMs = Date.now()
    if (verdict === undefined || nowMs - lookedAtMs >= LOOK_MS) {
      lookedAtMs = nowMs
      const before = verdict
      const looking = isUpToDate(request)
      // Only the first look is waited for: a service that hangs would hold up every call.
      verdict = before === undefined ? looking : before
      void looking.then((is) => (verdict = Promise.resolve(is)))
    }
    if (!(await verdict)) throw new Error('RPC service: behind the chain, or away')
  })
}

async function isUpToDate(request: Request): Promise<boolean> {
  try {
    const block = await request({ method: 'eth_getBlockByNumber', params: ['latest', false] })
    const { timestamp } = (block ?? {}) as { readonly timestamp?: unknown }
    return Date.now() - Number(timestamp) * 1000 <= MAX_BLOCK_AGE_MS
  } catch {
    return false
  }
}

type Request = ReturnType<Transport>['request']

/** A service of which every call is preceded by a check; what is answered is the service's. */
function guarded(transport: Transport, check: (request: Request) => Promise<void>): Transport {
  return (options) => {
    const service = transport(options)
    const request = async (...call: Parameters<Request>): Promise<unknown> => {
      await check(service.request)
      return service.request(...call)
    }
    // The library's own signature.
    return { ...service, request: request as Request }
  }
}
