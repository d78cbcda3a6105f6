import {
  ECDSA_WITH_SHA256,
  element,
  integer,
  nameOf,
  pem,
  sequence,
  signatureValue,
  TAG,
  unsignedInteger,
  withIndefiniteLength,
  withLongLength,
  type Forgery,
  type ForgedSignature,
  type SignedForm,
} from '@jeju/simulator/forge'
import { concatBytes, fromBareHex, toBareHex, utf8 } from '@jeju/verifier/protocol'
import { accepted, refused, type CaseArea, type ForgeCase } from '../forge-case.ts'

/** How a certificate is encoded and by whom it is signed. */

const CERTIFICATE = { 'pck-chain': 'PCK_CERT_INVALID' } as const
const SIGNATURE = { 'pck-chain': 'PCK_SIGNATURE_INVALID' } as const

const leaf = (form: SignedForm): Forgery => ({ certificates: { leaf: form } })
const signature = (encode: (r: Uint8Array, s: Uint8Array) => Uint8Array): Forgery =>
  leaf({ signatureDer: encode })

export const certificateDer: CaseArea = {
  area: 'PCK chain: encoding and signatures',
  cases: [...encodings(), ...signatures(), ...signers()],
}

function encodings(): readonly ForgeCase[] {
  const padded = (value: Uint8Array): Uint8Array => element(TAG.integer, new Uint8Array(2), value)
  const rows: readonly (readonly [string, Forgery])[] = [
    ['long-length', leaf({ der: withLongLength })],
    ['indefinite-length', leaf({ der: withIndefiniteLength })],
    ['trailing-byte', leaf({ der: (der) => concatBytes(der, Uint8Array.of(0)) })],
    ['truncated', leaf({ der: (der) => der.subarray(0, -1) })],
    ['empty', leaf({ der: () => new Uint8Array(0) })],
    ['garbage', leaf({ der: () => new Uint8Array(64).fill(0x30) })],
    ['tbs-long-length', leaf({ tbs: withLongLength })],
    ['tbs-sha384', leaf({ tbs: (tbs) => replaced(tbs, SHA384) })],
    ['tbs-parameters', leaf({ tbs: (tbs) => relength(replaced(tbs, WITH_NULL)) })],
    ['algorithm-sha384', leaf({ der: (der) => replacedLast(der, SHA384) })],
    ['key-compressed', leaf({ tbs: (tbs) => swapped(tbs, '03420004', '03420002') })],
    ['key-p384', leaf({ tbs: (tbs) => swapped(tbs, P256_OID, P384_OID) })],
    ['signature-unused-bits', leaf({ der: unusedBit })],
    ['signature-r-padded', signature((r, s) => signatureValue(padded(r), unsignedInteger(s)))],
    ['signature-s-padded', signature((r, s) => signatureValue(unsignedInteger(r), padded(s)))],
    ['signature-r-negative', signature((_r, s) => signatureValue(integer(-5), unsignedInteger(s)))],
    ['signature-s-33-bytes', signature((r) => signatureValue(unsignedInteger(r), integer33()))],
    [
      'signature-tail',
      signature((r, s) => signatureValue(unsignedInteger(r), unsignedInteger(s), Uint8Array.of(0))),
    ],
    [
      'signature-third-integer',
      signature((r, s) => sequence(unsignedInteger(r), unsignedInteger(s), integer(1))),
    ],
    ['signature-one-integer', signature((r) => sequence(unsignedInteger(r)))],
    ['signature-raw', signature((r, s) => concatBytes(r, s))],
    ['signature-empty', signature(() => new Uint8Array(0))],
    [
      'signature-long-length',
      signature((r, s) => withLongLength(signatureValue(unsignedInteger(r), unsignedInteger(s)))),
    ],
    ['signature-empty-r', signature((_r, s) => sequence(element(TAG.integer), unsignedInteger(s)))],
  ]
  return rows.map(([id, forgery]) =>
    refused(`leaf-der-${id}`, 'one certificate has one encoding', forgery, CERTIFICATE),
  )
}

function signatures(): readonly ForgeCase[] {
  const valid: readonly ForgedSignature[] = ['low-s', 'high-s']
  const invalid: readonly ForgedSignature[] = ['flipped', 'zero', 's-zero', 's-order', 'ones']
  return [
    ...valid.map((form) =>
      accepted(`leaf-signature-${form}`, 'both forms are valid', leaf({ signature: form })),
    ),
    ...invalid.map((form) =>
      refused(
        `leaf-signature-${form}`,
        'no signature has this value',
        leaf({ signature: form }),
        SIGNATURE,
      ),
    ),
  ]
}

function signers(): readonly ForgeCase[] {
  const issuedBySigner: Forgery = {
    certificates: {
      leaf: {
        signedBy: 'signer',
        fields: (fields) => ({ ...fields, issuer: nameOf('Intel SGX TCB Signing') }),
      },
    },
    chains: {
      pck: ({ leaf: der, signer, root }) =>
        utf8([der, signer, root].map((one) => pem(one.der)).join('')),
    },
  }
  const why = 'a certificate that its issuer did not sign'
  return [
    refused(
      'leaf-by-attacker',
      why,
      { certificates: { leaf: { signedBy: 'attacker' } } },
      SIGNATURE,
    ),
    refused('leaf-by-root', why, { certificates: { leaf: { signedBy: 'root' } } }, SIGNATURE),
    refused('leaf-by-itself', why, { certificates: { leaf: { signedBy: 'leaf' } } }, SIGNATURE),
    refused(
      'intermediate-by-attacker',
      why,
      { certificates: { intermediate: { signedBy: 'attacker' } } },
      SIGNATURE,
    ),
    refused(
      'intermediate-of-attacker',
      'a PCK CA of one’s own, and a leaf under it',
      { certificates: { intermediate: { key: 'attacker', signedBy: 'attacker' } } },
      SIGNATURE,
    ),
    refused(
      'root-by-another',
      'a pinned root that did not sign itself',
      { certificates: { root: { signedBy: 'attacker' } } },
      SIGNATURE,
    ),
    refused(
      'leaf-issued-by-root',
      'the root issues no PCK certificates',
      {
        certificates: {
          leaf: {
            signedBy: 'root',
            fields: (fields) => ({ ...fields, issuer: nameOf('Intel SGX Root CA') }),
          },
        },
      },
      CERTIFICATE,
    ),
    refused(
      'leaf-under-signer',
      'who signs collateral issues no PCK certificates',
      issuedBySigner,
      CERTIFICATE,
    ),
  ]
}

const SHA384 = fromBareHex('300a06082a8648ce3d040303')
const WITH_NULL = fromBareHex('300c06082a8648ce3d0403020500')

const P256_OID = '06082a8648ce3d030107'
const P384_OID = '06082a8648ce3d030122'

function swapped(der: Uint8Array, from: string, by: string): Uint8Array {
  return fromBareHex(toBareHex(der).replace(from, by))
}

function replaced(der: Uint8Array, by: Uint8Array): Uint8Array {
  return swapped(der, toBareHex(ECDSA_WITH_SHA256), toBareHex(by))
}

/** States one unused bit of the signature BIT STRING, which follows the algorithm. */
function unusedBit(der: Uint8Array): Uint8Array {
  const algorithm = toBareHex(der).lastIndexOf(toBareHex(ECDSA_WITH_SHA256)) / 2
  return der.with(algorithm + ECDSA_WITH_SHA256.length + 2, 1)
}

function replacedLast(der: Uint8Array, by: Uint8Array): Uint8Array {
  const [hex, from] = [toBareHex(der), toBareHex(ECDSA_WITH_SHA256)]
  const at = hex.lastIndexOf(from)
  return fromBareHex(hex.slice(0, at) + toBareHex(by) + hex.slice(at + from.length))
}

/** The same SEQUENCE with the length of what it holds by now; its length has two digits. */
function relength(der: Uint8Array): Uint8Array {
  return sequence(der.subarray(4))
}

function integer33(): Uint8Array {
  return unsignedInteger(new Uint8Array(33).fill(1))
}
