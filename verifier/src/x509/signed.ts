import { equalBytes } from '../bytes/bytes.ts'
import { fromBareHex } from '../bytes/hex.ts'
import { DER, DerError, DerReader, unsignedInteger } from './der.ts'

/** AlgorithmIdentifier of ecdsa-with-SHA256 without parameters (RFC 5758 §3.2). */
const ECDSA_WITH_SHA256 = fromBareHex('300a06082a8648ce3d040302')
const SCALAR_BYTES = 32

/** The frame of a certificate and of a CRL: what is signed, and the signature as r ‖ s. */
export interface Signed {
  /** DER of the signed part. */
  readonly tbs: Uint8Array
  /** The elements of the signed part. */
  readonly fields: DerReader
  readonly signature: Uint8Array
}

/** Reads SIGNED{…} (RFC 5280 §4.1, §5.1) with nothing behind it, by ecdsa-with-SHA256. */
export function readSigned(der: Uint8Array, place: string): Signed {
  const all = new DerReader(der, place)
  const outer = all.inside(DER.sequence, 'signed')
  all.end()
  const tbs = outer.whole(DER.sequence, 'tbs')
  readAlgorithm(outer, 'signatureAlgorithm')
  const bits = outer.content(DER.bitString, 'signature')
  outer.end()
  if (bits[0] !== 0) throw new DerError(`${place}.signature: unused bits`)
  return {
    tbs,
    fields: new DerReader(tbs, place).inside(DER.sequence, `${place}.tbs`),
    signature: signatureValue(bits.subarray(1), `${place}.signature`),
  }
}

/** The next element must be ecdsa-with-SHA256. */
export function readAlgorithm(from: DerReader, field: string): void {
  if (!equalBytes(from.whole(DER.sequence, field), ECDSA_WITH_SHA256)) {
    throw new DerError(`${field}: not ecdsa-with-SHA256`)
  }
}

/** Ecdsa-Sig-Value (RFC 3279 §2.2.3) as r ‖ s, 64 bytes. */
function signatureValue(der: Uint8Array, place: string): Uint8Array {
  const all = new DerReader(der, place)
  const pair = all.inside(DER.sequence, 'value')
  all.end()
  const signature = new Uint8Array(2 * SCALAR_BYTES)
  for (const [index, name] of ['r', 's'].entries()) {
    const scalar = unsignedInteger(pair.content(DER.integer, name), `${place}.${name}`)
    if (scalar.length > SCALAR_BYTES) throw new DerError(`${place}.${name}: too long`)
    signature.set(scalar, (index + 1) * SCALAR_BYTES - scalar.length)
  }
  pair.end()
  return signature
}
