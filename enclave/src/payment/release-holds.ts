import { nativeSignatures } from '@jeju/verifier/node'
import {
  decodeUtf8,
  MAX_RELEASE_LIFE_S,
  parseRelease,
  ProtocolError,
  releaseDigest,
  type ContractDomain,
  type Hex,
} from '@jeju/verifier/protocol'
import type { NodeChain } from '../chain/node-chain.ts'
import { NodeError } from '../http/node-error.ts'
import { hexOf } from '../storage/hex-column.ts'
import type { Change, Store } from '../storage/store.ts'
import { assertVoucher } from './assert-voucher.ts'
import type { Journal } from './journal.ts'

/** Channels whose users asked for their release: nothing more is taken of them. */
export interface ReleaseHolds {
  /**
   * Reads a signed release (docs/protocol.md §5.1), takes nothing more of its channel until it cannot be used any longer,
   * not after a restart either, holds the last voucher that came with it, and says what the channel still owes, wei.
   * @throws ProtocolError, NodeError `authorization_expired`, `authorization_invalid`, `channel_not_usable`,
   *   `too_many_requests`, `voucher_invalid`
   */
  hold(body: Uint8Array): Promise<{ readonly channelId: Hex; readonly owed: bigint }>
  has(channelId: Hex): boolean
  /** The channels that are held now. */
  channels(): readonly Hex[]
}

/** Collaborators of {@link openReleaseHolds}. */
export interface ReleaseHoldsParts {
  readonly store: Store
  readonly chain: Pick<NodeChain, 'channel'>
  readonly journal: Pick<Journal, 'owed' | 'vouchers'>
  readonly ledger: ContractDomain
  readonly serving: ContractDomain
  readonly agentId: bigint
  readonly now: () => Date
}

/** A release that is sent just before its deadline is in a block by then. */
const MARGIN_S = 300n
/** Anybody can name a channel, and each asks the chain: prompts ask it too. */
const MAX_ASKING = 16

/**
 * Holds of one node, out of its database: had a start forgotten them, it would answer for a channel that a provider
 * releases on the word that nothing is owed.
 * @throws StoreError `STORE_CORRUPT`
 */
export async function openReleaseHolds(parts: ReleaseHoldsParts): Promise<ReleaseHolds> {
  const { store, chain, journal, ledger, serving, agentId, now } = parts
  const untilS = new Map<Hex, bigint>()
  const nowS = (): bigint => BigInt(Math.floor(now().getTime() / 1000))
  await store.write([forgetBefore(nowS())])
  for (const row of await store.all('SELECT channel_id, until FROM release_holds')) {
    untilS.set(hexOf(row['channel_id']), BigInt(Number(row['until'])))
  }
  const has = (channelId: Hex): boolean => (untilS.get(channelId) ?? 0n) >= nowS()
  let asking = 0
  let written: Promise<unknown> = Promise.resolve()
  const channelOf: typeof chain.channel = async (channelId) => {
    if (asking >= MAX_ASKING) throw new NodeError('too_many_requests', 'too many releases at once')
    asking++
    try {
      return await chain.channel(channelId)
    } finally {
      asking--
    }
  }
  /** Until then nothing is taken; in memory at once, and on disk when it resolves. */
  const keep = async (channelId: Hex, until: bigint, voucher: readonly Change[]): Promise<void> => {
    if (until > (untilS.get(channelId) ?? 0n)) {
      for (const known of untilS.keys()) if (!has(known)) untilS.delete(known)
      untilS.set(channelId, until)
      written = store.write([forgetBefore(nowS()), upsert(channelId, until), ...voucher])
    } else if (voucher.length > 0) {
      written = store.write(voucher)
    }
    // Of one that was asked for before as well: its write may be on its way, or have failed.
    await written
  }
  return {
    has,
    channels: () => [...untilS.keys()].filter(has),
    hold: async (body) => {
      const { signature, voucher, ...release } = parseRelease(decodeUtf8(body, 'release'))
      const { channelId, deadline } = release
      if (deadline < nowS() || deadline > nowS() + MAX_RELEASE_LIFE_S) {
        const text = `deadline: expected ${nowS()} to ${nowS() + MAX_RELEASE_LIFE_S}, got ${deadline}`
        throw new NodeError('authorization_expired', text)
      }
      const signer = signerOf(releaseDigest(release, ledger), signature)
      const channel = await channelOf(channelId)
      const isLive = channel.state === 'open' || channel.state === 'closing'
      if (!isLive || channel.agentId !== agentId) {
        throw new NodeError('channel_not_usable', 'channel: expected a live one with this agent')
      }
      if (channel.sessionKey !== signer) {
        const text = 'signature: not by the session key of the channel'
        throw new NodeError('authorization_invalid', text)
      }
      if (voucher !== undefined) {
        if (channel.mode !== 'voucher') {
          const text = 'channel: paid by receipts, expected no voucher'
          throw new NodeError('voucher_invalid', text)
        }
        assertVoucher({ channelId, ...voucher }, channel.sessionKey, serving)
      }
      const held = voucher && journal.vouchers.bring(channelId, voucher, channel.sessionKey)
      await keep(channelId, deadline + MARGIN_S, held ?? [])
      // Held first, counted then: what is taken in between would not be in the count.
      return { channelId, owed: journal.owed(channelId) }
    },
  }
}

function forgetBefore(nowS: bigint): Change {
  return { sql: 'DELETE FROM release_holds WHERE until < ?', values: [Number(nowS)] }
}

function upsert(channelId: Hex, until: bigint): Change {
  return {
    sql: 'INSERT OR REPLACE INTO release_holds (channel_id, until) VALUES (?, ?)',
    values: [channelId, Number(until)],
  }
}

function signerOf(digest: Hex, signature: Hex): Hex {
  try {
    return nativeSignatures.recoverAddress(digest, signature)
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    throw new NodeError('authorization_invalid', error.message)
  }
}
