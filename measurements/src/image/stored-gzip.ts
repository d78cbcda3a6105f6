import { crc32 } from 'node:zlib'

/** Largest stored block of DEFLATE (RFC 1951 §3.2.4). */
const MAX_STORED_BYTES = 0xffff
/** RFC 1952 §2.3: deflate, no flags, no time, no level, operating system unknown. */
const HEADER = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255)

/**
 * Gzip without compression. Compressed bytes depend on the version and processor of the compressor, stored ones on
 * nothing: whoever has the same archive gets the same layer digest.
 */
export function* storedGzip(parts: Iterable<Uint8Array>): Generator<Uint8Array> {
  yield HEADER
  let checksum = 0
  let length = 0
  for (const part of parts) {
    checksum = crc32(part, checksum)
    length += part.length
    for (let at = 0; at < part.length; at += MAX_STORED_BYTES) {
      const block = part.subarray(at, at + MAX_STORED_BYTES)
      yield blockHead(block.length, false)
      yield block
    }
  }
  yield blockHead(0, true)
  const tail = new DataView(new ArrayBuffer(8))
  tail.setUint32(0, checksum, true)
  tail.setUint32(4, length % 2 ** 32, true)
  yield new Uint8Array(tail.buffer)
}

function blockHead(length: number, last: boolean): Uint8Array {
  return Uint8Array.of(
    last ? 1 : 0,
    length & 0xff,
    length >> 8,
    ~length & 0xff,
    (~length >> 8) & 0xff,
  )
}
