import type { Deployment } from '@jeju/contracts'
import type { AppraisalPolicy, CollateralSource, GpuTrust, TrustAnchor } from '@jeju/verifier'
import type { ContractDomain, WeightsState } from '@jeju/verifier/protocol'
import { createChainReader, type ChainReader } from '../chain/chain-reader.ts'
import { ledgerOf, type Ledger } from '../chain/ledger.ts'
import { createChainClient, type Wallet } from '../chain/viem-client.ts'
import type { OnSdkEvent } from '../events/sdk-event.ts'
import { SdkError } from '../errors/sdk-error.ts'
import { parseBaseUrl } from '../gateway/base-url.ts'
import { createGatewayClient } from '../gateway/gateway-client.ts'
import { ChannelBook } from '../payment/channel-book.ts'
import { MAX_SESSION_MS } from '../session/session-cache.ts'
import { SessionFinder } from '../session/session-finder.ts'
import { ChatCompleter } from './complete-chat.ts'
import { verifiedFetch } from './verified-fetch.ts'

/** What the caller decides: whom to trust, and how much to spend. */
export interface VerificationOptions {
  /** Base address of a gateway, without `/v1`: https, or http on loopback. */
  readonly gateway: string
  readonly deployment: Deployment
  readonly trustAnchor: TrustAnchor
  readonly policy: AppraisalPolicy
  /** Where Intel's word on a platform comes from: `createCollateralClient` of `@jeju/verifier/collateral`. */
  readonly collateral: CollateralSource
  /**
   * Who judges GPUs, where the policy takes them: `gpuTrust` of `@jeju/verifier/gpu`. Without it no provider with a GPU
   * is verified.
   */
  readonly gpu?: GpuTrust
  /** Wei locked when a channel is opened, and again when it runs low. */
  readonly channelAmount: bigint
  /** Wei that one request may cost at most. */
  readonly maxFeePerRequest: bigint
  /** Only these agents; all that the gateway hints at when absent. */
  readonly agents?: readonly bigint[]
  /** What must be known of the weights; `['measured']` when absent. */
  readonly acceptWeights?: readonly WeightsState[]
  /**
   * Prompts are sealed to the best key of the verified keyset. `required` refuses a provider whose keyset has none;
   * `if-offered`, the default, sends to such a one what the gateway can read.
   */
  readonly sealing?: 'required' | 'if-offered'
  /** How long one verification is relied on, at most 10 minutes; 5 minutes when absent. */
  readonly sessionMs?: number
  /** Give out nothing of a stream before all of it is verified; false when absent. */
  readonly holdStream?: boolean
  readonly onEvent?: OnSdkEvent
  /** What reaches the gateway; the platform's fetch when absent. */
  readonly transport?: typeof fetch
  /** The clock; the platform's when absent. */
  readonly now?: () => Date
}

/** {@link VerificationOptions} and the wallet that pays. */
export interface FetchOptions extends VerificationOptions {
  /** viem wallet client with account and chain; its transport is the RPC that the chain is read with. */
  readonly wallet: Wallet
}

const DEFAULT_SESSION_MS = 5 * 60 * 1000
const UINT128_MAX = 2n ** 128n - 1n

/**
 * A drop-in `fetch` for OpenAI clients: every provider is verified before a prompt leaves, every answer before it is
 * believed. Rejects with {@link NotVerified} or a coded SdkError while nothing has been sent; after that a failure
 * is the error of the response's body, so that no client repeats a request that was paid. Throws `CONFIG_…`.
 */
export function createFetch(options: FetchOptions): typeof fetch {
  const client = createChainClient(options.wallet, options.deployment)
  return createFetchOn(options, {
    chain: createChainReader(client, options.deployment),
    ledger: ledgerOf(client, options.deployment),
  })
}

/** {@link createFetch} on a chain and a ledger of the caller's own making. */
export function createFetchOn(
  options: VerificationOptions,
  on: {
    readonly chain: ChainReader
    readonly ledger: Pick<Ledger, 'openChannel' | 'topUp' | 'channelOf'>
  },
): typeof fetch {
  checkAmounts(options)
  const { deployment, agents } = options
  const { onEvent = () => undefined, now = () => new Date() } = options
  const base = parseBaseUrl(options.gateway)
  const gateway = createGatewayClient(base, options.transport ?? fetch)
  const registry = domain(deployment, deployment.computeRegistry)
  const { trustAnchor, policy, acceptWeights = ['measured'], sealing = 'if-offered' } = options
  const sessions = new SessionFinder({
    by: {
      trust: { trustAnchor, policy, gpu: options.gpu, acceptWeights, sealing },
      registry,
      chain: on.chain,
      collateral: options.collateral,
      now,
      evidence: (agentId, nonce) => gateway.evidence(agentId, nonce),
    },
    hints: async () => agents?.map((agentId) => ({ agentId, admitted: true })) ?? gateway.hints(),
    sessionMs: options.sessionMs ?? DEFAULT_SESSION_MS,
    onEvent,
  })
  const channels = new ChannelBook({ ...on, channelAmount: options.channelAmount, onEvent })
  const chat = new ChatCompleter({
    gateway,
    sessions,
    channels,
    serving: domain(deployment, deployment.inferenceServing),
    maxFeePerRequest: options.maxFeePerRequest,
    holdStream: options.holdStream ?? false,
    now,
    onEvent,
  })
  return verifiedFetch({ base, gateway, chat })
}

function domain(
  { chainId }: Deployment,
  verifyingContract: ContractDomain['verifyingContract'],
): ContractDomain {
  return { chainId: BigInt(chainId), verifyingContract }
}

function checkAmounts({
  channelAmount,
  maxFeePerRequest,
  sessionMs = 1,
}: VerificationOptions): void {
  for (const [name, amount] of Object.entries({ channelAmount, maxFeePerRequest })) {
    if (amount <= 0n || amount > UINT128_MAX) {
      throw new SdkError('CONFIG_AMOUNT', `${name}: expected 1 to 2^128 - 1 wei, got ${amount}`)
    }
  }
  if (!(sessionMs > 0 && sessionMs <= MAX_SESSION_MS)) {
    throw new SdkError(
      'CONFIG_AMOUNT',
      `sessionMs: expected 1 to ${MAX_SESSION_MS}, got ${sessionMs}`,
    )
  }
}
