import type { ReceiptSignatures } from '@jeju/verifier'
import {
  authDigest,
  ProtocolError,
  voucherDigest,
  type ContractDomain,
  type Hex,
  type SignedRequestAuth,
} from '@jeju/verifier/protocol'
import type { ChannelState, GatewayChain, ServiceTerms } from '../chain/gateway-chain.ts'
import { GatewayError } from '../http/gateway-error.ts'
import { BoundedMap } from '../bounded-map.ts'

/** Who pays for a request, and for what. */
export interface Payer {
  readonly channel: ChannelState
  readonly terms: ServiceTerms
}

/** Reads channels, and checks that authorisations are of their session keys. */
export interface Payers {
  /**
   * The payer of an authorisation.
   * @throws GatewayError `channel_unusable`, `authorization_invalid`, `authorization_expired`, `chain_unavailable`,
   * `too_many_requests`
   */
  check(signed: SignedRequestAuth): Promise<Payer>
}

/** A channel is believed for this long: how soon a refund or another session key is noticed. */
const CHANNEL_MS = 30_000
/** A channel that did not fit is read again no sooner, so that strangers cannot make the chain be read for each request. */
const REREAD_MS = 1_000
const MAX_CHANNELS = 50_000
const MAX_TERMS = 20_000
/** Reads of the chain under way for requests. */
const MAX_READS = 64

interface Known {
  readonly readAtMs: number
  readonly payer: Payer
}

/** What {@link createPayers} needs. */
export interface PayerParts {
  readonly chain: Pick<GatewayChain, 'channel' | 'terms'>
  readonly serving: ContractDomain
  readonly signatures: ReceiptSignatures
  readonly now: () => Date
  /** How long a channel is believed while the chain cannot be read. */
  readonly maxChainAgeMs: number
}

/** Payers over the ledger of the chain. */
export function createPayers(parts: PayerParts): Payers {
  const { chain, serving, signatures, now, maxChainAgeMs } = parts
  const channels = new BoundedMap<Hex, Known>(MAX_CHANNELS)
  const terms = new BoundedMap<string, ServiceTerms>(MAX_TERMS)
  const underWay = new Map<Hex, Promise<Known>>()

  const termsOf = async (channel: ChannelState): Promise<ServiceTerms> => {
    const { agentId, serviceId, priceVersion } = channel
    const name = `${agentId} ${serviceId} ${priceVersion}`
    const known = terms.get(name) ?? (await chain.terms(agentId, serviceId, priceVersion))
    terms.set(name, known)
    return known
  }
  const readNow = async (channelId: Hex): Promise<Known> => {
    const readAtMs = now().getTime()
    const channel = await chain.channel(channelId)
    if (channel.state !== 'open' && channel.state !== 'closing') {
      throw new GatewayError(
        'channel_unusable',
        `channel: expected an open one, got ${channel.state}`,
      )
    }
    const known = { readAtMs, payer: { channel, terms: await termsOf(channel) } }
    channels.set(channelId, known)
    return known
  }
  const read = async (channelId: Hex): Promise<Known> => {
    const running = underWay.get(channelId)
    if (running !== undefined) return running
    if (underWay.size >= MAX_READS) {
      throw new GatewayError('too_many_requests', 'channels: too many are being read', {
        retryAfterS: 1,
      })
    }
    const reading = readNow(channelId)
      .catch((error: unknown) => {
        if (error instanceof GatewayError) throw error
        throw new GatewayError('chain_unavailable', 'channel: the chain could not be read')
      })
      .finally(() => underWay.delete(channelId))
    underWay.set(channelId, reading)
    return reading
  }
  const signerOf = ({ auth, signature }: SignedRequestAuth): Hex =>
    recover(authDigest(auth, serving, signatures.keccak256), signature)
  const recover = (digest: Hex, signature: Hex): Hex => {
    try {
      return signatures.recoverAddress(digest, signature)
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      throw new GatewayError('authorization_invalid', error.message)
    }
  }
  /** As a node does, so that none is asked for nothing: how much it has to be is for the node to say. */
  const requireVoucher = (
    { auth, voucher }: SignedRequestAuth,
    { mode, sessionKey }: ChannelState,
  ): void => {
    if (mode === 'receipt') {
      if (voucher === undefined) return
      throw new GatewayError('authorization_invalid', 'voucher: expected none, paid by receipts')
    }
    if (voucher === undefined) {
      throw new GatewayError('channel_unusable', 'channel: paid by vouchers, expected one')
    }
    const { channelId } = auth
    const { cumulative, signature } = voucher
    const digest = voucherDigest({ channelId, cumulative }, serving, signatures.keccak256)
    if (recover(digest, signature) !== sessionKey) {
      throw new GatewayError('authorization_invalid', 'voucher: not by the session key')
    }
  }
  return {
    check: async (signed) => {
      const { channelId, validUntil } = signed.auth
      const atMs = now().getTime()
      if (validUntil * 1000n <= BigInt(atMs)) {
        throw new GatewayError('authorization_expired', `authorization: ended at ${validUntil}`)
      }
      const signer = signerOf(signed)
      let known = channels.get(channelId)
      const age = atMs - (known?.readAtMs ?? 0)
      const fits = known !== undefined && known.payer.channel.sessionKey === signer
      if (known === undefined || age > CHANNEL_MS || (!fits && age > REREAD_MS)) {
        known = await read(channelId).catch((error: unknown) => {
          // While the chain is away, what it said last holds for as long as it does for leases.
          const isAway = error instanceof GatewayError && error.code === 'chain_unavailable'
          if (isAway && known !== undefined && fits && age <= maxChainAgeMs) return known
          throw error
        })
      }
      if (known.payer.channel.sessionKey !== signer) {
        throw new GatewayError('authorization_invalid', 'authorization: not by the session key')
      }
      requireVoucher(signed, known.payer.channel)
      return known.payer
    },
  }
}
