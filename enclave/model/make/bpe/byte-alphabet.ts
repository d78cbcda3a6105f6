/**
 * The alphabet of byte-level BPE as GPT-2 introduced it: the printable character that stands for each byte
 * value, so that any bytes can be written as vocabulary text.
 */
export function byteAlphabet(): readonly string[] {
  const isPrintable = (byte: number): boolean =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174
  let next = 256
  return Array.from({ length: 256 }, (_, byte) =>
    String.fromCharCode(isPrintable(byte) ? byte : next++),
  )
}
