import {
  chainOf,
  nameOf,
  type CrlChange,
  type ForgedPki,
  type Forgery,
} from '@jeju/simulator/forge'
import type { CheckFailureCode } from '@jeju/verifier'
import { accepted, days, refused, seconds, type CaseArea, type ForgeCase } from '../forge-case.ts'

/** Who is revoked, and by whose list. */

type Revocable = 'leaf' | 'intermediate' | 'signer'

function revoking(name: Revocable, date: Date = seconds(-3600)): CrlChange {
  return {
    fields: (fields, pki) => ({ ...fields, entries: [{ serial: pki[name].fields.serial, date }] }),
  }
}

export const revocation: CaseArea = {
  area: 'revocation',
  cases: [...revoked(), ...issuerChain()],
}

function revoked(): readonly ForgeCase[] {
  const leaf = { 'pck-revocation': 'PCK_REVOKED' } as const
  const signer = {
    'tcb-info': 'COLLATERAL_SIGNER_REVOKED',
    'qe-identity': 'COLLATERAL_SIGNER_REVOKED',
  } as const
  const scope = 'serial numbers are scoped to their issuer'
  const counts = 'an entry counts whatever its date'
  return [
    refused('leaf-revoked', 'the platform lost its key', { pckCrl: revoking('leaf') }, leaf),
    refused('leaf-revoked-in-future', counts, { pckCrl: revoking('leaf', days(9)) }, leaf),
    refused('leaf-revoked-long-ago', counts, { pckCrl: revoking('leaf', days(-9999)) }, leaf),
    refused(
      'leaf-revoked-among-others',
      'an entry counts wherever it stands',
      {
        pckCrl: {
          fields: (fields, pki) => ({
            ...fields,
            entries: [[1], [2, 3], [4, 5, 6]]
              .map((serial): Uint8Array => Uint8Array.from(serial))
              .toSpliced(2, 0, pki.leaf.fields.serial)
              .map((serial) => ({ serial, date: seconds(-3600) })),
          }),
        },
      },
      leaf,
    ),
    refused(
      'leaf-revoked-then-removed',
      'removeFromCRL has its meaning in delta lists only',
      {
        pckCrl: {
          fields: (fields, pki) => ({
            ...fields,
            entries: [
              {
                serial: pki.leaf.fields.serial,
                date: seconds(-3600),
                extensions: [
                  { oid: '2.5.29.21', critical: false, value: Uint8Array.of(0x0a, 1, 8) },
                ],
              },
            ],
          }),
        },
      },
      leaf,
    ),
    refused(
      'intermediate-revoked',
      'a PCK CA lost its key',
      { rootCrl: revoking('intermediate') },
      { 'pck-revocation': 'PCK_CA_REVOKED' },
    ),
    refused('signer-revoked', 'collateral by a lost key', { rootCrl: revoking('signer') }, signer),
    refused('signer-revoked-in-future', counts, { rootCrl: revoking('signer', days(9)) }, signer),
    accepted('leaf-in-root-crl', scope, { rootCrl: revoking('leaf') }),
    accepted('intermediate-in-pck-crl', scope, { pckCrl: revoking('intermediate') }),
    accepted('signer-in-pck-crl', scope, { pckCrl: revoking('signer') }),
  ]
}

function issuerChain(): readonly ForgeCase[] {
  const chain = (text: (pki: ForgedPki) => string): Forgery => ({ chains: { pckCrl: text } })
  const shape = 'PCK CA and root, in this order'
  const rows: readonly (readonly [string, string, CheckFailureCode, Forgery])[] = [
    ['empty', shape, 'PCK_CHAIN_INVALID', chain(() => '')],
    ['without-root', shape, 'PCK_CHAIN_INVALID', chain((pki) => chainOf(pki, 'intermediate'))],
    [
      'three',
      shape,
      'PCK_CHAIN_INVALID',
      chain((pki) => chainOf(pki, 'leaf', 'intermediate', 'root')),
    ],
    ['order', shape, 'PCK_CHAIN_UNTRUSTED', chain((pki) => chainOf(pki, 'root', 'intermediate'))],
    [
      'leaf',
      'a PCK leaf issues no lists',
      'PCK_CERT_INVALID',
      chain((pki) => chainOf(pki, 'leaf', 'root')),
    ],
    [
      'signer',
      'nor does who signs collateral',
      'PCK_CERT_INVALID',
      chain((pki) => chainOf(pki, 'signer', 'root')),
    ],
    [
      'root-twice',
      'nor the root, for PCK certificates',
      'PCK_CERT_INVALID',
      chain((pki) => chainOf(pki, 'root', 'root')),
    ],
  ]
  const ofOther = (id: string, why: string, code: CheckFailureCode, other: Forgery): ForgeCase =>
    refused(
      `pck-crl-chain-${id}`,
      why,
      {},
      { 'pck-revocation': code },
      {
        bundle: (bundle, forge) => {
          const { pck_crl_issuer_chain, pck_crl } = forge.make(other).bundle
          return { ...bundle, pck_crl_issuer_chain, pck_crl }
        },
      },
    )
  return [
    ...rows.map(([id, why, code, forgery]) =>
      refused(`pck-crl-chain-${id}`, why, forgery, { 'pck-revocation': code }),
    ),
    ofOther('of-attacker', 'a PKI of one’s own', 'PCK_CHAIN_UNTRUSTED', {
      certificates: { root: { key: 'attacker' }, intermediate: { key: 'attacker' } },
    }),
    ofOther('ca-of-attacker', 'a CA of one’s own under the root', 'PCK_SIGNATURE_INVALID', {
      certificates: { intermediate: { key: 'attacker', signedBy: 'attacker' } },
    }),
    ofOther('ca-expired', 'each certificate must be valid', 'PCK_CERT_EXPIRED', {
      certificates: {
        intermediate: { fields: (fields) => ({ ...fields, notAfter: seconds(-1) }) },
      },
    }),
    ofOther('processor-ca', 'the list of the other PCK CA', 'CRL_ISSUER_MISMATCH', {
      certificates: {
        intermediate: {
          fields: (fields) => ({ ...fields, subject: nameOf('Intel SGX PCK Processor CA') }),
        },
      },
    }),
  ]
}
