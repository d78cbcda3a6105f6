import { concatBytes } from '../../bytes/bytes.ts'

const NEWLINE = 0x0a

/** One line without its end, or that it was longer than allowed; such a line is skipped, not held. */
export type Line = Uint8Array | 'too long'

/** The lines of a stream; holds one at a time, and of it no more than `maxBytes`. Blank lines are not lines. */
export async function* linesOf(
  chunks: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<Line> {
  let held: Uint8Array[] = []
  let length = 0
  const take = (part: Uint8Array): void => {
    length += part.length
    if (length > maxBytes) held = []
    else held.push(part)
  }
  const finish = (): Line => {
    const line = length > maxBytes ? 'too long' : concatBytes(...held)
    held = []
    length = 0
    return line
  }
  for await (const chunk of chunks) {
    let start = 0
    for (;;) {
      const end = chunk.indexOf(NEWLINE, start)
      take(chunk.subarray(start, end === -1 ? chunk.length : end))
      if (end === -1) break
      start = end + 1
      const line = finish()
      if (!isBlank(line)) yield line
    }
  }
  const last = finish()
  if (!isBlank(last)) yield last
}

/** Space, tab, carriage return. */
const WHITE = new Set([0x20, 0x09, 0x0d])

function isBlank(line: Line): boolean {
  return line !== 'too long' && line.every((byte) => WHITE.has(byte))
}
