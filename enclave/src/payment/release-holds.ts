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
import type { Journal } from './journal.ts'

/** Channels whose users asked for their release: nothing more is taken of them. */
export interface ReleaseHolds {
  /**
   * Reads a signed release (docs/protocol.md §5.1), takes nothing more of its channel until it cannot be used any longer,
   * and says what the channel still owes, wei.
   * @throws ProtocolError, NodeError `authorization_expired`, `authorization_invalid`, `channel_not_usable`
   */
  hold(body: Uint8Array): Promise<{ readonly channelId: Hex; readonly owed: bigint }>
  has(channelId: Hex): boolean
}

/** Collaborators of {@link createReleaseHolds}. */
export interface ReleaseHoldsParts {
  readonly chain: Pick<NodeChain, 'channel'>
  readonly journal: Pick<Journal, 'owed'>
  readonly ledger: ContractDomain
  readonly agentId: bigint
  readonly now: () => Date
}

/** A release that is sent just before its deadline is in a block by then. */
const MARGIN_S = 300n

/** Holds of one node; a start forgets them. */
export function createReleaseHolds(parts: ReleaseHoldsParts): ReleaseHolds {
  const { chain, journal, ledger, agentId, now } = parts
  const untilS = new Map<Hex, bigint>()
  const nowS = (): bigint => BigInt(Math.floor(now().getTime() / 1000))
  const has = (channelId: Hex): boolean => (untilS.get(channelId) ?? 0n) >= nowS()
  return {
    has,
    hold: async (body) => {
      const { signature, ...release } = parseRelease(decodeUtf8(body, 'release'))
      const { channelId, deadline } = release
      if (deadline < nowS() || deadline > nowS() + MAX_RELEASE_LIFE_S) {
        const text = `deadline: expected ${nowS()} to ${nowS() + MAX_RELEASE_LIFE_S}, got ${deadline}`
        throw new NodeError('authorization_expired', text)
      }
      const signer = signerOf(releaseDigest(release, ledger), signature)
      const channel = await chain.channel(channelId)
      const isLive = channel.state === 'open' || channel.state === 'closing'
      if (!isLive || channel.agentId !== agentId) {
        throw new NodeError('channel_not_usable', 'channel: expected a live one with this agent')
      }
      if (channel.sessionKey !== signer) {
        const text = 'signature: not by the session key of the channel'
        throw new NodeError('authorization_invalid', text)
      }
      for (const known of untilS.keys()) if (!has(known)) untilS.delete(known)
      const until = deadline + MARGIN_S
      if (until > (untilS.get(channelId) ?? 0n)) untilS.set(channelId, until)
      // Held first, counted then: what is taken in between would not be in the count.
      return { channelId, owed: journal.owed(channelId) }
    },
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
