import { fromBase64Url, toBase64Url } from '../bytes/base64url.ts'
import { decodeUtf8, utf8 } from '../bytes/bytes.ts'
import type { Hex } from '../bytes/hex.ts'
import { canonicalJson, parseCanonicalJson } from './canonical-json.ts'
import { typedDataDigest, type ContractDomain, type StructType } from './eip712.ts'
import { MAX_HEADER_BYTES } from './limits.ts'
import { ProtocolError } from './protocol-error.ts'
import { asDecimal, asHex, asInteger, exactObject } from './shape.ts'

/** Request header that carries a {@link SignedAccountRequest}. */
export const ACCOUNT_HEADER = 'compute-account'

/** What a wallet allows a gateway to spend of its budget there on one request (docs/protocol.md §8). */
export interface AccountRequest {
  /** The gateway's paying wallet: another gateway's budget is not meant. */
  readonly gateway: Hex
  readonly requestHash: Hex
  /** Wei. */
  readonly maxFee: bigint
  readonly nonce: bigint
  /** Unix seconds. */
  readonly validUntil: bigint
}

/** A request with the wallet's signature and the salt of the request hash. */
export interface SignedAccountRequest {
  readonly request: AccountRequest
  /** 32 bytes. */
  readonly salt: Hex
  /** 65 bytes. */
  readonly signature: Hex
}

const DOMAIN_NAME = 'Jeju Compute Gateway'

const ACCOUNT_REQUEST_TYPE: StructType = {
  name: 'AccountRequest',
  members: [
    ['gateway', 'address'],
    ['requestHash', 'bytes32'],
    ['maxFee', 'uint128'],
    ['nonce', 'uint256'],
    ['validUntil', 'uint64'],
  ],
}

/** EIP-712 digest of an account request, in a domain of InferenceServing's address. */
export function accountRequestDigest(request: AccountRequest, serving: ContractDomain): Hex {
  return typedDataDigest(DOMAIN_NAME, serving, ACCOUNT_REQUEST_TYPE, { ...request })
}

/** The value of the {@link ACCOUNT_HEADER}. */
export function encodeAccountRequest({ request, salt, signature }: SignedAccountRequest): string {
  const { gateway, requestHash, maxFee, nonce, validUntil } = request
  const members = {
    gateway,
    maxFee: maxFee.toString(),
    nonce: nonce.toString(),
    requestHash,
    validUntil: validUntil.toString(),
  }
  return toBase64Url(utf8(canonicalJson({ request: members, salt, signature, v: 1 })))
}

/** Reads the {@link ACCOUNT_HEADER}; checks form only, no signature. Throws a {@link ProtocolError}. */
export function parseAccountRequest(header: string): SignedAccountRequest {
  const place = 'account'
  if (header.length > MAX_HEADER_BYTES) {
    throw new ProtocolError('INPUT_TOO_LARGE', `${place}: more than ${MAX_HEADER_BYTES} characters`)
  }
  const text = decodeUtf8(fromBase64Url(header, place), place)
  const members = ['request', 'salt', 'signature', 'v'] as const
  const outer = exactObject(parseCanonicalJson(text, place), place, members)
  asInteger(outer['v'], `${place}.v`, { min: 1, max: 1 })
  const names = ACCOUNT_REQUEST_TYPE.members.map(([name]) => name)
  const at = `${place}.request`
  const request = exactObject(outer['request'], at, names)
  return {
    request: {
      gateway: asHex(request['gateway'], `${at}.gateway`, 20),
      requestHash: asHex(request['requestHash'], `${at}.requestHash`, 32),
      maxFee: asDecimal(request['maxFee'], `${at}.maxFee`, 128),
      nonce: asDecimal(request['nonce'], `${at}.nonce`, 256),
      validUntil: asDecimal(request['validUntil'], `${at}.validUntil`, 64),
    },
    salt: asHex(outer['salt'], `${place}.salt`, 32),
    signature: asHex(outer['signature'], `${place}.signature`, 65),
  }
}
