import type { AgentService, Deployment } from '@jeju/contracts'
import type { ContractDomain, Hex } from '@jeju/verifier/protocol'
import { createChainReader, type ChainReader } from '../chain/chain-reader.ts'
import { ledgerOf, type Ledger } from '../chain/ledger.ts'
import { readRegistration } from '../chain/registration.ts'
import { createChainClient } from '../chain/viem-client.ts'
import { SdkError } from '../errors/sdk-error.ts'
import { PromptCompleter } from '../fetch/complete-prompt.ts'
import { verifiedFetch } from '../fetch/verified-fetch.ts'
import { isLoopback, parseBaseUrl } from '../gateway/base-url.ts'
import { createGatewayClient } from '../gateway/gateway-client.ts'
import { Budget } from '../payment/budget.ts'
import { ChannelBook } from '../payment/channel-book.ts'
import { ChannelRecords } from '../payment/channel-records.ts'
import { closeChannels, type ChannelEnding, type ClosedChannel } from '../payment/close-channel.ts'
import { ReceiptBook } from '../receipts/receipt-book.ts'
import { askRelease } from '../release/ask-release.ts'
import { SessionFinder } from '../session/session-finder.ts'
import { createMemoryStore } from '../store/memory-store.ts'
import { checkAmounts, type ClientOptions, type VerificationOptions } from './client-options.ts'

/** A user of the market: verified requests, and an end to what they have locked. */
export interface Client {
  /**
   * A drop-in `fetch` for OpenAI, Anthropic and other clients: every provider is verified before a prompt leaves, every
   * answer before it is believed. Rejects with `NotVerified` or a coded SdkError while nothing has been sent; after
   * that a failure is the error of the response's body, so that no client repeats a request that was paid.
   */
  readonly fetch: typeof fetch
  /**
   * Ends every channel that the store knows of this wallet, by its provider at once or else by refund, and takes no
   * request any more. Call it again for those that were `closing`. Channels that fail are left for the next time.
   */
  close(): Promise<readonly ClosedChannel[]>
}

/** The contracts as a client needs them. */
export interface ClientChain {
  readonly chain: ChainReader
  readonly ledger: Pick<
    Ledger,
    'openChannel' | 'topUp' | 'channelOf' | 'requestRefund' | 'completeRefund'
  >
  /** The wallet's address. */
  readonly account: Hex
  /** Services of an agent's registration file. Throws `RegistrationFileError`. */
  readonly servicesOf: (agentId: bigint) => Promise<readonly AgentService[]>
}

const DEFAULT_SESSION_MS = 5 * 60 * 1000

/** A client with a wallet. Throws `CONFIG_…`. */
export function createClient(options: ClientOptions): Client {
  const { deployment } = options
  const client = createChainClient(options.wallet, deployment)
  return createClientOn(options, {
    chain: createChainReader(client, deployment),
    ledger: ledgerOf(client, deployment),
    account: client.account,
    servicesOf: async (agentId) => (await readRegistration(client, deployment, agentId)).services,
  })
}

/** {@link createClient} on a chain and a ledger of the caller's own making. */
export function createClientOn(options: VerificationOptions, on: ClientChain): Client {
  checkAmounts(options)
  const { deployment, agents, transport = fetch, store = createMemoryStore() } = options
  const { onEvent = () => undefined, now = () => new Date() } = options
  const base = parseBaseUrl(options.gateway)
  const gateway = createGatewayClient(base, transport)
  const { trustAnchor, policy, gpu, acceptWeights = ['measured'], sealing = 'if-offered' } = options
  const sessions = new SessionFinder({
    by: {
      trust: { trustAnchor, policy, gpu, acceptWeights, sealing },
      registry: domain(deployment, deployment.computeRegistry),
      chain: on.chain,
      collateral: options.collateral,
      now,
      evidence: (agentId, nonce, bindingId) => gateway.evidence(agentId, nonce, bindingId),
    },
    hints: async (named) =>
      agents?.map((agentId) => ({ agentId, admitted: true })) ?? gateway.hints(named),
    route: (model, preferences) => gateway.route(model, preferences),
    sessionMs: options.sessionMs ?? DEFAULT_SESSION_MS,
    onEvent,
  })
  const receipts = new ReceiptBook(store)
  const records = new ChannelRecords(store, {
    chainId: deployment.chainId,
    ledger: deployment.ledgerManager,
    user: on.account,
  })
  const feesOf = async (channelId: Hex): Promise<bigint> =>
    records.feesOf(channelId, await receipts.feesOf(channelId))
  const channels = new ChannelBook({
    ledger: on.ledger,
    chain: on.chain,
    records,
    feesOf,
    channelAmount: options.channelAmount,
    budget: new Budget(options.budget),
    mode: options.channels === 'vouchers' ? 'VOUCHER' : 'RECEIPT',
    onEvent,
  })
  const prompts = new PromptCompleter({
    gateway,
    sessions,
    channels,
    receipts,
    serving: domain(deployment, deployment.inferenceServing),
    maxFeePerRequest: options.maxFeePerRequest,
    holdStream: options.holdStream ?? false,
    now,
    onEvent,
  })
  const verified = verifiedFetch({ base, gateway, prompts })
  const asking = {
    servicesOf: on.servicesOf,
    feesOf,
    ledger: domain(deployment, deployment.ledgerManager),
    serving: domain(deployment, deployment.inferenceServing),
    allowLoopback: isLoopback(base),
    transport,
    now,
  }
  let isClosed = false
  return {
    fetch: async (input, init) => {
      if (isClosed) throw new SdkError('CLIENT_CLOSED', 'the client was closed')
      return verified(input, init)
    },
    close: async () => {
      isClosed = true
      const closing = {
        ledger: on.ledger,
        records,
        release: (record: Parameters<typeof askRelease>[1]) => askRelease(asking, record),
      }
      const ids = (await records.all()).map(({ channelId }) => channelId)
      const endings = new Map<Hex, ChannelEnding>()
      await closeChannels(closing, ids, (channelId, ending) => {
        endings.set(channelId, ending)
        if ('closed' in ending) onEvent({ type: 'channel-closed', channel: ending.closed })
      })
      return ids.flatMap((channelId) => {
        const ending = endings.get(channelId)
        if (ending !== undefined && 'error' in ending) throw ending.error
        return ending === undefined ? [] : [ending.closed]
      })
    },
  }
}

function domain(
  { chainId }: Deployment,
  verifyingContract: ContractDomain['verifyingContract'],
): ContractDomain {
  return { chainId: BigInt(chainId), verifyingContract }
}
