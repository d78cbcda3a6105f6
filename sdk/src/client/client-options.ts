import type { Deployment } from '@jeju/contracts'
import type { AppraisalPolicy, CollateralSource, GpuTrust, TrustAnchor } from '@jeju/verifier'
import type { WeightsState } from '@jeju/verifier/protocol'
import type { Wallet } from '../chain/viem-client.ts'
import { SdkError } from '../errors/sdk-error.ts'
import type { OnSdkEvent } from '../events/sdk-event.ts'
import { MAX_SESSION_MS } from '../session/session-cache.ts'
import type { Store } from '../store/store.ts'

/** What the caller decides: whom to trust, and how much to spend. */
export interface VerificationOptions {
  /** Base address of a gateway, without `/v1`: https, or http on loopback. */
  readonly gateway: string
  readonly deployment: Deployment
  readonly trustAnchor: TrustAnchor
  readonly policy: AppraisalPolicy
  /** Where Intel's word on a platform comes from: `createCollateralClient` of `@jeju/verifier/collateral`. */
  readonly collateral: CollateralSource
  /** Who judges GPUs where the policy takes them; NVIDIA's own roots when absent. */
  readonly gpu?: GpuTrust
  /** Wei locked when a channel is opened, and again when it runs low. */
  readonly channelAmount: bigint
  /** Wei that one request may cost at most. */
  readonly maxFeePerRequest: bigint
  /** Wei that this client may lock in all, openings and top-ups; what the wallet has when absent. */
  readonly budget?: bigint
  /**
   * How channels are paid that this client opens: item by item, or by one growing sum, which costs a provider one small
   * transaction however many answers it has given. `receipts` when absent. One process at a time uses a channel of
   * vouchers: one that starts takes it over.
   */
  readonly channels?: 'receipts' | 'vouchers'
  /** Where channels, receipts and evidence are kept; in memory when absent, so that a new process opens new channels. */
  readonly store?: Store
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
export interface ClientOptions extends VerificationOptions {
  /** viem wallet client with account and chain; its transport is the RPC that the chain is read with. */
  readonly wallet: Wallet
}

const UINT128_MAX = 2n ** 128n - 1n

/** Throws `CONFIG_AMOUNT`. */
export function checkAmounts(options: VerificationOptions): void {
  const { channelAmount, maxFeePerRequest, budget, sessionMs = 1 } = options
  const amounts = {
    channelAmount,
    maxFeePerRequest,
    ...(budget === undefined ? {} : { budget }),
  }
  for (const [name, amount] of Object.entries(amounts)) {
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
