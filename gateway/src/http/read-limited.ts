/** A whole body, or undefined when it is longer than `max` bytes; counted while it is read, not read on after that. */
export async function readLimited(
  body: AsyncIterable<Uint8Array>,
  max: number,
): Promise<Buffer<ArrayBuffer> | undefined> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of body) {
    length += part.length
    if (length > max) return undefined
    parts.push(part)
  }
  return Buffer.concat(parts, length)
}
