/** Each of the 256 bytes decodes to a character of its own (windows-1252, as the Encoding Standard has it). */
const oneToOne = new TextDecoder('windows-1252')

/** A text that is equal exactly for equal bytes: a key of a map. Cheaper than hex, and for nobody to read. */
export function byteKey(bytes: Uint8Array): string {
  return oneToOne.decode(bytes)
}
