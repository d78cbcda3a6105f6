import type { ForgedSignature } from '@jeju/simulator/forge'
import { accepted, refused, type CaseArea, type ForgeCase } from '../forge-case.ts'

/** Signature values, keys that do not belong, and bits flipped after signing. */

const VALID: readonly ForgedSignature[] = ['low-s', 'high-s']
const INVALID: readonly ForgedSignature[] = [
  'flipped',
  'zero',
  'r-zero',
  's-zero',
  'r-order',
  's-order',
  'ones',
]
const QUOTE_SIGNATURE = { 'quote-signature': 'QUOTE_SIGNATURE_INVALID' } as const
const QE_SIGNATURE = { 'qe-report-signature': 'QE_REPORT_SIGNATURE_INVALID' } as const
const BINDING = { 'qe-report-binding': 'QE_REPORT_DATA_MISMATCH' } as const

export const quoteSignatures: CaseArea = {
  area: 'signatures of quote and QE report',
  cases: [
    ...VALID.flatMap((form) => [
      accepted(`quote-signature-${form}`, 'half of all genuine signatures are high-s', {
        quote: { quoteSignature: form },
      }),
      accepted(`qe-report-signature-${form}`, 'half of all genuine signatures are high-s', {
        quote: { qeReportSignature: form },
      }),
    ]),
    ...INVALID.flatMap((form) => [
      refused(
        `quote-signature-${form}`,
        'no signature has this value',
        { quote: { quoteSignature: form } },
        QUOTE_SIGNATURE,
      ),
      refused(
        `qe-report-signature-${form}`,
        'no signature has this value',
        { quote: { qeReportSignature: form } },
        QE_SIGNATURE,
      ),
    ]),
    ...keys(),
    ...flips(),
  ],
}

function keys(): readonly ForgeCase[] {
  const offCurve = new Uint8Array(64).fill(0x01)
  return [
    refused(
      'attestation-key-zero',
      'the point at infinity signs everything in careless code',
      { quote: { attestationKey: new Uint8Array(64) } },
      QUOTE_SIGNATURE,
    ),
    refused(
      'attestation-key-off-curve',
      'a point of another curve',
      { quote: { attestationKey: offCurve } },
      QUOTE_SIGNATURE,
    ),
    refused(
      'attestation-key-all-ones',
      'coordinates beyond the field',
      { quote: { attestationKey: new Uint8Array(64).fill(0xff) } },
      QUOTE_SIGNATURE,
    ),
    refused(
      'attestation-key-of-another',
      'the key that stands there did not sign',
      { quote: { attestationKey: 'attacker' } },
      QUOTE_SIGNATURE,
    ),
    refused(
      'attestation-key-unbound',
      'a key of one’s own, under the QE report of a genuine one (attack B9)',
      { quote: { signedBy: 'attacker', named: 'attestation' } },
      BINDING,
    ),
    refused(
      'qe-report-by-attacker',
      'a key of one’s own, in a QE report of one’s own',
      { quote: { signedBy: 'attacker', qeReportSignedBy: 'attacker' } },
      QE_SIGNATURE,
    ),
    refused(
      'qe-report-by-intermediate',
      'only the PCK leaf certifies attestation keys',
      { quote: { qeReportSignedBy: 'intermediate' } },
      QE_SIGNATURE,
    ),
    refused(
      'qe-report-by-attestation-key',
      'a QE report that certifies itself',
      { quote: { qeReportSignedBy: 'attestation' } },
      QE_SIGNATURE,
    ),
  ]
}

function flips(): readonly ForgeCase[] {
  const rows = [
    ['header', 28, QUOTE_SIGNATURE],
    ['td-attributes', 48 + 120, QUOTE_SIGNATURE],
    ['rtmr3', 48 + 472, QUOTE_SIGNATURE],
    ['report-data', 48 + 583, QUOTE_SIGNATURE],
    ['quote-signature', 636, QUOTE_SIGNATURE],
    ['attestation-key', 700, { ...QUOTE_SIGNATURE, ...BINDING }],
    ['qe-cpu-svn', 770, QE_SIGNATURE],
    ['qe-mr-enclave', 770 + 64, QE_SIGNATURE],
    ['qe-report-data', 770 + 320, { ...BINDING, ...QE_SIGNATURE }],
    ['qe-report-signature', 1154, QE_SIGNATURE],
    ['qe-auth', 1220, BINDING],
  ] as const
  return rows.map(([id, offset, objections]) =>
    refused(
      `flip-${id}`,
      'one bit that was signed otherwise',
      {
        quote: {
          bytes: (quote) => {
            const changed = quote.slice()
            changed[offset] = (changed[offset] ?? 0) ^ 0x01
            return changed
          },
        },
      },
      objections,
    ),
  )
}
