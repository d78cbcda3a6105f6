import { concatBytes, toHex } from '@jeju/verifier/protocol'
import { DcapError } from './dcap-error.ts'

/** A quote in the form the chain takes, and what was cut off it. */
export interface ChainQuote {
  /** Cut just before the inner certification data (1,252 bytes for version 4). */
  readonly trimmed: Uint8Array
  /** Up to and including the attestation key, which it ends with (764 bytes for version 4). */
  readonly report: Uint8Array
  /** PCK certificate, CA, root. */
  readonly pckChainPem: string
  readonly measurements: QuoteMeasurements
}

/** What an allow-list entry is about, as bytes of the quote. */
export interface QuoteMeasurements {
  /** TDATTRIBUTES to RTMR2 without MRCONFIGID; its keccak256 is the image id. */
  readonly image: Uint8Array
  /** Of MRCONFIGID version 1; undefined for any other. */
  readonly composeHash: Uint8Array | undefined
  readonly rtmr3: Uint8Array
  /** Undefined where it is all zeros, or the report is of TDX 1.0. */
  readonly mrServiceTd: Uint8Array | undefined
}

/** First byte of the body and of the signature data, by layout. */
const LAYOUTS = {
  v4: { body: 48, signature: 636 },
  v5td10: { body: 54, signature: 642 },
  v5td15: { body: 54, signature: 706 },
} as const

/** Behind the signature and the key that made it. */
const CERTIFICATION_TYPE = 128
const AUTH_LENGTH = 582
const AUTH_DATA = 584
const QE_REPORT_CERTIFICATION = 6
const PCK_CHAIN_CERTIFICATION = 5
const MAX_AUTH_BYTES = 1024
const MAX_CHAIN_BYTES = 64 * 1024

/**
 * Reads where things are in a quote of version 4 or 5 and cuts it (Intel TDX DCAP Quoting Library API, A.3 and A.4).
 * What follows the PEM chain is let be. Nothing is verified: the chain does that.
 * @throws DcapError `QUOTE_INVALID`
 */
export function readQuote(quote: Uint8Array): ChainQuote {
  const { body, signature, isTd15 } = layoutOf(quote)
  atLeast(quote, signature + AUTH_DATA)
  const type = uint16(quote, signature + CERTIFICATION_TYPE)
  if (type !== QE_REPORT_CERTIFICATION) {
    throw invalid(`certification data type: expected ${QE_REPORT_CERTIFICATION}, got ${type}`)
  }
  const authBytes = uint16(quote, signature + AUTH_LENGTH)
  if (authBytes > MAX_AUTH_BYTES) {
    throw invalid(`auth data: expected at most ${MAX_AUTH_BYTES} bytes, got ${authBytes}`)
  }
  const end = signature + AUTH_DATA + authBytes
  atLeast(quote, end + 6)
  const inner = uint16(quote, end)
  if (inner !== PCK_CHAIN_CERTIFICATION) {
    throw invalid(
      `inner certification data: expected type ${PCK_CHAIN_CERTIFICATION}, got ${inner}`,
    )
  }
  const chainBytes = uint16(quote, end + 2) + uint16(quote, end + 4) * 0x1_0000
  if (chainBytes > MAX_CHAIN_BYTES) {
    throw invalid(`PCK chain: expected at most ${MAX_CHAIN_BYTES} bytes, got ${chainBytes}`)
  }
  atLeast(quote, end + 6 + chainBytes)
  const chain = quote.subarray(end + 6, end + 6 + chainBytes)
  return {
    trimmed: quote.slice(0, end),
    report: quote.slice(0, signature + CERTIFICATION_TYPE),
    pckChainPem: new TextDecoder('latin1').decode(chain).replace(/\0+$/, ''),
    measurements: measurementsOf(quote, body, isTd15),
  }
}

function layoutOf(quote: Uint8Array): { body: number; signature: number; isTd15: boolean } {
  atLeast(quote, 54)
  const head = toHex(quote.subarray(0, 8))
  if (head === '0x0400020081000000') return { ...LAYOUTS.v4, isTd15: false }
  if (head !== '0x0500020081000000') {
    throw invalid(`header: expected TDX, ECDSA P-256, version 4 or 5, got ${head}`)
  }
  const descriptor = toHex(quote.subarray(48, 54))
  if (descriptor === '0x020048020000') return { ...LAYOUTS.v5td10, isTd15: false }
  if (descriptor === '0x030088020000') return { ...LAYOUTS.v5td15, isTd15: true }
  throw invalid(`body: expected a TD report of TDX 1.0 or 1.5, got descriptor ${descriptor}`)
}

function measurementsOf(quote: Uint8Array, body: number, isTd15: boolean): QuoteMeasurements {
  const part = (start: number, length: number): Uint8Array =>
    quote.slice(body + start, body + start + length)
  const config = part(184, 48)
  const isVersion1 = config[0] === 1 && config.subarray(33).every((byte) => byte === 0)
  const service = isTd15 ? part(600, 48) : new Uint8Array(48)
  return {
    image: concatBytes(part(120, 64), part(232, 240)),
    composeHash: isVersion1 ? config.slice(1, 33) : undefined,
    rtmr3: part(472, 48),
    mrServiceTd: service.every((byte) => byte === 0) ? undefined : service,
  }
}

function atLeast(quote: Uint8Array, length: number): void {
  if (quote.length >= length) return
  throw invalid(`expected at least ${length} bytes, got ${quote.length}`)
}

function uint16(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8)
}

function invalid(problem: string): DcapError {
  return new DcapError('QUOTE_INVALID', `quote: ${problem}`)
}
