import type { Hex } from '@jeju/verifier/protocol'
import { createPublicClient, http, type Chain, type PublicClient, type Transport } from 'viem'
import type { Fetch } from '../egress/guarded-fetch.ts'
import { chainFailure } from './chain-failure.ts'
import { ChainError } from './node-chain.ts'

/** Where a chain is asked. */
export interface Rpcs {
  /** Asked in this order. */
  readonly urls: readonly string[]
  readonly fetch: Fetch
}

/** One RPC; reads that start together travel in one request. */
export function rpcTransport(
  url: string,
  fetch: Fetch,
  limits: { readonly retryCount: number; readonly timeout: number },
): Transport {
  return http(url, { batch: true, fetchFn: fetch, ...limits })
}

/** Several RPCs of one chain. */
export interface RpcEndpoints {
  /** The answer of the first that gives one; the one that did is asked first the next time. */
  first<Answer>(ask: (client: PublicClient) => Promise<Answer>): Promise<Answer>
  /** What more than half of all give, compared by `key`. */
  agreed<Answer>(
    ask: (client: PublicClient) => Promise<Answer>,
    key: (answer: Answer) => string,
  ): Promise<Answer>
  /** What each gives; failures are left out. */
  each<Answer>(ask: (client: PublicClient) => Promise<Answer>): Promise<readonly Answer[]>
  /** Hands a signed transaction to all of them. @throws ChainError where none takes it */
  broadcast(raw: Hex): Promise<void>
  /** The newest block that more than half of all have reached. */
  agreedHead(): Promise<bigint>
}

/** An RPC that has not answered by then has failed, in milliseconds. */
const TIMEOUT_MS = 8_000

/** RPCs by address. Each has to say that it is of this chain before anything else of it is believed. */
export function connectEndpoints(
  { urls, fetch }: Rpcs,
  chain: Chain,
  timeout: number = TIMEOUT_MS,
): RpcEndpoints {
  const endpoints = urls.map((url) => {
    const transport = rpcTransport(url, fetch, { retryCount: 0, timeout })
    // With CCIP, an RPC that lies would choose whom this process asks next.
    const client: PublicClient = createPublicClient({ chain, transport, ccipRead: false })
    let isOurs = false
    return async <Answer>(ask: (client: PublicClient) => Promise<Answer>): Promise<Answer> => {
      try {
        isOurs ||= (await client.getChainId()) === chain.id
        if (!isOurs) throw new ChainError('CHAIN_UNAVAILABLE', 'an RPC of another chain')
        return await ask(client)
      } catch (cause) {
        throw chainFailure(cause)
      }
    }
  })
  let preferred = 0
  const each = async <Answer>(
    ask: (client: PublicClient) => Promise<Answer>,
  ): Promise<readonly Answer[]> => {
    const settled = await Promise.allSettled(endpoints.map((endpoint) => endpoint(ask)))
    return settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  }
  return {
    each,
    broadcast: async (raw) => {
      const sent = await each((client) =>
        client.sendRawTransaction({ serializedTransaction: raw }).catch((error: unknown) => {
          if (error instanceof Error && /already known|already imported/i.test(error.message))
            return raw
          throw error
        }),
      )
      if (sent.length === 0)
        throw new ChainError('CHAIN_UNAVAILABLE', 'no RPC takes the transaction')
    },
    agreedHead: async () => {
      const heads = await each((client) => client.getBlockNumber({ cacheTime: 0 }))
      const reached = heads.toSorted((a, b) => (a < b ? 1 : -1))[Math.floor(endpoints.length / 2)]
      if (reached === undefined) {
        throw new ChainError('CHAIN_UNAVAILABLE', 'too few RPCs name a newest block')
      }
      return reached
    },
    first: async (ask) => {
      let failure: unknown
      for (let tried = 0; tried < endpoints.length; tried++) {
        const at = (preferred + tried) % endpoints.length
        try {
          const answer = await endpoints[at]?.(ask)
          preferred = at
          return answer as Awaited<ReturnType<typeof ask>>
        } catch (error) {
          // A contract's refusal is an answer.
          if (error instanceof ChainError && error.code === 'CHAIN_REFUSED') throw error
          failure = error
        }
      }
      throw failure
    },
    agreed: async (ask, key) => {
      const votes = new Map<string, number>()
      for (const answer of await each(ask)) {
        const count = (votes.get(key(answer)) ?? 0) + 1
        if (count * 2 > endpoints.length) return answer
        votes.set(key(answer), count)
      }
      throw new ChainError('CHAIN_UNAVAILABLE', 'the RPCs do not agree')
    },
  }
}
