import { concatBytes } from '@jeju/verifier/protocol'
import { accepted, OLD_QE, refused, type CaseArea } from '../forge-case.ts'

/** What the quoting enclave says of itself and of the attestation key; always signed by the PCK leaf. */

const BINDING = { 'qe-report-binding': 'QE_REPORT_DATA_MISMATCH' } as const
const IDENTITY = { 'qe-identity': 'QE_IDENTITY_MISMATCH' } as const

function attributes(...first: readonly number[]): Uint8Array {
  return Uint8Array.from({ length: 16 }, (_, index) => first[index] ?? 0)
}

export const qeReport: CaseArea = {
  area: 'QE report and its binding',
  cases: [
    ...[0, 1, 31, 33, 1024, 65_535].map((length) =>
      accepted(`qe-auth-${length}-bytes`, 'the hash runs over all of it, whatever its length', {
        quote: { qeAuth: new Uint8Array(length).fill(0x7a) },
      }),
    ),
    refused(
      'binding-first-32-of-40',
      'eight bytes of the auth data are bound by nothing',
      {
        quote: {
          qeAuth: new Uint8Array(40).fill(0x7a),
          bound: (key, auth) => concatBytes(key, auth.subarray(0, 32)),
        },
      },
      BINDING,
    ),
    refused(
      'binding-zero-padded',
      'ten bytes hashed as if they were 32',
      {
        quote: {
          qeAuth: new Uint8Array(10).fill(0x7a),
          bound: (key, auth) => concatBytes(key, auth, new Uint8Array(22)),
        },
      },
      BINDING,
    ),
    refused('binding-key-alone', 'auth data left out', { quote: { bound: (key) => key } }, BINDING),
    refused(
      'binding-auth-alone',
      'attestation key left out',
      { quote: { bound: (_key, auth) => auth } },
      BINDING,
    ),
    refused(
      'binding-reversed',
      'auth data before the key',
      { quote: { bound: (key, auth) => concatBytes(auth, key) } },
      BINDING,
    ),
    refused(
      'binding-uncompressed-point',
      'the key with the tag of its encoding',
      { quote: { bound: (key, auth) => concatBytes(Uint8Array.of(4), key, auth) } },
      BINDING,
    ),
    refused(
      'binding-tail',
      'the second half of REPORTDATA is zero',
      { quote: { qeReport: { reportDataTail: new Uint8Array(32).fill(1) } } },
      BINDING,
    ),
    refused(
      'qe-debug',
      'whoever runs it reads the keys of a debug enclave',
      { quote: { qeReport: { attributes: attributes(0x13) } } },
      { 'qe-report-signature': 'QE_DEBUG', ...IDENTITY },
    ),
    refused(
      'qe-debug-let-pass',
      'an identity whose mask leaves the debug bit out',
      {
        quote: { qeReport: { attributes: attributes(0x13) } },
        qeIdentity: {
          value: (identity) => ({
            ...identity,
            attributesMask: 'F9FFFFFFFFFFFFFF0000000000000000',
          }),
        },
      },
      { 'qe-report-signature': 'QE_DEBUG' },
    ),
    refused(
      'qe-other-signer',
      'an enclave of somebody else',
      { quote: { qeReport: { mrSigner: new Uint8Array(32).fill(0x45) } } },
      IDENTITY,
    ),
    ...[0, 1, 0x0200, 0x0102].map((isvProdId) =>
      refused(
        `qe-isv-prod-id-${isvProdId}`,
        'another enclave of the same signer',
        { quote: { qeReport: { isvProdId } } },
        IDENTITY,
      ),
    ),
    refused(
      'qe-misc-select',
      'MISCSELECT away from the identity',
      { quote: { qeReport: { miscSelect: Uint8Array.of(1, 0, 0, 0) } } },
      IDENTITY,
    ),
    refused(
      'qe-attributes',
      'no PROVISION_KEY',
      { quote: { qeReport: { attributes: attributes(0x01) } } },
      IDENTITY,
    ),
    accepted('qe-attributes-outside-mask', 'bit 2 and XFRM lie outside the mask', {
      quote: { qeReport: { attributes: attributes(0x15, 0, 0, 0, 0, 0, 0, 0, 0xe7, 3) } },
    }),
    accepted('qe-undecided-fields', 'CPUSVN, MRENCLAVE and reserved bytes decide nothing', {
      quote: {
        qeReport: {
          cpuSvn: new Uint8Array(16).fill(9),
          mrEnclave: new Uint8Array(32).fill(9),
          reserved: new Uint8Array(28).fill(9),
        },
      },
    }),
    accepted('qe-isv-svn-65535', 'newer than the newest level', {
      quote: { qeReport: { isvSvn: 0xffff } },
    }),
    accepted('qe-isv-svn-3', 'between two levels', { quote: { qeReport: { isvSvn: 3 } } }, OLD_QE),
    refused(
      'qe-isv-svn-1',
      'older than the oldest level: no status, so no acceptance',
      { quote: { qeReport: { isvSvn: 1 } } },
      { 'tcb-status': 'QE_TCB_NOT_SUPPORTED' },
    ),
  ],
}
