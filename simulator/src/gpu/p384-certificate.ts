import { toBareHex } from '@jeju/verifier/protocol'
import {
  bitString,
  boolean,
  element,
  integer,
  objectId,
  octets,
  sequence,
  TAG,
  time,
  unsignedInteger,
} from '../pki/der-writer.ts'
import { keyId, uncompressed } from '../pki/key-encoding.ts'
import { pem } from '../pki/pem.ts'
import { signP384, type P384Key } from './p384-key.ts'

/** Certificates in the form of NVIDIA's: P-384 and ecdsa-with-SHA384 throughout. */

/** Says whose PKI this is, in every name. NVIDIA's certificates have O=NVIDIA Corporation. */
const ORGANIZATION = 'Jeju Compute Simulator'
export const ECDSA_WITH_SHA384: Uint8Array = sequence(objectId('1.2.840.10045.4.3.3'))

/** An extension. */
export interface CertificateExtension {
  readonly oid: string
  readonly critical: boolean
  readonly value: Uint8Array
}

/** A certificate with its key. */
export interface P384Identity {
  readonly key: P384Key
  /** DER of the subject's name. */
  readonly name: Uint8Array
  readonly serial: Uint8Array
  readonly der: Uint8Array
  readonly pem: string
}

/** What a certificate is to say. */
export interface P384Request {
  readonly commonName: string
  readonly key: P384Key
  /** Itself without one. */
  readonly issuer?: Pick<P384Identity, 'key' | 'name'>
  readonly serial: Uint8Array
  readonly from: Date
  readonly until: Date
  /** First octet of key usage. */
  readonly usage: number
  readonly ca?: { readonly pathLength?: number }
  readonly extensions?: readonly CertificateExtension[]
}

export const USAGE_SIGN = 0x80
export const USAGE_CERT = 0x04
export const USAGE_CERT_AND_CRL = 0x06

/** Issues a certificate. */
export function issueP384(request: P384Request): P384Identity {
  const { commonName, key, serial, from, until } = request
  const name = nameOf(commonName, serial)
  const issuer = request.issuer ?? { key, name }
  const tbs = sequence(
    element(TAG.explicit0, integer(2)),
    unsignedInteger(serial),
    ECDSA_WITH_SHA384,
    issuer.name,
    sequence(time(from), time(until)),
    name,
    keyInfo(key),
    element(TAG.explicit3, sequence(...extensionsOf(request, issuer.key).map(encodeExtension))),
  )
  const der = signedDer(tbs, issuer.key)
  return { key, name, serial, der, pem: pem(der) }
}

/** SEQUENCE of a part, the algorithm and the signature over it. */
export function signedDer(
  tbs: Uint8Array,
  key: P384Key,
  ...behind: readonly Uint8Array[]
): Uint8Array<ArrayBuffer> {
  const signature = signP384(key, tbs)
  const value = sequence(
    unsignedInteger(signature.subarray(0, 48)),
    unsignedInteger(signature.subarray(48)),
  )
  return sequence(tbs, ECDSA_WITH_SHA384, bitString(value), ...behind)
}

function extensionsOf(
  { key, usage, ca, extensions = [] }: P384Request,
  issuerKey: P384Key,
): readonly CertificateExtension[] {
  const limit = ca?.pathLength === undefined ? [] : [integer(ca.pathLength)]
  const unused = 31 - Math.clz32(usage & -usage)
  return [
    ...(ca === undefined
      ? []
      : [{ oid: '2.5.29.19', critical: true, value: sequence(boolean(true), ...limit) }]),
    { oid: '2.5.29.15', critical: true, value: bitString(Uint8Array.of(usage), unused) },
    { oid: '2.5.29.14', critical: false, value: octets(keyId(key.point)) },
    { oid: '2.5.29.35', critical: false, value: sequence(element(0x80, keyId(issuerKey.point))) },
    ...extensions,
  ]
}

function encodeExtension({ oid, critical, value }: CertificateExtension): Uint8Array {
  const stated = critical ? [boolean(true)] : []
  return sequence(objectId(oid), ...stated, octets(value))
}

/** NVIDIA's devices carry their serial number in their name. */
function nameOf(commonName: string, serial: Uint8Array): Uint8Array {
  const attribute = (oid: string, tag: number, text: string): Uint8Array =>
    element(TAG.set, sequence(objectId(oid), element(tag, new TextEncoder().encode(text))))
  return sequence(
    attribute('2.5.4.5', TAG.printableString, toBareHex(serial).toUpperCase()),
    attribute('2.5.4.6', TAG.printableString, 'US'),
    attribute('2.5.4.10', TAG.utf8String, ORGANIZATION),
    attribute('2.5.4.3', TAG.utf8String, commonName),
  )
}

/** SubjectPublicKeyInfo of secp384r1. */
export function keyInfo({ point }: P384Key): Uint8Array<ArrayBuffer> {
  const algorithm = sequence(objectId('1.2.840.10045.2.1'), objectId('1.3.132.0.34'))
  return sequence(algorithm, bitString(uncompressed(point)))
}
