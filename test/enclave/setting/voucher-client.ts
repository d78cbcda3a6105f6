import {
  encodeVoucher,
  signVoucher,
  type Hex,
  type SignedRequestAuth,
  type VoucherPart,
} from '@jeju/verifier/protocol'
import { servingDomain } from './deployment.ts'
import type { TestChain } from './test-chain.ts'
import { TestClient, type SigningLies } from './test-client.ts'

/** What a client with a channel of vouchers signs differently from what it should. */
export interface VoucherLies extends SigningLies {
  /** Another sum than everything that may have been charged. */
  readonly cumulative?: bigint
  /** In place of a voucher of its own; null for none. */
  readonly voucher?: VoucherPart | null
}

/** A user whose one channel is paid by vouchers: counts what it may have been charged, and signs for it. */
export class VoucherClient extends TestClient {
  /** Known fees, and the maximum of each request whose fee is not known. Wei. */
  committed = 0n

  constructor(chain: TestChain, bindingId: Hex, locked?: bigint) {
    super(chain, bindingId, locked)
    const channel = chain.channels.get(this.channelId)
    if (channel !== undefined) chain.channels.set(this.channelId, { ...channel, mode: 'voucher' })
  }

  override sign(body: string | Uint8Array, lies: VoucherLies = {}): SignedRequestAuth {
    const { cumulative, voucher, ...auth } = lies
    const signed = super.sign(body, auth)
    this.committed += signed.auth.maxFee
    if (voucher === null) return signed
    return { ...signed, voucher: voucher ?? this.voucher(cumulative, auth.key) }
  }

  /** What became of a request: its fee, or nothing. */
  ended(maxFee: bigint, fee: bigint): void {
    this.committed -= maxFee - fee
  }

  voucher(cumulative = this.committed, key = this.sessionKey): VoucherPart {
    const { channelId } = this
    const { signature } = signVoucher({ channelId, cumulative }, servingDomain, key)
    return { cumulative, signature }
  }

  /** A voucher that pays no request. */
  bring(cumulative: bigint, key = this.sessionKey): Request {
    const { channelId } = this
    const body = encodeVoucher({ channelId, ...this.voucher(cumulative, key) })
    return new Request('http://node.test/v1/voucher', { method: 'POST', body })
  }
}
