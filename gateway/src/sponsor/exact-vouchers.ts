import type { ChannelBook, Reservation } from '@jeju/sdk/payment'
import {
  asDecimal,
  encodeVoucher,
  exactObject,
  parseStrictJson,
  signVoucher,
  utf8,
  type ContractDomain,
  type Hex,
} from '@jeju/verifier/protocol'
import type { Lease } from '../admission/lease.ts'
import type { AnswerBody } from '../admission/answer-body.ts'
import type { Leases } from '../admission/leases.ts'
import type { ProviderConnection } from '../admission/provider-connection.ts'
import { Leaving } from '../http/leaving.ts'
import type { Logger } from '../logging.ts'

/**
 * Brings nodes vouchers for exactly what their verified receipts come to (docs/protocol.md §5.2): those of requests are for
 * their maxima, and a node that holds none for the exact sum is paid late, or more than it charged.
 */
export interface ExactVouchers {
  /** A request of a channel was charged, or refused, by the node of this lease. */
  due(channel: Reservation['channel'], lease: Lease): void
  /** Brings at once what waits. */
  flush(): Promise<void>
}

/** What {@link createExactVouchers} needs. */
export interface ExactVoucherParts {
  readonly channels: Pick<ChannelBook, 'chargedOf' | 'dispute'>
  readonly leases: Pick<Leases, 'byBinding'>
  readonly connection: Pick<ProviderConnection, 'send'>
  readonly serving: ContractDomain
  readonly logger: Logger
}

/** After the last charge of a channel, milliseconds: one voucher is for all that went before. */
const QUIET_MS = 500
const TIMEOUT_MS = 5_000
const MAX_ANSWER_BYTES = 1_024

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
    const { known: cumulative = 0n } = channels.chargedOf(channelId) ?? {}
    const lease = leases.byBinding(bindingId)
    if (cumulative === 0n || lease === undefined) return
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
      if (status !== 200) {
        body.destroy()
        return logger.warn({ channelId, status }, 'a voucher was not taken')
      }
      const charged = await chargedIn(body)
      // All that it can have charged was known by then, or open.
      if (charged <= (channels.chargedOf(channelId)?.most ?? charged)) return
      channels.dispute(channel)
      const line = { channelId, wei: charged.toString() }
      logger.warn(line, 'a node counts more than its channel was charged')
    } catch {
      logger.warn({ channelId }, 'a voucher could not be brought')
    } finally {
      clearTimeout(timer)
    }
  }
  return {
    due: (channel, { bindingId }) => {
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

/** What a node says that it has charged; its answer is small. */
async function chargedIn(body: AnswerBody): Promise<bigint> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of body) {
    length += part.length
    if (length > MAX_ANSWER_BYTES) {
      body.destroy()
      throw new Error('a long answer')
    }
    parts.push(part)
  }
  const text = Buffer.concat(parts).toString()
  const members = ['channelId', 'charged'] as const
  const answer = exactObject(parseStrictJson(text, { maxDepth: 1 }), 'answer', members)
  return asDecimal(answer['charged'], 'answer.charged', 128)
}
