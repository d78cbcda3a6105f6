import { concatBytes } from '@jeju/verifier/protocol'
import {
  bitString,
  element,
  objectId,
  sequence,
  TAG,
  time,
  unsignedInteger,
} from '../pki/der-writer.ts'
import type { KeyPair } from '../pki/signing-key.ts'
import { forgeSignature, type ForgedSignature } from './forge-signature.ts'

/** What certificates and CRLs have in common: names, extensions, and the frame with the signature. */

/** AlgorithmIdentifier of ecdsa-with-SHA256, without parameters. */
export const ECDSA_WITH_SHA256: Uint8Array = sequence(objectId('1.2.840.10045.4.3.2'))

/** Attributes of a distinguished name: OID and text, one to each RDN. */
export type Name = readonly (readonly [oid: string, text: string])[]

export const COMMON_NAME = '2.5.4.3'
const COUNTRY = '2.5.4.6'
/** Says whose PKI this is, in every name. Intel's certificates have O=Intel Corporation. */
const ORGANIZATION = 'Jeju Compute Simulator'

/** A name in the order of Intel's, with that common name. */
export function nameOf(commonName: string): Name {
  return [
    [COMMON_NAME, commonName],
    ['2.5.4.10', ORGANIZATION],
    ['2.5.4.7', 'Nowhere'],
    ['2.5.4.8', 'CA'],
    [COUNTRY, 'US'],
  ]
}

/** DER of a name; the country is a PrintableString, everything else UTF-8. */
export function encodeName(name: Name): Uint8Array {
  const attributes = name.map(([oid, text]) => {
    const tag = oid === COUNTRY ? TAG.printableString : TAG.utf8String
    const value = element(tag, new TextEncoder().encode(text))
    return element(TAG.set, sequence(objectId(oid), value))
  })
  return sequence(...attributes)
}

/** An extension. `critical: 'stated false'` writes the default that DER leaves out. */
export interface ExtensionFields {
  readonly oid: string
  readonly critical: boolean | 'stated false'
  readonly value: Uint8Array
}

/** DER of an extension list. */
export function encodeExtensions(extensions: readonly ExtensionFields[]): Uint8Array {
  const written = extensions.map(({ oid, critical, value }) => {
    const flag = critical === 'stated false' ? 0x00 : 0xff
    const stated = critical === false ? [] : [element(TAG.boolean, Uint8Array.of(flag))]
    return sequence(objectId(oid), ...stated, element(TAG.octetString, value))
  })
  return sequence(...written)
}

/** A Time: a date, or its DER where the form itself is to be wrong. */
export type TimeField = Date | Uint8Array

/** DER of a Time. */
export function encodeTime(field: TimeField): Uint8Array {
  return field instanceof Date ? time(field) : field
}

/** How a certificate or CRL is signed and written. */
export interface SignedForm {
  readonly signature?: ForgedSignature
  /** Content of the signature BIT STRING, of r and s. */
  readonly signatureDer?: (r: Uint8Array, s: Uint8Array) => Uint8Array
  /** Changes the part that is signed, before it is. */
  readonly tbs?: (tbs: Uint8Array) => Uint8Array
  /** Changes everything after it was signed. */
  readonly der?: (der: Uint8Array) => Uint8Array
}

/** DER of SIGNED{…} over that part. */
export function writeSigned(tbs: Uint8Array, key: KeyPair, form: SignedForm): Uint8Array {
  const signed = form.tbs?.(tbs) ?? tbs
  const signature = forgeSignature(key, signed, form.signature)
  const [r, s] = [signature.subarray(0, 32), signature.subarray(32)]
  const value = form.signatureDer?.(r, s) ?? signatureValue(unsignedInteger(r), unsignedInteger(s))
  const der = sequence(signed, ECDSA_WITH_SHA256, bitString(value))
  return form.der?.(der) ?? der
}

/** Ecdsa-Sig-Value of two INTEGERs, with bytes behind them where there must be none. */
export function signatureValue(
  r: Uint8Array,
  s: Uint8Array,
  behind: Uint8Array = new Uint8Array(0),
): Uint8Array<ArrayBuffer> {
  return concatBytes(sequence(r, s), behind)
}
