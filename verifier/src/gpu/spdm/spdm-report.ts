import { Cursor } from '../../bytes/cursor.ts'
import { equalBytes } from '../../bytes/bytes.ts'
import { toBareHex } from '../../bytes/hex.ts'
import { VerifierError } from '../../errors.ts'
import { parseOpaqueData, type OpaqueData } from './opaque-data.ts'

/** NVML's buffer; no report is longer. */
export const MAX_REPORT_BYTES = 8192
/** NVML rounds some reports up. What stands there is zero, and nobody signed it. */
const MAX_PADDING_BYTES = 3
const SIGNATURE_BYTES = 96
const BLOCK_HEADER_BYTES = 7

/** GET_MEASUREMENTS request and MEASUREMENTS response of SPDM 1.1 (DSP0274 §10.11), as GPUs and switches answer. */
export interface SpdmReport {
  /** The requester's, 32 bytes. */
  readonly nonce: Uint8Array
  /** Digests by measurement index, which counts from 1. */
  readonly measurements: ReadonlyMap<number, Uint8Array>
  readonly opaque: OpaqueData
  /** Everything before the signature: request and response together. */
  readonly signed: Uint8Array
  /** r ‖ s. */
  readonly signature: Uint8Array
  readonly paddingBytes: number
}

/**
 * Reads a report. Where the signature stands follows from the lengths inside, never from the end of the input.
 * @throws VerifierError
 */
export function parseSpdmReport(input: Uint8Array): SpdmReport {
  if (input.length > MAX_REPORT_BYTES) {
    throw invalid('report', `at most ${MAX_REPORT_BYTES} bytes`, String(input.length))
  }
  const at = new Cursor(input, 'report')
  constant(at, 0, [0x11, 0xe0, 0x01, 0xff], 'request')
  const nonce = at.bytes(4, 32, 'request.nonce')
  constant(at, 36, [0x00], 'request.slotIdParam')
  constant(at, 37, [0x11, 0x60], 'response')
  at.bytes(39, 2, 'response.params')
  const [blocks = 0, low = 0, middle = 0, high = 0] = at.bytes(41, 4, 'response.lengths')
  const length = low | (middle << 8) | (high << 16)
  const measurements = readBlocks(at.bytes(45, length, 'measurementRecord'), blocks)
  at.bytes(45 + length, 32, 'response.nonce')
  const opaqueLength = at.uint16(77 + length, 'opaqueLength')
  const opaque = parseOpaqueData(at.bytes(79 + length, opaqueLength, 'opaqueData'))
  const end = at.offset
  const signature = at.bytes(end, SIGNATURE_BYTES, 'signature')
  const padding = at.rest('padding')
  if (padding.length > MAX_PADDING_BYTES || padding.some((byte) => byte !== 0)) {
    const expected = `at most ${MAX_PADDING_BYTES} zero bytes behind the signature`
    throw invalid('report', expected, `${padding.length} bytes`)
  }
  const signed = input.subarray(0, end)
  return { nonce, measurements, opaque, signed, signature, paddingBytes: padding.length }
}

/** Measurement blocks in the form of DMTF (DSP0274 §10.11.1): they fill the record, and none stands twice. */
function readBlocks(record: Uint8Array, count: number): ReadonlyMap<number, Uint8Array> {
  const at = new Cursor(record, 'measurementRecord')
  const measurements = new Map<number, Uint8Array>()
  for (let block = 0; block < count; block++) {
    const [index = 0, specification = 0] = at.bytes(at.offset, 2, `block ${block}`)
    const size = at.uint16(at.offset, `block ${block}.measurementSize`)
    at.bytes(at.offset, 1, `block ${block}.valueType`)
    const valueSize = at.uint16(at.offset, `block ${block}.valueSize`)
    const isDmtf = specification === 1 && size === valueSize + BLOCK_HEADER_BYTES - 4
    if (!isDmtf || index === 0 || measurements.has(index)) {
      throw invalid(`block ${block}`, 'a DMTF measurement with an index of its own', String(index))
    }
    measurements.set(index, at.bytes(at.offset, valueSize, `block ${block}.value`))
  }
  at.end()
  return measurements
}

function constant(at: Cursor, offset: number, expected: readonly number[], field: string): void {
  const wanted = Uint8Array.from(expected)
  const found = at.bytes(offset, wanted.length, field)
  if (!equalBytes(found, wanted)) throw invalid(field, toBareHex(wanted), toBareHex(found))
}

function invalid(place: string, expected: string, actual: string): VerifierError {
  return new VerifierError('GPU_REPORT_INVALID', `${place}: expected ${expected}, got ${actual}`)
}
