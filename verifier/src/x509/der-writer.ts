import { concatBytes } from '../bytes/bytes.ts'

/** One DER element: tag, length in the shortest form, content (X.690 §8.1, §10.1); up to 65,535 bytes. */
export function derElement(
  tag: number,
  ...content: readonly Uint8Array[]
): Uint8Array<ArrayBuffer> {
  const length = content.reduce((sum, part) => sum + part.length, 0)
  const head =
    length < 0x80
      ? [tag, length]
      : length < 0x100
        ? [tag, 0x81, length]
        : [tag, 0x82, length >> 8, length & 0xff]
  return concatBytes(Uint8Array.from(head), ...content)
}
