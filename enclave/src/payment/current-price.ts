import { ChainError, type NodeChain, type Price } from '../chain/node-chain.ts'

/** The price at which channels are opened now, as advertising. */
export interface CurrentPrice {
  /** Undefined while the chain cannot be asked. */
  read(): Promise<(Price & { readonly version: number }) | undefined>
}

/** How long an answer of the chain is advertised. */
const MAX_AGE_MS = 60_000
/** How long a failure is, so that whoever asks for models cannot make the node ask the chain each time. */
const RETRY_AFTER_MS = 5_000

/** The price of one service, asked for at most once a minute. */
export function createCurrentPrice(
  chain: Pick<NodeChain, 'price' | 'currentPriceVersion'>,
  service: { readonly agentId: bigint; readonly serviceId: number },
  now: () => Date,
): CurrentPrice {
  const { agentId, serviceId } = service
  let last: ReturnType<CurrentPrice['read']> = Promise.resolve(undefined)
  let freshUntil = 0
  const ask: CurrentPrice['read'] = async () => {
    try {
      const version = await chain.currentPriceVersion(agentId, serviceId)
      return { ...(await chain.price(agentId, serviceId, version)), version }
    } catch (error) {
      if (!(error instanceof ChainError)) throw error
      freshUntil = now().getTime() + RETRY_AFTER_MS
      return undefined
    }
  }
  return {
    read: () => {
      const nowMs = now().getTime()
      if (nowMs < freshUntil) return last
      freshUntil = nowMs + MAX_AGE_MS
      last = ask()
      return last
    },
  }
}
