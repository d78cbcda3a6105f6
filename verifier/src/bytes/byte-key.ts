/** A text that is equal exactly for equal bytes: a key of a map. Cheaper than hex, and for nobody to read. */
export function byteKey(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes)
}
