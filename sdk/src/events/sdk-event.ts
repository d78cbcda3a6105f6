import type { Check, NodeClaims, ReceiptReport, Report } from '@jeju/verifier'
import type { ComputeReceipt, Hex } from '@jeju/verifier/protocol'
import type { SealingAlgo } from '@jeju/verifier/sealing'
import type { ChannelMode } from '../chain/ledger.ts'
import type { Refusal } from '../errors/not-verified.ts'
import type { ClosedChannel } from '../payment/close-channel.ts'

/** What the verified fetch tells while it works; never prompts, answers or keys. Amounts in wei. */
export type SdkEvent =
  | {
      readonly type: 'provider-verified'
      readonly agentId: bigint
      readonly tier: 'tdx' | 'simulated'
      /** Without GPUs that do not count, whatever the report says of them. */
      readonly claims: NodeClaims
      /** Checks the policy accepts as skipped. */
      readonly report: Report
      /** What the chain says of the binding, and of its GPUs where it has some. */
      readonly onChain: readonly Check[]
    }
  | { readonly type: 'provider-refused'; readonly agentId: bigint; readonly refusal: Refusal }
  | { readonly type: 'provider-unavailable'; readonly agentId: bigint; readonly reason: string }
  | {
      readonly type: 'channel-opened'
      readonly channelId: Hex
      readonly agentId: bigint
      readonly serviceId: number
      readonly priceVersion: number
      readonly amount: bigint
      /** Address of the session key. */
      readonly sessionKey: Hex
      readonly mode: ChannelMode
      readonly transaction: Hex
    }
  | {
      readonly type: 'channel-topped-up'
      readonly channelId: Hex
      readonly amount: bigint
      readonly transaction: Hex
    }
  | { readonly type: 'channel-closed'; readonly channel: ClosedChannel }
  | {
      readonly type: 'authorised'
      readonly agentId: bigint
      readonly channelId: Hex
      readonly bindingId: Hex
      readonly authHash: Hex
      readonly maxFee: bigint
      /** Unix seconds. */
      readonly validUntil: bigint
      /** Suite the prompt is sealed with; `none` where the verified keyset offers none. */
      readonly sealedBy: SealingAlgo | 'none'
    }
  | {
      readonly type: 'receipt-verified'
      readonly agentId: bigint
      readonly channelId: Hex
      readonly fee: bigint
      readonly receipt: ComputeReceipt
      readonly report: ReceiptReport
    }
  | {
      /** The answer was delivered all the same. */
      readonly type: 'receipt-not-kept'
      readonly agentId: bigint
      readonly receipt: ComputeReceipt
      readonly reason: string
    }
  | {
      readonly type: 'receipt-refused'
      readonly agentId: bigint
      readonly channelId: Hex
      readonly report: ReceiptReport
    }

/** Receives events as they happen. An exception it throws ends the request. */
export type OnSdkEvent = (event: SdkEvent) => void
