import { nativeBase64Url, nativeSha256, nativeSignatures } from '@jeju/verifier/node'
import {
  authDigest,
  AUTHORIZATION_HEADER,
  MAX_AUTH_LIFE_S,
  parseAuthorization,
  ProtocolError,
  requestHash,
  type ContractDomain,
  type Hex,
  type SignedRequestAuth,
} from '@jeju/verifier/protocol'
import { ChainError, type Channel, type NodeChain, type Price } from '../chain/node-chain.ts'
import { NodeError } from '../http/node-error.ts'
import { assertVoucher } from './assert-voucher.ts'
import type { Journal } from './journal.ts'
import type { ReleaseHolds } from './release-holds.ts'
import type { ShownVoucher } from './voucher-book.ts'

/** A request that may be charged: who signed what, and what it may cost. */
export interface Authorised {
  readonly signed: SignedRequestAuth
  readonly authHash: Hex
  readonly price: Price
  readonly priceVersion: number
  /** Wei locked and not spent, as just read. */
  readonly funds: bigint
  /** What pays it, where its channel is paid by vouchers. */
  readonly shown?: ShownVoucher
}

/** Collaborators of {@link createAuthoriser}. */
export interface AuthoriserParts {
  readonly chain: NodeChain
  readonly journal: Journal
  readonly holds: Pick<ReleaseHolds, 'has'>
  readonly serving: ContractDomain
  readonly bindingId: Hex
  readonly agentId: bigint
  readonly serviceId: number
  /** What ends by then may have been taken before this start; undefined where there was no earlier one. */
  readonly earlierLifeEnd: bigint | undefined
  readonly now: () => Date
}

/** An authorisation whose maximum is reserved. */
export interface Taking {
  /**
   * Resolves when it is on disk as used, and nothing of an answer may leave before; rejects where another process took
   * it, or the disk failed. An engine may begin meanwhile.
   */
  readonly onDisk: Promise<void>
}

/** Checks a request's authorisation (docs/protocol.md §5). */
export interface Authoriser {
  /**
   * Everything that the header alone shows, before a body is read: whose money it is and that it is there. Throws a
   * NodeError.
   */
  admit(header: string | undefined): Promise<Authorised>
  /** Whether the request may be charged, as was admitted or anew; changes nothing. Throws a NodeError. */
  check(
    header: string | undefined,
    method: string,
    path: string,
    body: Uint8Array,
    admitted?: Authorised,
  ): Promise<Authorised>
  /** Takes the authorisation: reserves its maximum. After this it is used, whatever happens. Throws a NodeError. */
  take(authorised: Authorised): Promise<Taking>
}

/** A refund must be at least this far away: time to infer and to settle (attack N11). */
const CLOSING_MARGIN_S = 15n * 60n

/** An authoriser for one binding and service. */
export function createAuthoriser(parts: AuthoriserParts): Authoriser {
  const { chain, journal, holds, agentId, serviceId } = parts
  // Price versions are immutable on chain.
  const prices = new Map<number, Price>()
  const priceOf = async (version: number): Promise<Price> => {
    const known = prices.get(version)
    if (known !== undefined) return known
    const price = await reach(() => chain.price(agentId, serviceId, version))
    prices.set(version, price)
    return price
  }
  const admit: Authoriser['admit'] = async (header) => {
    const signed = readHeader(header)
    const { auth } = signed
    checkStatement(signed, parts)
    const authHash = authDigest(auth, parts.serving, nativeSignatures.keccak256)
    const signer = signerOf(authHash, signed.signature)
    if (journal.knows(authHash, auth)) throw alreadyUsed()
    if (holds.has(auth.channelId)) throw beingReleased()
    checkThisLife(auth.validUntil, parts.earlierLifeEnd)
    // Read for each request, and not cached: the nonce must be asked anyway, since the host can roll the journal's
    // disk back (attack N9), and both questions travel together.
    const [channel, used] = await reach(() =>
      Promise.all([
        chain.channel(auth.channelId),
        chain.isNonceUsed(auth.channelId, auth.bindingId, auth.nonce),
      ]),
    )
    if (used) throw alreadyUsed()
    checkChannel(channel, signer, parts)
    const shown = shownVoucher(signed, channel, parts)
    const { priceVersion, locked, spent } = channel
    return {
      signed,
      authHash,
      price: await priceOf(priceVersion),
      priceVersion,
      funds: locked - spent,
      ...(shown === undefined ? {} : { shown }),
    }
  }
  return {
    admit,
    check: async (header, method, path, body, admitted) => {
      const authorised = admitted ?? (await admit(header))
      const { auth, salt } = authorised.signed
      if (auth.requestHash !== requestHash(salt, method, path, body, nativeSha256())) {
        throw new NodeError('request_hash_mismatch', 'requestHash is not the hash of this request')
      }
      return authorised
    },
    // Nothing awaits between these checks and the journal's own bookkeeping, so two requests cannot both pass (attack N2).
    take: async ({ signed: { auth }, authHash, funds, shown }) => {
      const { channelId, maxFee } = auth
      if (journal.knows(authHash, auth)) throw alreadyUsed()
      if (holds.has(channelId)) throw beingReleased()
      const reserved = journal.reserved(channelId)
      if (shown === undefined && funds - reserved < maxFee) {
        const text = `channel: ${funds - reserved} wei free, ${maxFee} asked`
        throw new NodeError('insufficient_funds', text)
      }
      const voucher = shown && journal.vouchers.take({ ...shown, channelId, reserved, maxFee })
      const onDisk = journal.start(authHash, auth, voucher).then((isNew) => {
        if (!isNew) throw alreadyUsed()
      })
      // Whoever has not come to await it yet hears of it then.
      onDisk.catch(() => undefined)
      return { onDisk }
    },
  }
}

function readHeader(header: string | undefined): SignedRequestAuth {
  if (header === undefined) {
    throw new NodeError('authorization_missing', `${AUTHORIZATION_HEADER} header is required`)
  }
  try {
    return parseAuthorization(header, nativeBase64Url)
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    throw new NodeError('authorization_invalid', error.message)
  }
}

function checkStatement({ auth }: SignedRequestAuth, { bindingId, now }: AuthoriserParts): void {
  if (auth.bindingId !== bindingId) {
    throw new NodeError('wrong_binding', `bindingId: this node is ${bindingId}`)
  }
  const nowS = BigInt(Math.floor(now().getTime() / 1000))
  if (auth.validUntil < nowS || auth.validUntil > nowS + MAX_AUTH_LIFE_S) {
    throw new NodeError(
      'authorization_expired',
      `validUntil: expected ${nowS} to ${nowS + MAX_AUTH_LIFE_S}, got ${auth.validUntil}`,
    )
  }
}

/** What an earlier life of this node can have answered is not answered again, whatever the disk says (attack N9). */
function checkThisLife(validUntil: bigint, earlierEnd: bigint | undefined): void {
  if (earlierEnd === undefined || validUntil > earlierEnd) return
  const text = `validUntil: this node has started again and takes what ends after ${earlierEnd}`
  // An authorisation that is signed by then for as long as this one ends late enough.
  throw new NodeError('not_ready', text, undefined, Number(earlierEnd - validUntil) + 1)
}

function signerOf(authHash: Hex, signature: Hex): Hex {
  try {
    return nativeSignatures.recoverAddress(authHash, signature)
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    throw new NodeError('authorization_invalid', error.message)
  }
}

function checkChannel(
  channel: Channel,
  signer: Hex,
  { agentId, serviceId, now }: AuthoriserParts,
): void {
  const nowS = BigInt(Math.floor(now().getTime() / 1000))
  const settleable =
    channel.state === 'open' ||
    (channel.state === 'closing' && channel.closeAt > nowS + CLOSING_MARGIN_S)
  if (!settleable) {
    throw new NodeError('channel_not_usable', `channel: ${channel.state}, or closing too soon`)
  }
  if (channel.agentId !== agentId || channel.serviceId !== serviceId) {
    throw new NodeError('channel_not_usable', 'channel: with another agent or service')
  }
  if (channel.sessionKey !== signer) {
    throw new NodeError('authorization_invalid', 'signature: not by the session key of the channel')
  }
}

/**
 * What pays in a channel that is paid by vouchers: a receipt is worth nothing there, nor a voucher elsewhere (attack P19).
 * Whether it is enough shows when the request is taken.
 */
function shownVoucher(
  { auth, voucher }: SignedRequestAuth,
  { mode, locked, spent, sessionKey }: Channel,
  { serving }: AuthoriserParts,
): ShownVoucher | undefined {
  if (mode === 'receipt') {
    if (voucher === undefined) return undefined
    throw new NodeError('voucher_invalid', 'channel: paid by receipts, expected no voucher')
  }
  if (voucher === undefined) {
    throw new NodeError('voucher_missing', 'channel: paid by vouchers, expected one')
  }
  assertVoucher({ channelId: auth.channelId, ...voucher }, sessionKey, serving)
  return { voucher, signer: sessionKey, locked, spent }
}

/** Who releases the channel was told what it owes. */
function beingReleased(): NodeError {
  return new NodeError('channel_not_usable', 'channel: its user asked for its release')
}

function alreadyUsed(): NodeError {
  return new NodeError('authorization_already_used', 'this authorisation or its nonce was used')
}

/** A chain that cannot be asked is a reason to refuse, never to serve. */
async function reach<Answer>(read: () => Promise<Answer>): Promise<Answer> {
  try {
    return await read()
  } catch (error) {
    if (!(error instanceof ChainError)) throw error
    throw new NodeError('chain_unavailable', 'the chain could not be asked')
  }
}
