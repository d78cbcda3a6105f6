import type { Hex } from '../bytes/hex.ts'
import { canonicalJson, parseCanonicalJson } from './canonical-json.ts'
import { typedDataDigest, type ContractDomain, type StructType } from './eip712.ts'
import { asDecimal, asHex, asInteger, exactObject } from './shape.ts'
import { signDigest } from './signatures.ts'
import { readVoucherMember, voucherMember, type VoucherPart } from './voucher.ts'

/** What a user signs who is done with a channel (docs/protocol.md §5.1). */
export interface Release {
  readonly channelId: Hex
  /** Wei that the receipts he holds come to. */
  readonly paid: bigint
  /** Unix seconds. */
  readonly deadline: bigint
}

/** A release with the session key's signature. */
export interface SignedRelease extends Release {
  /** 65 bytes. */
  readonly signature: Hex
  /** Of a channel of mode VOUCHER: the last one, for exactly what was charged. */
  readonly voucher?: VoucherPart
}

/** How far ahead a deadline may lie, seconds. */
export const MAX_RELEASE_LIFE_S = 600n

const RELEASE_TYPE: StructType = {
  name: 'Release',
  members: [
    ['channelId', 'bytes32'],
    ['paid', 'uint128'],
    ['deadline', 'uint64'],
  ],
}

/** EIP-712 digest of a release in the ledger's domain. Throws `INPUT_FIELD`. */
export function releaseDigest(release: Release, ledger: ContractDomain): Hex {
  const { channelId, paid, deadline } = release
  return typedDataDigest('LedgerManager', ledger, RELEASE_TYPE, { channelId, paid, deadline })
}

/** Signs a release with the channel's session key. */
export function signRelease(
  release: Release,
  ledger: ContractDomain,
  sessionKey: Uint8Array,
): SignedRelease {
  return { ...release, signature: signDigest(releaseDigest(release, ledger), sessionKey) }
}

/** JCS text. */
export function encodeRelease(release: SignedRelease): string {
  const { channelId, paid, deadline, signature, voucher } = release
  return canonicalJson({
    channelId,
    deadline: deadline.toString(),
    paid: paid.toString(),
    signature,
    v: 1,
    ...(voucher === undefined ? {} : { voucher: voucherMember(voucher) }),
  })
}

/** Reads JCS text; checks form only. Throws a ProtocolError. */
export function parseRelease(text: string): SignedRelease {
  const members = ['channelId', 'deadline', 'paid', 'signature', 'v'] as const
  const release = exactObject(parseCanonicalJson(text, 'release'), 'release', members, ['voucher'])
  asInteger(release['v'], 'release.v', { min: 1, max: 1 })
  return {
    channelId: asHex(release['channelId'], 'release.channelId', 32),
    paid: asDecimal(release['paid'], 'release.paid', 128),
    deadline: asDecimal(release['deadline'], 'release.deadline', 64),
    signature: asHex(release['signature'], 'release.signature', 65),
    ...(Object.hasOwn(release, 'voucher')
      ? { voucher: readVoucherMember(release['voucher'], 'release.voucher') }
      : {}),
  }
}
