import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { nodeP256 } from '@jeju/verifier/node'
import { generateKeyPair, publicPoint, sign } from '../../../simulator/src/pki/signing-key.ts'
import { P256Verifier, webCryptoP256 } from '../../../verifier/src/x509/p256.ts'

const key = await generateKeyPair()
const point = await publicPoint(key)
const message = new Uint8Array(600).fill(7)
const low = sign(key, message, 'low-s')
const high = sign(key, message, 'high-s')

const flipped = (bytes: Uint8Array, index: number): Uint8Array => {
  const changed = bytes.slice()
  changed[index] = (changed[index] ?? 0) ^ 1
  return changed
}

describe.each([
  ['Web Crypto', webCryptoP256],
  ['node:crypto', nodeP256],
])('%s', (_name, backend) => {
  test('both forms of a signature are valid', async () => {
    expect(await backend.verify(point, low, message)).toBe(true)
    expect(await backend.verify(point, high, message)).toBe(true)
  })

  test('anything else is false, and never throws', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(63), async (index) => {
        expect(await backend.verify(point, flipped(low, index), message)).toBe(false)
        expect(await backend.verify(flipped(point, index), low, message)).toBe(false)
        expect(await backend.verify(point, low, flipped(message, index))).toBe(false)
      }),
      { numRuns: 30 },
    )
    const zeros = new Uint8Array(64)
    for (const signature of [zeros, zeros.fill(0xff), low.subarray(1), new Uint8Array(0)]) {
      expect(await backend.verify(point, signature, message)).toBe(false)
    }
    for (const other of [new Uint8Array(64), point.subarray(1), new Uint8Array(0)]) {
      expect(await backend.verify(other, low, message)).toBe(false)
    }
  })
})

test('an answer that is kept is about the very bytes it was given for', async () => {
  const keys = new P256Verifier()
  const buffer = message.slice()
  expect(await keys.verifyOnce(point, low, buffer)).toBe(true)
  expect(await keys.verifyOnce(point, low, buffer)).toBe(true)
  // The same buffer, another message: what was kept must not follow it.
  buffer[0] = 8
  expect(await keys.verifyOnce(point, low, buffer)).toBe(false)
  expect(await keys.verifyOnce(flipped(point, 0), low, message)).toBe(false)
  expect(await keys.verifyOnce(point, low, message)).toBe(true)
})
