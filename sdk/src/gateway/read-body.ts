import { concatBytes } from '@jeju/verifier/protocol'

/** A body longer than the reader allows. */
export class BodyTooLarge extends Error {
  override readonly name = 'BodyTooLarge'

  constructor(maxBytes: number) {
    super(`body: expected at most ${maxBytes} bytes, got more`)
  }
}

/** The whole body, given up as soon as it is longer than `maxBytes`. Throws {@link BodyTooLarge}. */
export async function readBody(
  body: ReadableStream<Uint8Array> | null,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  if (body === null) return new Uint8Array(0)
  const reader = body.getReader()
  const parts: Uint8Array[] = []
  let length = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return concatBytes(...parts)
    length += value.length
    if (length > maxBytes) {
      await reader.cancel().catch(() => undefined)
      throw new BodyTooLarge(maxBytes)
    }
    parts.push(value)
  }
}
