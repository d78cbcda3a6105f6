/** Unsigned 16-bit integer as it stands in a quote. */
export function uint16(value: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(value & 0xff, (value >> 8) & 0xff)
}

/** Unsigned 32-bit integer as it stands in a quote. */
export function uint32(value: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(value & 0xff, (value >> 8) & 0xff, (value >> 16) & 0xff, value >>> 24)
}
