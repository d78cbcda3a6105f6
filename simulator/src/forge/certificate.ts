import {
  bitString,
  boolean,
  element,
  integer,
  objectId,
  octets,
  sequence,
  TAG,
} from '../pki/der-writer.ts'
import { keyId, uncompressed } from '../pki/key-encoding.ts'
import type { KeyPair } from '../pki/signing-key.ts'
import {
  ECDSA_WITH_SHA256,
  encodeExtensions,
  encodeName,
  encodeTime,
  writeSigned,
  type ExtensionFields,
  type Name,
  type SignedForm,
  type TimeField,
} from './signed-der.ts'

/** Everything a certificate says (RFC 5280 §4.1). */
export interface CertificateFields {
  /** 2 stands for version 3. */
  readonly version: number
  /** Content of the INTEGER, as it is written. */
  readonly serial: Uint8Array
  readonly issuer: Name
  readonly notBefore: TimeField
  readonly notAfter: TimeField
  readonly subject: Name
  /** x ‖ y. */
  readonly publicKey: Uint8Array
  readonly extensions: readonly ExtensionFields[]
}

export const OID_KEY_USAGE = '2.5.29.15'
export const OID_BASIC_CONSTRAINTS = '2.5.29.19'

/** DER of a certificate by that key. */
export function writeCertificate(
  fields: CertificateFields,
  key: KeyPair,
  form: SignedForm,
): Uint8Array {
  const tbs = sequence(
    element(TAG.explicit0, integer(fields.version)),
    element(TAG.integer, fields.serial),
    ECDSA_WITH_SHA256,
    encodeName(fields.issuer),
    sequence(encodeTime(fields.notBefore), encodeTime(fields.notAfter)),
    encodeName(fields.subject),
    publicKeyInfo(fields.publicKey),
    element(TAG.explicit3, encodeExtensions(fields.extensions)),
  )
  return writeSigned(tbs, key, form)
}

/** Key usage by its first octet, critical as in Intel's certificates. */
export function keyUsage(bits: number): ExtensionFields {
  const unused = bits === 0 ? 0 : 31 - Math.clz32(bits & -bits)
  return { oid: OID_KEY_USAGE, critical: true, value: bitString(Uint8Array.of(bits), unused) }
}

export const USAGE_CA = 0x06 // keyCertSign, cRLSign
export const USAGE_LEAF = 0xc0 // digitalSignature, nonRepudiation

/** Basic constraints: a CA with a path length below it, one without a limit, or no CA. */
export function basicConstraints(ca: number | 'unlimited' | false): ExtensionFields {
  const limit = typeof ca === 'number' ? [integer(ca)] : []
  const value = ca === false ? sequence() : sequence(boolean(true), ...limit)
  return { oid: OID_BASIC_CONSTRAINTS, critical: true, value }
}

/** Key identifiers, CRL distribution point, usage and constraints, in the order of Intel's certificates. */
export function usualExtensions(
  ca: number | false,
  publicKey: Uint8Array,
  issuerKey: Uint8Array,
): readonly ExtensionFields[] {
  return [
    authorityKeyId(issuerKey),
    { oid: '2.5.29.31', critical: false, value: crlDistributionPoint() },
    { oid: '2.5.29.14', critical: false, value: octets(keyId(publicKey)) },
    keyUsage(ca === false ? USAGE_LEAF : USAGE_CA),
    basicConstraints(ca),
  ]
}

/** Names the issuer's key. */
export function authorityKeyId(issuerKey: Uint8Array): ExtensionFields {
  return { oid: '2.5.29.35', critical: false, value: sequence(element(0x80, keyId(issuerKey))) }
}

/** A host that no resolver knows (RFC 2606). */
const CRL_URL = 'https://jeju-compute-simulator.invalid/crl.der'

function crlDistributionPoint(): Uint8Array {
  const uri = element(0x86, new TextEncoder().encode(CRL_URL))
  return sequence(sequence(element(0xa0, element(0xa0, uri))))
}

function publicKeyInfo(point: Uint8Array): Uint8Array {
  const algorithm = sequence(objectId('1.2.840.10045.2.1'), objectId('1.2.840.10045.3.1.7'))
  return sequence(algorithm, bitString(uncompressed(point)))
}
