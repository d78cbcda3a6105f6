import fc from 'fast-check'
import { expect, test } from 'vitest'
import { utf8 } from '@jeju/verifier/protocol'
import { linesOf, type Line } from '../../../verifier/src/cli/read/lines.ts'

/** Lines as text, through any chunking. */
async function read(text: string, size: number, maxBytes: number): Promise<readonly string[]> {
  const bytes = utf8(text)
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
  }
  const lines: Line[] = []
  for await (const line of linesOf(chunks(), maxBytes)) lines.push(line)
  return lines.map((line) => (line === 'too long' ? line : new TextDecoder().decode(line)))
}

const line = fc.string({ unit: fc.constantFrom('a', '{', 'é', ' ', '\r'), maxLength: 12 })

test('lines are the same at any chunking; blank ones are none', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(line),
      fc.integer({ min: 1, max: 40 }),
      fc.constantFrom('', '\n'),
      async (lines, size, end) => {
        const found = await read(lines.join('\n') + end, size, 1000)
        expect(found).toEqual(lines.filter((one) => /[^ \r]/.test(one)))
      },
    ),
  )
})

test('a line beyond the limit is said to be too long, and the next one is read', async () => {
  for (const size of [1, 3, 100]) {
    expect(await read(`four\nfive5\n${'x'.repeat(50)}\nlast`, size, 4)).toEqual([
      'four',
      'too long',
      'too long',
      'last',
    ])
    expect(await read('x'.repeat(50), size, 4)).toEqual(['too long'])
  }
})
