import type { Forgery, QuoteLayout } from '@jeju/simulator/forge'
import { accepted, thrown, UP_TO_DATE, type CaseArea, type ForgeCase } from '../forge-case.ts'

/** Header and version 5 descriptor. Everything is signed, so only the parser can object. */

const VERSIONS = [0, 1, 2, 3, 6, 0xffff]
const KEY_TYPES = [0, 1, 3, 0xffff]
const TEE_TYPES = [0, 0x80, 0x82, 0x0100_0081]

const vendorId = new Uint8Array(16).fill(0x11)

export const quoteHeader: CaseArea = {
  area: 'quote header and body descriptor',
  cases: [
    accepted('genuine-v4', 'the base of all others', {}),
    accepted(
      'genuine-v5',
      'TD report of TDX 1.5 in version 5',
      { quote: { layout: 'v5' } },
      { current: UP_TO_DATE },
    ),
    accepted('genuine-v5-td10', 'TD report of TDX 1.0 in version 5', {
      quote: { layout: 'v5-td10' },
    }),
    ...VERSIONS.map((version) =>
      thrown(
        `version-${version}`,
        '3 is SGX, the others do not exist',
        { quote: { header: { version } } },
        'QUOTE_VERSION_UNSUPPORTED',
      ),
    ),
    thrown(
      'version-4-over-v5',
      'read as version 4, the length of the auth data would lie in REPORTDATA',
      { quote: { layout: 'v5', header: { version: 4 } } },
      'INPUT_TRUNCATED',
    ),
    thrown(
      'version-5-over-v4',
      'read as version 5, TEE_TCB_SVN would be the descriptor',
      { quote: { header: { version: 5 } } },
      'QUOTE_BODY_UNSUPPORTED',
    ),
    ...KEY_TYPES.map((attestationKeyType) =>
      thrown(
        `key-type-${attestationKeyType}`,
        'only ECDSA P-256 is quoted with; 3 is P-384, which nobody uses',
        { quote: { header: { attestationKeyType } } },
        'QUOTE_KEY_TYPE_UNSUPPORTED',
      ),
    ),
    ...TEE_TYPES.map((teeType) =>
      thrown(
        `tee-type-${teeType.toString(16)}`,
        'only 0x81 is TDX; all four bytes count',
        { quote: { header: { teeType } } },
        'QUOTE_TEE_TYPE_UNSUPPORTED',
      ),
    ),
    thrown(
      'vendor-changed',
      'another quoting enclave than that of Intel',
      { quote: { header: { vendorId } } },
      'QUOTE_VENDOR_UNKNOWN',
    ),
    thrown(
      'vendor-zero',
      'no vendor is not the vendor',
      { quote: { header: { vendorId: new Uint8Array(16) } } },
      'QUOTE_VENDOR_UNKNOWN',
    ),
    accepted('header-reserved', 'bytes 8 to 11 held SVNs in version 3, and say nothing now', {
      quote: { header: { reserved: Uint8Array.of(1, 2, 3, 4) } },
    }),
    accepted('header-user-data', 'user data names the machine and decides nothing', {
      quote: { header: { userData: new Uint8Array(20).fill(0xee) } },
    }),
    ...descriptors(),
  ],
}

function descriptors(): readonly ForgeCase[] {
  const described = (layout: QuoteLayout, type: number, size?: number): Forgery => ({
    quote: { layout, descriptor: { type, ...(size !== undefined && { size }) } },
  })
  const types = [0, 1, 4, 5, 0xffff].map((type) =>
    thrown(
      `v5-type-${type}`,
      'neither TDX 1.0 nor 1.5',
      described('v5', type),
      'QUOTE_BODY_UNSUPPORTED',
    ),
  )
  const sizes = [0, 584, 647, 649, 0xffff_ffff].map((size) =>
    thrown(
      `v5-type-3-size-${size}`,
      'the size is that of the type, or the body is another',
      described('v5', 3, size),
      'QUOTE_LENGTH_MISMATCH',
    ),
  )
  return [
    ...types,
    ...sizes,
    thrown(
      'v5-type-2-size-648',
      'a report of TDX 1.5 that says it is one of 1.0',
      described('v5', 2),
      'QUOTE_LENGTH_MISMATCH',
    ),
    thrown(
      'v5-type-3-td10',
      'a report of TDX 1.0 that says it is one of 1.5',
      described('v5-td10', 3),
      'QUOTE_LENGTH_MISMATCH',
    ),
    thrown(
      'v5-sgx-report',
      'an SGX report under the TEE type of TDX',
      {
        quote: {
          layout: 'v5',
          descriptor: { type: 1 },
          bodyBytes: (body) => body.subarray(0, 384),
        },
      },
      'QUOTE_BODY_UNSUPPORTED',
    ),
    thrown(
      'v5-td10-body-648',
      'type and size say 1.0, 64 more bytes are signed',
      { quote: { layout: 'v5', descriptor: { type: 2, size: 584 } } },
      'INPUT_TRUNCATED',
    ),
  ]
}
