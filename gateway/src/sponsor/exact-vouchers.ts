import type { ChannelBook, Reservation } from '@jeju/sdk/payment'
import {
  encodeVoucher,
  signVoucher,
  utf8,
  type ContractDomain,
  type Hex,
} from '@jeju/verifier/protocol'
import type { Lease } from '../admission/lease.ts'
import type { Leases } from '../admission/leases.ts'
import type { ProviderConnection } from '../admission/provider-connection.ts'
import { Leaving } from '../http/leaving.ts'
import type { Logger } from '../logging.ts'

/**
 * Brings nodes vouchers for exactly what their verified receipts come to (docs/protocol.md §5.2): those of requests are for
 * their maxima, and a node that holds none for the exact sum is paid late, or more than it charged.
 */
export interface ExactVouchers {
  /** A request of a channel was charged by the node of this lease. */
  charged(channel: Reservation['channel'], lease: Lease): void
  /** Brings at once what waits. */
  flush(): Promise<void>
}

/** What {@link createExactVouchers} needs. */
export interface ExactVoucherParts {
  readonly channels: Pick<ChannelBook, 'knownOf'>
  readonly leases: Pick<Leases, 'byBinding'>
  readonly connection: Pick<ProviderConnection, 'send'>
  readonly serving: ContractDomain
  readonly logger: Logger
}

/** After the last charge of a channel, milliseconds: one voucher is for all that went before. */
const QUIET_MS = 500
const TIMEOUT_MS = 5_000

/** For the channels of one gateway. What cannot be brought is left to the next voucher. */
export function createExactVouchers(parts: ExactVoucherParts): ExactVouchers {
  const { channels, leases, connection, serving, logger } = parts
  const waiting = new Map<
    Hex,
    { readonly timer: NodeJS.Timeout; readonly end: () => Promise<void> }
  >()
  const bring = async (
    channel: Reservation['channel'],
    bindingId: Lease['bindingId'],
  ): Promise<void> => {
    const { channelId, sessionKey } = channel
    const cumulative = channels.knownOf(channelId)
    const lease = leases.byBinding(bindingId)
    if (cumulative === undefined || lease === undefined) return
    const voucher = signVoucher({ channelId, cumulative }, serving, sessionKey)
    const signal = new Leaving()
    const timer = setTimeout(() => signal.abort(new Error('no answer in time')), TIMEOUT_MS)
    try {
      const { status, body } = await connection.send(lease.endpoint, {
        method: 'POST',
        path: '/v1/voucher',
        headers: { 'content-type': 'application/json' },
        body: utf8(encodeVoucher(voucher)),
        signal,
        tlsKeys: lease.tlsKeys,
      })
      body.destroy()
      if (status !== 200) logger.warn({ channelId, status }, 'a voucher was not taken')
    } catch {
      logger.warn({ channelId }, 'a voucher could not be brought')
    } finally {
      clearTimeout(timer)
    }
  }
  return {
    charged: (channel, { bindingId }) => {
      const { channelId } = channel
      clearTimeout(waiting.get(channelId)?.timer)
      const end = (): Promise<void> => {
        waiting.delete(channelId)
        return bring(channel, bindingId)
      }
      const timer = setTimeout(() => void end(), QUIET_MS)
      timer.unref()
      waiting.set(channelId, { timer, end })
    },
    flush: async () => {
      await Promise.all(
        [...waiting.values()].map(({ timer, end }) => {
          clearTimeout(timer)
          return end()
        }),
      )
    },
  }
}
