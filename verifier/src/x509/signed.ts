import { equalBytes } from '../bytes/bytes.ts'
import { DER, DerError, DerReader, unsignedInteger } from './der.ts'
import type { EcdsaProfile } from './ecdsa-profile.ts'

/** The frame of a certificate and of a CRL: what is signed, and the signature as r ‖ s. */
export interface Signed {
  /** DER of the signed part. */
  readonly tbs: Uint8Array
  /** The elements of the signed part. */
  readonly fields: DerReader
  readonly signature: Uint8Array
}

/** Reads SIGNED{…} (RFC 5280 §4.1, §5.1) with nothing behind it, by the algorithm of the profile. */
export function readSigned(der: Uint8Array, place: string, profile: EcdsaProfile): Signed {
  const all = new DerReader(der, place)
  const outer = all.inside(DER.sequence, 'signed')
  all.end()
  const tbs = outer.whole(DER.sequence, 'tbs')
  const signature = readSignature(outer, place, profile)
  outer.end()
  const fields = new DerReader(tbs, place).inside(DER.sequence, `${place}.tbs`)
  return { tbs, fields, signature }
}

/** The next two elements: the algorithm of the profile, and the signature as r ‖ s. */
export function readSignature(from: DerReader, place: string, profile: EcdsaProfile): Uint8Array {
  readAlgorithm(from, 'signatureAlgorithm', profile)
  const bits = from.content(DER.bitString, 'signature')
  if (bits[0] !== 0) throw new DerError(`${place}.signature: unused bits`)
  return signatureValue(bits.subarray(1), `${place}.signature`, profile.scalarBytes)
}

/** The next element must be the algorithm of the profile. */
export function readAlgorithm(from: DerReader, field: string, profile: EcdsaProfile): void {
  if (!equalBytes(from.whole(DER.sequence, field), profile.algorithm)) {
    throw new DerError(`${field}: not ECDSA with ${profile.hash}`)
  }
}

/** Ecdsa-Sig-Value (RFC 3279 §2.2.3) as r ‖ s. */
function signatureValue(der: Uint8Array, place: string, scalarBytes: number): Uint8Array {
  const all = new DerReader(der, place)
  const pair = all.inside(DER.sequence, 'value')
  all.end()
  const signature = new Uint8Array(2 * scalarBytes)
  for (const [index, name] of ['r', 's'].entries()) {
    const scalar = unsignedInteger(pair.content(DER.integer, name), `${place}.${name}`)
    if (scalar.length > scalarBytes) throw new DerError(`${place}.${name}: too long`)
    signature.set(scalar, (index + 1) * scalarBytes - scalar.length)
  }
  pair.end()
  return signature
}
