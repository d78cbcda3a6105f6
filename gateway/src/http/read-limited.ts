/** A whole body, or undefined when it is longer than `max` bytes; counted while it is read. */
export async function readLimited(
  stream: ReadableStream<Uint8Array> | null,
  max: number,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  if (stream === null) return new Uint8Array(0)
  const parts: Uint8Array[] = []
  let length = 0
  const reader = stream.getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return new Uint8Array(Buffer.concat(parts))
    length += value.length
    if (length > max) {
      await reader.cancel()
      return undefined
    }
    parts.push(value)
  }
}
