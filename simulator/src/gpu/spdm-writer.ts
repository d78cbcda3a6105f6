import { concatBytes } from '@jeju/verifier/protocol'
import { uint16 } from '../quote/little-endian.ts'
import { signP384, type P384Key } from './p384-key.ts'

/** A record of opaque data; `valueType` counts in NVDAOD only. */
export interface OpaqueRecord {
  readonly id: number
  readonly valueType: number
  readonly data: Uint8Array
}

/** What a device is to report. */
export interface SpdmContent {
  readonly nonce: Uint8Array
  /** By index from 0, as RIMs count. */
  readonly measurements: readonly Uint8Array[]
  readonly opaque: readonly OpaqueRecord[]
  readonly format: 'tlv' | 'nvdaod'
}

/** GET_MEASUREMENTS request and MEASUREMENTS response of SPDM 1.1 (DSP0274 §10.11), signed. */
export function writeSpdmReport(content: SpdmContent, key: P384Key): Uint8Array<ArrayBuffer> {
  const signed = writeSpdmTranscript(content)
  return concatBytes(signed, signP384(key, signed))
}

/** Everything that is signed. */
export function writeSpdmTranscript({
  nonce,
  measurements,
  opaque,
  format,
}: SpdmContent): Uint8Array<ArrayBuffer> {
  const blocks = concatBytes(...measurements.map((value, index) => writeBlock(index + 1, value)))
  const [low, middle, high] = [
    blocks.length & 0xff,
    (blocks.length >> 8) & 0xff,
    blocks.length >> 16,
  ]
  const data = writeOpaque(opaque, format)
  return concatBytes(
    Uint8Array.of(0x11, 0xe0, 0x01, 0xff),
    nonce,
    Uint8Array.of(0x00),
    Uint8Array.of(0x11, 0x60, 0x00, 0x00, measurements.length, low, middle, high),
    blocks,
    new Uint8Array(32).fill(0x5a),
    uint16(data.length),
    data,
  )
}

function writeBlock(index: number, value: Uint8Array): Uint8Array {
  return concatBytes(
    Uint8Array.of(index, 1),
    uint16(value.length + 3),
    Uint8Array.of(0x01),
    uint16(value.length),
    value,
  )
}

function writeOpaque(
  records: readonly OpaqueRecord[],
  format: SpdmContent['format'],
): Uint8Array<ArrayBuffer> {
  const header = new TextEncoder().encode('NVDAOD\0\0\x02\0\0\0')
  const isNvdaod = format === 'nvdaod'
  const written = records.map(({ id, valueType, data }) =>
    concatBytes(
      uint16(id),
      isNvdaod ? uint16(valueType) : new Uint8Array(0),
      uint16(data.length),
      data,
    ),
  )
  return concatBytes(isNvdaod ? header : new Uint8Array(0), ...written)
}
