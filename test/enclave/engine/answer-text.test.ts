import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { utf8 } from '@jeju/verifier/protocol'
import { AnswerText } from '../../../enclave/src/engine/answer-text.ts'
import { StopStrings } from '../../../enclave/src/engine/stop-strings.ts'
import { tokenBytes } from '../../../enclave/src/engine/token-bytes.ts'
import { Utf8Pieces } from '../../../enclave/src/engine/utf8-pieces.ts'

/** Cuts bytes into pieces of the given sizes. */
function cut(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const pieces: Uint8Array[] = []
  for (let at = 0, index = 0; at < bytes.length; index++) {
    const size = sizes[index % sizes.length] ?? 1
    pieces.push(bytes.subarray(at, at + size))
    at += size
  }
  return pieces
}

const unicode = fc.string({ unit: 'binary' })
const sizes = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1 })

describe('N6 split UTF-8', () => {
  test('pieces join to the whole, and none holds a part of a character', () => {
    fc.assert(
      fc.property(unicode, sizes, (text, lengths) => {
        const decoder = new Utf8Pieces()
        const pieces = cut(utf8(text), lengths).map((bytes) => decoder.push(bytes))
        expect(decoder.incomplete).toBe(false)
        expect(pieces.join('') + decoder.end()).toBe(text)
        for (const piece of pieces) expect(piece.isWellFormed()).toBe(true)
      }),
    )
  })

  test('an unfinished character is known as such at every byte, and ends as U+FFFD', () => {
    // Characters of one, two, three and four bytes end at 1, 3, 6 and 10.
    const bytes = utf8('a\u00e9\u20ac\u{1F600}')
    const boundaries = new Set([1, 3, 6, 10])
    for (let end = 1; end < bytes.length; end++) {
      const decoder = new Utf8Pieces()
      for (const byte of bytes.subarray(0, end)) decoder.push(Uint8Array.of(byte))
      expect(decoder.incomplete).toBe(!boundaries.has(end))
      expect(decoder.end()).toBe(boundaries.has(end) ? '' : '\uFFFD')
    }
  })
})

test('stop strings cut at the first of them for every way the text arrives', () => {
  const text = 'say STO or STOP or STAR, then END'
  fc.assert(
    fc.property(sizes, fc.subarray(['STOP', 'STAR', 'END', ' or S', 'zzz']), (lengths, stops) => {
      const filter = new StopStrings(stops)
      let out = ''
      let stopped = false
      for (const bytes of cut(utf8(text), lengths)) {
        const outcome = filter.push(new TextDecoder().decode(bytes))
        out += outcome.text
        stopped = outcome.stopped
        if (stopped) break
      }
      const at = stops.map((stop) => text.indexOf(stop)).filter((index) => index >= 0)
      expect(stopped ? out : out + filter.end()).toBe(
        at.length > 0 ? text.slice(0, Math.min(...at)) : text,
      )
      expect(stopped).toBe(at.length > 0)
    }),
  )
})

test('a token counts as delivered when its whole text was handed out', () => {
  const answer = new AnswerText(['STOP'])
  const pushed = ['a', 'ST', 'O', '!', '\u{1F600}'].flatMap((text) =>
    text.length === 1 || text === 'ST' ? [utf8(text)] : cut(utf8(text), [1]),
  )
  const seen = pushed.map((bytes) => {
    const { text } = answer.push(bytes)
    return [text, answer.generated, answer.delivered]
  })
  expect(seen).toEqual([
    ['a', 1, 1],
    ['', 2, 1],
    ['', 3, 1],
    ['STO!', 4, 4],
    ['', 5, 4],
    ['', 6, 4],
    ['', 7, 4],
    ['\u{1F600}', 8, 8],
  ])
})

describe('token bytes', () => {
  test('byte-level BPE, added tokens and control tokens', () => {
    const bytesOf = tokenBytes({
      kind: 'gpt2',
      tokens: ['\u0120.', '\u010a', '\u00f0', '<|end|>', '<tool \u0120>', '\u65e5'],
      types: [1, 1, 1, 3, 4, 1],
    })
    const bytes = [0, 1, 2, 3, 4, 5].map((token) => [...bytesOf(token)])
    expect(bytes.slice(0, 4)).toEqual([[0x20, 0x2e], [0x0a], [0xf0], []])
    expect(bytes.slice(4)).toEqual([[...utf8('<tool \u0120>')], [...utf8('\u65e5')]])
    expect(() => bytesOf(6)).toThrow('token 6: not in the vocabulary')
  })

  test('SentencePiece', () => {
    const tokens = ['\u2581Hello\u2581', '<0xE2>', '</s>']
    const bytesOf = tokenBytes({ kind: 'llama', tokens, types: [1, 6, 3] })
    expect([0, 1, 2].map((token) => [...bytesOf(token)])).toEqual([
      [...utf8(' Hello ')],
      [0xe2],
      [],
    ])
  })

  test('another kind of vocabulary is refused', () => {
    expect(() => tokenBytes({ kind: 'bert', tokens: [], types: [] })).toThrow('actual bert')
  })
})
