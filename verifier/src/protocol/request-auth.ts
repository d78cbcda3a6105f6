import { decodeUtf8, utf8 } from '../bytes/bytes.ts'
import { fromBase64Url, toBase64Url } from '../bytes/base64url.ts'
import { sha256Stream, type Sha256Stream } from '../bytes/hash.ts'
import { fromHex, toHex, type Hex } from '../bytes/hex.ts'
import { canonicalJson, parseCanonicalDocument } from './canonical-json.ts'
import { typedDataDigest, type ContractDomain, type Keccak256, type StructType } from './eip712.ts'
import { MAX_HEADER_BYTES } from './limits.ts'
import { ProtocolError } from './protocol-error.ts'
import { SERVING_DOMAIN_NAME } from './serving-domain.ts'
import { asDecimal, asHex, asInteger, exactObject } from './shape.ts'
import { readVoucherMember, voucherMember, type VoucherPart } from './voucher.ts'

/** Request header that carries a {@link SignedRequestAuth}. */
export const AUTHORIZATION_HEADER = 'compute-authorization'

/** What a user allows to be charged for one request to one binding (docs/protocol.md §5). */
export interface RequestAuth {
  readonly channelId: Hex
  readonly nonce: bigint
  readonly bindingId: Hex
  readonly requestHash: Hex
  /** Wei. */
  readonly maxFee: bigint
  /** Unix seconds. */
  readonly validUntil: bigint
}

/** An authorisation with the session key's signature and the salt that only client and node know. */
export interface SignedRequestAuth {
  readonly auth: RequestAuth
  /** 32 bytes. */
  readonly salt: Hex
  /** 65 bytes. */
  readonly signature: Hex
  /** Of the same channel; what pays the request where the channel is of mode VOUCHER, and nowhere else (§5.2). */
  readonly voucher?: VoucherPart
}

const UINT64_MAX = 2n ** 64n - 1n
const UINT128_MAX = 2n ** 128n - 1n
const UINT256_MAX = 2n ** 256n - 1n

const REQUEST_AUTH_TYPE: StructType = {
  name: 'RequestAuth',
  members: [
    ['channelId', 'bytes32'],
    ['nonce', 'uint256'],
    ['bindingId', 'bytes32'],
    ['requestHash', 'bytes32'],
    ['maxFee', 'uint128'],
    ['validUntil', 'uint64'],
  ],
}

const REQUEST_AUTH_MEMBERS = REQUEST_AUTH_TYPE.members.map(([name]) => name)

/** Of authorisations that cannot change any more: one is digested for its signer, and again for its receipt. */
const digests = new WeakMap<
  RequestAuth,
  { readonly serving: ContractDomain; readonly digest: Hex }
>()

/**
 * EIP-712 digest of an authorisation in InferenceServing's domain: the `authHash`. Made once of a frozen one, as
 * {@link parseAuthorization} gives it.
 */
export function authDigest(auth: RequestAuth, serving: ContractDomain, hash?: Keccak256): Hex {
  const known = digests.get(auth)
  if (known !== undefined && isSameDomain(known.serving, serving)) return known.digest
  const digest = typedDataDigest(SERVING_DOMAIN_NAME, serving, REQUEST_AUTH_TYPE, { ...auth }, hash)
  if (Object.isFrozen(auth)) digests.set(auth, { serving: { ...serving }, digest })
  return digest
}

function isSameDomain(a: ContractDomain, b: ContractDomain): boolean {
  return a.chainId === b.chainId && a.verifyingContract === b.verifyingContract
}

/**
 * sha256(salt ‖ "METHOD path\n" ‖ body): what the user signs of a request, saying nothing to who lacks the salt.
 * `hash` is a fresh running SHA-256, for who has a faster one.
 */
export function requestHash(
  salt: Hex,
  method: string,
  path: string,
  body: Uint8Array,
  hash: Sha256Stream = sha256Stream(),
): Hex {
  hash.update(fromHex(salt, 32, 'salt'))
  hash.update(utf8(`${method} ${path}\n`))
  hash.update(body)
  return toHex(hash.digest())
}

/** Running sha256(salt ‖ "response\n" ‖ body bytes on the wire). */
export interface ResponseHasher {
  update(bytes: Uint8Array): void
  digest(): Hex
}

/** Starts the response hash of one request; `hash` as for {@link requestHash}. */
export function createResponseHasher(
  salt: Hex,
  hash: Sha256Stream = sha256Stream(),
): ResponseHasher {
  hash.update(fromHex(salt, 32, 'salt'))
  hash.update(utf8('response\n'))
  return {
    update: (bytes) => hash.update(bytes),
    digest: () => toHex(hash.digest()),
  }
}

/** The value of the {@link AUTHORIZATION_HEADER}. */
export function encodeAuthorization(signed: SignedRequestAuth): string {
  const { auth, salt, signature, voucher } = signed
  return toBase64Url(
    utf8(
      canonicalJson({
        auth: {
          bindingId: auth.bindingId,
          channelId: auth.channelId,
          maxFee: auth.maxFee.toString(),
          nonce: auth.nonce.toString(),
          requestHash: auth.requestHash,
          validUntil: auth.validUntil.toString(),
        },
        salt,
        signature,
        v: 1,
        ...(voucher === undefined ? {} : { voucher: voucherMember(voucher) }),
      }),
    ),
  )
}

/**
 * Reads the {@link AUTHORIZATION_HEADER}; checks form only, no signature. `decode` reads base64url, for who has a faster
 * way. Throws a {@link ProtocolError}.
 */
export function parseAuthorization(
  header: string,
  decode: typeof fromBase64Url = fromBase64Url,
): SignedRequestAuth {
  if (header.length > MAX_HEADER_BYTES) {
    throw new ProtocolError(
      'INPUT_TOO_LARGE',
      `authorization: more than ${MAX_HEADER_BYTES} characters`,
    )
  }
  const text = decodeUtf8(decode(header, 'authorization'), 'authorization')
  return parseCanonicalDocument(text, 'authorization', readAuthorization, quickAuthorization)
}

/** The canonical text of every authorisation without a voucher, but that decimals may be too large. */
const AUTHORIZATION_FORM =
  /^\{"auth":\{"bindingId":"(0x[0-9a-f]{64})","channelId":"(0x[0-9a-f]{64})","maxFee":"(0|[1-9][0-9]{0,38})","nonce":"(0|[1-9][0-9]{0,77})","requestHash":"(0x[0-9a-f]{64})","validUntil":"(0|[1-9][0-9]{0,19})"\},"salt":"(0x[0-9a-f]{64})","signature":"(0x[0-9a-f]{130})","v":1\}$/

function quickAuthorization(text: string): SignedRequestAuth | undefined {
  const found = AUTHORIZATION_FORM.exec(text)
  if (found === null) return undefined
  const [, bindingId, channelId, maxFee, nonce, hash, validUntil, salt, signature] = found
  const auth = {
    channelId: channelId as Hex,
    nonce: BigInt(nonce ?? ''),
    bindingId: bindingId as Hex,
    requestHash: hash as Hex,
    maxFee: BigInt(maxFee ?? ''),
    validUntil: BigInt(validUntil ?? ''),
  }
  if (auth.nonce > UINT256_MAX || auth.maxFee > UINT128_MAX || auth.validUntil > UINT64_MAX) {
    return undefined
  }
  return { auth: Object.freeze(auth), salt: salt as Hex, signature: signature as Hex }
}

function readAuthorization(value: unknown): SignedRequestAuth {
  const members = ['auth', 'salt', 'signature', 'v'] as const
  const outer = exactObject(value, 'authorization', members, ['voucher'])
  asInteger(outer['v'], 'authorization.v', { min: 1, max: 1 })
  const place = 'authorization.auth'
  const auth = exactObject(outer['auth'], place, REQUEST_AUTH_MEMBERS)
  return {
    auth: Object.freeze({
      channelId: asHex(auth['channelId'], `${place}.channelId`, 32),
      nonce: asDecimal(auth['nonce'], `${place}.nonce`, 256),
      bindingId: asHex(auth['bindingId'], `${place}.bindingId`, 32),
      requestHash: asHex(auth['requestHash'], `${place}.requestHash`, 32),
      maxFee: asDecimal(auth['maxFee'], `${place}.maxFee`, 128),
      validUntil: asDecimal(auth['validUntil'], `${place}.validUntil`, 64),
    }),
    salt: asHex(outer['salt'], 'authorization.salt', 32),
    signature: asHex(outer['signature'], 'authorization.signature', 65),
    ...(Object.hasOwn(outer, 'voucher')
      ? { voucher: readVoucherMember(outer['voucher'], 'authorization.voucher') }
      : {}),
  }
}
