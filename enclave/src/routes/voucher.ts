import { decodeUtf8, parseVoucher, type ContractDomain } from '@jeju/verifier/protocol'
import { Hono } from 'hono'
import { NodeError } from '../http/node-error.ts'
import { createBodyReader } from '../http/read-body.ts'
import { assertVoucher } from '../payment/assert-voucher.ts'
import type { VoucherBook } from '../payment/voucher-book.ts'
import type { Store } from '../storage/store.ts'

/** Small and quick, and none of the places where prompts are read. */
const BODY_LIMITS = {
  timeoutMs: 5_000,
  concurrent: 0,
  ofOneOwner: 0,
  ofStrangers: 64,
  maxBytes: 4_096,
}

/** What {@link voucherRoute} works with. */
export interface VoucherRouteParts {
  readonly store: Store
  readonly vouchers: VoucherBook
  readonly serving: ContractDomain
}

/**
 * `POST /v1/voucher` (docs/protocol.md §5.2): a voucher that pays no request, for a channel of which something was taken
 * here; then no more has to be claimed than was charged. Answers what was charged. The chain is not asked for it.
 */
export function voucherRoute({ store, vouchers, serving }: VoucherRouteParts): Hono {
  const bodies = createBodyReader(BODY_LIMITS)
  return new Hono().post('/v1/voucher', async (c) => {
    const voucher = parseVoucher(decodeUtf8(await bodies.read(c.req.raw), 'voucher'))
    const { channelId, cumulative, signature } = voucher
    const signer = vouchers.signerOf(channelId)
    if (signer === undefined) {
      throw new NodeError('channel_not_usable', 'channel: nothing was taken of it here')
    }
    assertVoucher(voucher, signer, serving)
    // Nobody is answered for it, so that it waits for others: many of them are one commit.
    await store.writeSoon(vouchers.bring(channelId, { cumulative, signature }, signer))
    const answer = { channelId, charged: vouchers.charged(channelId).toString() }
    return c.json(answer, 200, { 'Cache-Control': 'no-store' })
  })
}
