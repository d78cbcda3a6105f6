import type { Bundle, Forge, Forgery } from '@jeju/simulator/forge'
import { accepted, refused, seconds, type CaseArea } from '../forge-case.ts'

/** Two certificates in one role: as when an authority or a signer was issued anew. */

type Change = (bundle: Bundle, forge: Forge) => unknown

/** The PCK CA with the same name and key in another certificate, as there were two of Intel's. */
const REISSUED: Forgery = {
  certificates: {
    intermediate: { fields: (fields) => ({ ...fields, serial: Uint8Array.of(0x12) }) },
  },
}
/** Another TCB Signing certificate of the same root. */
const SECOND_SIGNER: Forgery = {
  certificates: {
    signer: { key: 'attacker', fields: (fields) => ({ ...fields, serial: Uint8Array.of(0x13) }) },
  },
}

const reissuedCa: Change = (bundle, forge) => {
  const { pck_crl_issuer_chain } = forge.make(REISSUED).bundle
  return { ...bundle, pck_crl_issuer_chain }
}

const secondSigner: Change = (bundle, forge) => {
  const other = forge.make(SECOND_SIGNER).bundle
  const { qe_identity_issuer_chain, qe_identity, qe_identity_signature } = other
  return { ...bundle, qe_identity_issuer_chain, qe_identity, qe_identity_signature }
}

function revoked(...serial: readonly number[]): Forgery {
  const entries = [{ serial: Uint8Array.from(serial), date: seconds(-3600) }]
  return { rootCrl: { fields: (fields) => ({ ...fields, entries }) } }
}

const HIGH_SERIAL = Uint8Array.of(0x00, 0xff, ...new Uint8Array(18).fill(7))
const CA_REVOKED = { 'pck-revocation': 'PCK_CA_REVOKED' } as const

export const twoIssuers: CaseArea = {
  area: 'certificates issued anew',
  cases: [
    accepted(
      'ca-reissued',
      'the list comes with the newer certificate of the same PCK CA',
      {},
      {},
      { bundle: reissuedCa },
    ),
    refused('ca-reissued-new-revoked', 'the one beside the list', revoked(0x12), CA_REVOKED, {
      bundle: reissuedCa,
    }),
    refused(
      'ca-reissued-old-revoked',
      'the one in the quote',
      {
        rootCrl: {
          fields: (fields, { intermediate }) => ({
            ...fields,
            entries: [{ serial: intermediate.fields.serial, date: seconds(-3600) }],
          }),
        },
      },
      CA_REVOKED,
      { bundle: reissuedCa },
    ),
    accepted(
      'two-signers',
      'each document by a signer of its own',
      {},
      {},
      {
        bundle: secondSigner,
      },
    ),
    refused(
      'two-signers-one-revoked',
      'the other one signs on',
      revoked(0x13),
      { 'qe-identity': 'COLLATERAL_SIGNER_REVOKED' },
      { bundle: secondSigner },
    ),
    refused(
      'leaf-revoked-high-serial',
      'a serial number whose first bit is set, with its sign byte in both places',
      {
        certificates: { leaf: { fields: (fields) => ({ ...fields, serial: HIGH_SERIAL }) } },
        pckCrl: {
          fields: (fields) => ({
            ...fields,
            entries: [{ serial: HIGH_SERIAL, date: seconds(-3600) }],
          }),
        },
      },
      { 'pck-revocation': 'PCK_REVOKED' },
    ),
  ],
}
