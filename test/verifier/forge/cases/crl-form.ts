import {
  element,
  integer,
  nameOf,
  pem,
  TAG,
  withIndefiniteLength,
  withLongLength,
  type CrlChange,
  type CrlFields,
  type Forgery,
  type ForgedSignature,
} from '@jeju/simulator/forge'
import type { CheckFailureCode } from '@jeju/verifier'
import { concatBytes, utf8 } from '@jeju/verifier/protocol'
import { accepted, refused, seconds, type CaseArea, type ForgeCase } from '../forge-case.ts'
import { UNKNOWN_EXTENSION } from './change-certificate.ts'

/** Dates, issuer, signature and encoding of both revocation lists. */

const LISTS = ['rootCrl', 'pckCrl'] as const

function changed(fields: (fields: CrlFields) => Partial<CrlFields>): CrlChange {
  return { fields: (usual) => ({ ...usual, ...fields(usual) }) }
}

const withEntry = (entry: NonNullable<CrlFields['entries']>[number]): CrlChange =>
  changed(() => ({ entries: [entry] }))

const SERIAL = Uint8Array.of(0x11, 0x22)
const ENTRY = { serial: SERIAL, date: seconds(-3600) }

const SIGNATURES: readonly ForgedSignature[] = ['flipped', 'zero', 's-zero', 's-order', 'ones']

const REFUSED: readonly (readonly [string, CheckFailureCode, CrlChange])[] = [
  ['expired', 'CRL_EXPIRED', changed(() => ({ nextUpdate: seconds(-1) }))],
  ['ends-now', 'CRL_EXPIRED', changed(() => ({ nextUpdate: seconds(0) }))],
  ['future', 'CRL_NOT_YET_VALID', changed(() => ({ thisUpdate: seconds(1) }))],
  ['without-next-update', 'CRL_INVALID', changed(() => ({ nextUpdate: undefined }))],
  [
    'next-update-30-february',
    'CRL_INVALID',
    changed(() => ({ nextUpdate: element(TAG.utcTime, utf8('270230000000Z')) })),
  ],
  ['issuer-name', 'CRL_ISSUER_MISMATCH', changed(() => ({ issuer: nameOf('Intel SGX CA') }))],
  [
    'issuer-order',
    'CRL_ISSUER_MISMATCH',
    changed(({ issuer }) => ({ issuer: issuer.toReversed() })),
  ],
  ['by-attacker', 'CRL_SIGNATURE_INVALID', { signedBy: 'attacker' }],
  ['by-signer', 'CRL_SIGNATURE_INVALID', { signedBy: 'signer' }],
  ['by-leaf', 'CRL_SIGNATURE_INVALID', { signedBy: 'leaf' }],
  ...SIGNATURES.map(
    (form) => [`signature-${form}`, 'CRL_SIGNATURE_INVALID', { signature: form }] as const,
  ),
  ['version-1', 'CRL_INVALID', changed(() => ({ version: 0 }))],
  ['version-3', 'CRL_INVALID', changed(() => ({ version: 2 }))],
  [
    'critical-extension',
    'CRL_INVALID',
    changed(({ extensions }) => ({ extensions: [...extensions, UNKNOWN_EXTENSION] })),
  ],
  [
    'delta',
    'CRL_INVALID',
    changed(({ extensions }) => ({
      extensions: [...extensions, { oid: '2.5.29.27', critical: true, value: integer(1) }],
    })),
  ],
  [
    'extension-twice',
    'CRL_INVALID',
    changed(({ extensions }) => ({ extensions: [...extensions, ...extensions] })),
  ],
  [
    'entry-critical-extension',
    'CRL_INVALID',
    withEntry({ ...ENTRY, extensions: [UNKNOWN_EXTENSION] }),
  ],
  ['no-entry-in-list', 'CRL_INVALID', changed(() => ({ entries: [] }))],
  ['entry-twice', 'CRL_INVALID', changed(() => ({ entries: [ENTRY, ENTRY] }))],
  [
    'entry-serial-not-minimal',
    'CRL_INVALID',
    withEntry({ ...ENTRY, serial: Uint8Array.of(0, ...SERIAL) }),
  ],
  ['entry-serial-negative', 'CRL_INVALID', withEntry({ ...ENTRY, serial: Uint8Array.of(0x80) })],
  [
    'entry-serial-21-bytes',
    'CRL_INVALID',
    withEntry({ ...ENTRY, serial: new Uint8Array(21).fill(1) }),
  ],
  ['entry-date-octets', 'CRL_INVALID', withEntry({ ...ENTRY, date: integer(1) })],
  ['trailing-byte', 'CRL_INVALID', { der: (der) => concatBytes(der, Uint8Array.of(0)) }],
  ['truncated', 'CRL_INVALID', { der: (der) => der.subarray(0, -1) }],
  ['empty', 'CRL_INVALID', { der: () => new Uint8Array(0) }],
  ['garbage', 'CRL_INVALID', { der: () => new Uint8Array(64).fill(0x30) }],
  ['in-pem', 'CRL_INVALID', { der: (der) => utf8(pem(der, 'X509 CRL')) }],
  ['long-length', 'CRL_INVALID', { der: withLongLength }],
  ['tbs-long-length', 'CRL_INVALID', { tbs: withLongLength }],
  ['indefinite-length', 'CRL_INVALID', { der: withIndefiniteLength }],
]

const ACCEPTED: readonly (readonly [string, string, CrlChange])[] = [
  ['begins-now', 'thisUpdate belongs to its time', changed(() => ({ thisUpdate: seconds(0) }))],
  ['high-s', 'both forms are valid', { signature: 'high-s' }],
  ['low-s', 'both forms are valid', { signature: 'low-s' }],
  ['of-another', 'an entry that is nobody’s here', withEntry(ENTRY)],
  [
    'entry-extension',
    'a reason that is not critical',
    withEntry({
      ...ENTRY,
      extensions: [{ oid: '2.5.29.21', critical: false, value: Uint8Array.of(0x0a, 1, 1) }],
    }),
  ],
]

export const crlForm: CaseArea = {
  area: 'revocation lists: dates, issuer, signature, encoding',
  cases: [...LISTS.flatMap(casesOf), ...misplaced()],
}

function casesOf(list: (typeof LISTS)[number]): readonly ForgeCase[] {
  const name = list === 'rootCrl' ? 'root-crl' : 'pck-crl'
  const why = 'a list that does not hold would mean that nothing is revoked (attack B1)'
  return [
    ...REFUSED.map(([id, code, change]) =>
      refused(`${name}-${id}`, why, { [list]: change }, { 'pck-revocation': code }),
    ),
    ...ACCEPTED.map(([id, because, change]) =>
      accepted(`${name}-${id}`, because, { [list]: change }),
    ),
  ]
}

function misplaced(): readonly ForgeCase[] {
  const mismatch = { 'pck-revocation': 'CRL_ISSUER_MISMATCH' } as const
  const why = 'a list in the place of another'
  const usual: Forgery = {}
  return [
    refused('crls-swapped', why, usual, mismatch, {
      bundle: (bundle) => ({
        ...bundle,
        root_ca_crl: bundle.pck_crl,
        pck_crl: bundle.root_ca_crl,
      }),
    }),
    refused('root-crl-for-both', why, usual, mismatch, {
      bundle: (bundle) => ({ ...bundle, pck_crl: bundle.root_ca_crl }),
    }),
    refused('pck-crl-for-both', why, usual, mismatch, {
      bundle: (bundle) => ({ ...bundle, root_ca_crl: bundle.pck_crl }),
    }),
  ]
}
