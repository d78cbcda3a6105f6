import { expect, test } from 'vitest'
import { byteKey } from '../../../verifier/src/bytes/byte-key.ts'

test('every byte has a character of its own, so that equal keys are equal bytes', () => {
  const keys = Array.from({ length: 256 }, (_, byte) => byteKey(Uint8Array.of(byte)))
  expect(new Set(keys).size).toBe(256)
  expect(keys.every((key) => key.length === 1)).toBe(true)
  // No byte is taken for a mark of byte order.
  expect(byteKey(Uint8Array.of(0xef, 0xbb, 0xbf))).toHaveLength(3)
})
