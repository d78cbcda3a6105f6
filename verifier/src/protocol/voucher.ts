import type { Hex } from '../bytes/hex.ts'
import { canonicalJson, parseCanonicalJson } from './canonical-json.ts'
import { typedDataDigest, type ContractDomain, type Keccak256, type StructType } from './eip712.ts'
import { SERVING_DOMAIN_NAME } from './serving-domain.ts'
import { asDecimal, asHex, asInteger, exactObject } from './shape.ts'
import { signDigest } from './signatures.ts'

/** The session key's word for everything a channel may have been charged since its opening (docs/protocol.md §5.2). */
export interface Voucher {
  readonly channelId: Hex
  /** Wei. */
  readonly cumulative: bigint
}

/** A voucher of a channel that is named beside it, with the session key's signature. */
export interface VoucherPart {
  /** Wei. */
  readonly cumulative: bigint
  /** 65 bytes. */
  readonly signature: Hex
}

/** A voucher as it is sent by itself. */
export interface SignedVoucher extends Voucher, VoucherPart {}

const VOUCHER_TYPE: StructType = {
  name: 'Voucher',
  members: [
    ['channelId', 'bytes32'],
    ['cumulative', 'uint128'],
  ],
}

/** EIP-712 digest of a voucher in InferenceServing's domain. Throws `INPUT_FIELD`. */
export function voucherDigest(voucher: Voucher, serving: ContractDomain, hash?: Keccak256): Hex {
  const { channelId, cumulative } = voucher
  const values = { channelId, cumulative }
  return typedDataDigest(SERVING_DOMAIN_NAME, serving, VOUCHER_TYPE, values, hash)
}

/** Signs a voucher with the channel's session key. */
export function signVoucher(
  { channelId, cumulative }: Voucher,
  serving: ContractDomain,
  sessionKey: Uint8Array,
): SignedVoucher {
  const signature = signDigest(voucherDigest({ channelId, cumulative }, serving), sessionKey)
  return { channelId, cumulative, signature }
}

/** The member of another document that holds a voucher of its channel. */
export function voucherMember({ cumulative, signature }: VoucherPart): {
  readonly cumulative: string
  readonly signature: Hex
} {
  return { cumulative: cumulative.toString(), signature }
}

/** Reads such a member. Throws a ProtocolError. */
export function readVoucherMember(value: unknown, place: string): VoucherPart {
  const voucher = exactObject(value, place, ['cumulative', 'signature'])
  return {
    cumulative: asDecimal(voucher['cumulative'], `${place}.cumulative`, 128),
    signature: asHex(voucher['signature'], `${place}.signature`, 65),
  }
}

/** JCS text of a voucher that is sent by itself. */
export function encodeVoucher({ channelId, ...voucher }: SignedVoucher): string {
  return canonicalJson({ channelId, ...voucherMember(voucher), v: 1 })
}

/** Reads JCS text; checks form only. Throws a ProtocolError. */
export function parseVoucher(text: string): SignedVoucher {
  const members = ['channelId', 'cumulative', 'signature', 'v'] as const
  const voucher = exactObject(parseCanonicalJson(text, 'voucher'), 'voucher', members)
  asInteger(voucher['v'], 'voucher.v', { min: 1, max: 1 })
  return {
    channelId: asHex(voucher['channelId'], 'voucher.channelId', 32),
    cumulative: asDecimal(voucher['cumulative'], 'voucher.cumulative', 128),
    signature: asHex(voucher['signature'], 'voucher.signature', 65),
  }
}
