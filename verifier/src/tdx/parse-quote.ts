import { equalBytes } from '../bytes/bytes.ts'
import { fromBareHex } from '../bytes/hex.ts'
import { VerifierError } from '../errors.ts'
import { Cursor } from '../bytes/cursor.ts'
import type { QeReport, Quote, QuoteHeader, QuoteSignature, TdReport } from './quote.ts'

/** Largest input read as a quote, padding included. */
export const MAX_QUOTE_BYTES: number = 1024 * 1024
/** Quotes travel in buffers longer than themselves; what follows must be zeros, and no more than this. */
export const MAX_PADDING_BYTES: number = 64 * 1024
/** A PEM chain of three certificates is about 4 KiB. */
export const MAX_PCK_CHAIN_BYTES: number = 16 * 1024

const HEADER_BYTES = 48
const DESCRIPTOR_BYTES = 6
const TD10_REPORT_BYTES = 584
const TD15_REPORT_BYTES = 648
/** Version 5 body types (A.3.2): 1 is SGX, 4 the partitioned TDs no machine quotes yet. */
const BODY_TYPE_TD10 = 2
const BODY_TYPE_TD15 = 3
const SGX_REPORT_BYTES = 384

const TEE_TYPE_TDX = 0x81
const KEY_TYPE_ECDSA_P256 = 2
const CERT_TYPE_QE_REPORT = 6
const CERT_TYPE_PCK_CHAIN_PEM = 5
const INTEL_QE_VENDOR_ID = fromBareHex('939a7233f79c4ca9940a0db3957f0607')

/** How a quote's bytes end. */
export interface ParseQuoteOptions {
  /** `zeros` (default): the padding of the buffers quotes travel in. `none`: the quote fills the input. */
  readonly trailing?: 'zeros' | 'none'
}

/**
 * Reads a version 4 or 5 TDX quote: every length checked, nothing interpreted by a string beside it (attack A9).
 * @throws VerifierError `QUOTE_*`, `INPUT_*`
 */
export function parseQuote(
  input: Uint8Array,
  { trailing = 'zeros' }: ParseQuoteOptions = {},
): Quote {
  if (input.length > MAX_QUOTE_BYTES) {
    throw new VerifierError(
      'QUOTE_TOO_LARGE',
      `quote: expected at most ${MAX_QUOTE_BYTES} bytes, got ${input.length}`,
    )
  }
  const at = new Cursor(input, 'quote')
  const header = parseHeader(at.bytes(0, HEADER_BYTES, 'header'))
  const bodyBytes = header.version === 4 ? TD10_REPORT_BYTES : parseDescriptor(at)
  const body = parseTdReport(at.bytes(at.offset, bodyBytes, 'body'))
  const signedBytes = input.subarray(0, at.offset)
  const signatureLength = at.uint32(at.offset, 'auth_data_size')
  const signature = parseSignature(at.bytes(at.offset, signatureLength, 'auth_data'))
  checkPadding(at.rest('padding'), trailing === 'none' ? 0 : MAX_PADDING_BYTES)
  return { version: header.version, header: header.fields, body, signedBytes, signature }
}

/** Version 5: type and size of the body, which must agree (A.3.2). Gives the size. */
function parseDescriptor(quote: Cursor): number {
  const at = new Cursor(
    quote.bytes(HEADER_BYTES, DESCRIPTOR_BYTES, 'body_descriptor'),
    'quote.body',
  )
  const type = at.uint16(0, 'type')
  const size = at.uint32(2, 'size')
  if (type !== BODY_TYPE_TD10 && type !== BODY_TYPE_TD15) {
    throw unsupported('QUOTE_BODY_UNSUPPORTED', 'quote.body.type', '2 or 3', type)
  }
  const expected = type === BODY_TYPE_TD10 ? TD10_REPORT_BYTES : TD15_REPORT_BYTES
  if (size !== expected) {
    const message = `quote.body.size: expected ${expected} for type ${type}, got ${size}`
    throw new VerifierError('QUOTE_LENGTH_MISMATCH', message)
  }
  return size
}

function parseHeader(input: Uint8Array): {
  readonly version: 4 | 5
  readonly fields: QuoteHeader
} {
  const at = new Cursor(input, 'quote.header')
  const version = at.uint16(0, 'version')
  if (version !== 4 && version !== 5) {
    throw unsupported('QUOTE_VERSION_UNSUPPORTED', 'quote.header.version', '4 or 5', version)
  }
  const attestationKeyType = at.uint16(2, 'att_key_type')
  const teeType = at.uint32(4, 'tee_type')
  at.bytes(8, 4, 'reserved') // zero in the field, and not a reason to reject
  const qeVendorId = at.bytes(12, 16, 'qe_vendor_id')
  const userData = at.bytes(28, 20, 'user_data')
  at.end()
  if (teeType !== TEE_TYPE_TDX) {
    throw unsupported('QUOTE_TEE_TYPE_UNSUPPORTED', 'quote.header.tee_type', '0x81', teeType)
  }
  if (attestationKeyType !== KEY_TYPE_ECDSA_P256) {
    const place = 'quote.header.att_key_type'
    throw unsupported('QUOTE_KEY_TYPE_UNSUPPORTED', place, '2', attestationKeyType)
  }
  if (!equalBytes(qeVendorId, INTEL_QE_VENDOR_ID)) {
    throw new VerifierError('QUOTE_VENDOR_UNKNOWN', 'quote.header.qe_vendor_id: not that of Intel')
  }
  return { version, fields: { attestationKeyType, teeType, qeVendorId, userData } }
}

function parseTdReport(input: Uint8Array): TdReport {
  const at = new Cursor(input, 'quote.body')
  const report = {
    teeTcbSvn: at.bytes(0, 16, 'tee_tcb_svn'),
    mrSeam: at.bytes(16, 48, 'mr_seam'),
    mrSignerSeam: at.bytes(64, 48, 'mr_signer_seam'),
    seamAttributes: at.bytes(112, 8, 'seam_attributes'),
    tdAttributes: at.bytes(120, 8, 'td_attributes'),
    xfam: at.bytes(128, 8, 'xfam'),
    mrTd: at.bytes(136, 48, 'mr_td'),
    mrConfigId: at.bytes(184, 48, 'mr_config_id'),
    mrOwner: at.bytes(232, 48, 'mr_owner'),
    mrOwnerConfig: at.bytes(280, 48, 'mr_owner_config'),
    rtmrs: [
      at.bytes(328, 48, 'rtmr0'),
      at.bytes(376, 48, 'rtmr1'),
      at.bytes(424, 48, 'rtmr2'),
      at.bytes(472, 48, 'rtmr3'),
    ],
    reportData: at.bytes(520, 64, 'report_data'),
    td15:
      input.length === TD10_REPORT_BYTES
        ? undefined
        : {
            teeTcbSvn2: at.bytes(584, 16, 'tee_tcb_svn_2'),
            mrServiceTd: at.bytes(600, 48, 'mr_service_td'),
          },
  } as const
  at.end()
  return report
}

function parseSignature(input: Uint8Array): QuoteSignature {
  const at = new Cursor(input, 'quote.auth_data')
  const quoteSignature = at.bytes(0, 64, 'quote_signature')
  const attestationKey = at.bytes(64, 64, 'attestation_key')
  expectCertType(at.uint16(128, 'cert_type'), CERT_TYPE_QE_REPORT, 'quote.auth_data.cert_type')
  const outer = certificationData(at, at.uint32(130, 'cert_size'), 'cert_data')

  const certification = new Cursor(outer, 'quote.qe_certification')
  const qeReport = parseQeReport(certification.bytes(0, SGX_REPORT_BYTES, 'qe_report'))
  const qeReportSignature = certification.bytes(384, 64, 'qe_report_signature')
  const qeAuthLength = certification.uint16(448, 'qe_auth_size')
  const qeAuthData = certification.bytes(450, qeAuthLength, 'qe_auth_data')
  const innerType = certification.uint16(certification.offset, 'cert_type')
  expectCertType(innerType, CERT_TYPE_PCK_CHAIN_PEM, 'quote.qe_certification.cert_type')
  const innerLength = certification.uint32(certification.offset, 'cert_size')
  const pckChainPem = certificationData(certification, innerLength, 'cert_data')
  if (pckChainPem.length > MAX_PCK_CHAIN_BYTES) {
    throw new VerifierError(
      'QUOTE_TOO_LARGE',
      `quote.qe_certification.cert_data: expected at most ${MAX_PCK_CHAIN_BYTES} bytes`,
    )
  }
  return {
    quoteSignature,
    attestationKey,
    qeReport,
    qeReportSignature,
    qeAuthData,
    pckChainPem,
  }
}

function parseQeReport(input: Uint8Array): QeReport {
  const at = new Cursor(input, 'quote.qe_report')
  at.bytes(0, 16, 'cpu_svn')
  const miscSelect = at.bytes(16, 4, 'misc_select')
  at.bytes(20, 28, 'reserved')
  const attributes = at.bytes(48, 16, 'attributes')
  at.bytes(64, 64, 'mr_enclave, reserved')
  const mrSigner = at.bytes(128, 32, 'mr_signer')
  at.bytes(160, 96, 'reserved')
  const isvProdId = at.uint16(256, 'isv_prod_id')
  const isvSvn = at.uint16(258, 'isv_svn')
  at.bytes(260, 60, 'reserved')
  const reportData = at.bytes(320, 64, 'report_data')
  at.end()
  return { raw: input, miscSelect, attributes, mrSigner, isvProdId, isvSvn, reportData }
}

/** Certification data must fill what holds it: a shorter length would hide bytes from the checks. */
function certificationData(at: Cursor, length: number, field: string): Uint8Array {
  if (length !== at.remaining) {
    throw new VerifierError(
      'QUOTE_LENGTH_MISMATCH',
      `quote.${field}: stated ${length} bytes, present ${at.remaining}`,
    )
  }
  return at.rest(field)
}

function expectCertType(actual: number, expected: number, place: string): void {
  if (actual !== expected) {
    throw unsupported('QUOTE_CERT_DATA_UNSUPPORTED', place, String(expected), actual)
  }
}

function checkPadding(padding: Uint8Array, limit: number): void {
  if (padding.length > limit || padding.some((byte) => byte !== 0)) {
    throw new VerifierError(
      'INPUT_TRAILING',
      `quote: expected at most ${limit} zero bytes behind the signature`,
    )
  }
}

function unsupported(
  code:
    | 'QUOTE_VERSION_UNSUPPORTED'
    | 'QUOTE_TEE_TYPE_UNSUPPORTED'
    | 'QUOTE_BODY_UNSUPPORTED'
    | 'QUOTE_KEY_TYPE_UNSUPPORTED'
    | 'QUOTE_CERT_DATA_UNSUPPORTED',
  place: string,
  expected: string,
  actual: number,
): VerifierError {
  return new VerifierError(code, `${place}: expected ${expected}, got ${actual}`)
}
