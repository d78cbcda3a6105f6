import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createP384Key } from '@jeju/simulator/gpu'
import { nodeP384 } from '@jeju/verifier/node'
import { seededRandom } from '../../../simulator/src/pki/random-source.ts'
import { signP384 } from '../../../simulator/src/gpu/p384-key.ts'
import { GpuVerifier, simulatedGpuTrustAnchor } from '@jeju/verifier/gpu'
import { webCryptoP384 } from '../../../verifier/src/x509/p384.ts'
import { contextOf, gpusOf, nonce } from '../gpu/fixture.ts'

const key = createP384Key(seededRandom('p384'), 'key')
const { point } = key
const message = new Uint8Array(600).fill(7)
const signature = signP384(key, message)

const flipped = (bytes: Uint8Array, index: number): Uint8Array => {
  const changed = bytes.slice()
  changed[index] = (changed[index] ?? 0) ^ 1
  return changed
}

describe.each([
  ['Web Crypto', webCryptoP384],
  ['node:crypto', nodeP384],
])('%s', (_name, backend) => {
  test('a signature is valid; anything else is false, and never throws', async () => {
    expect(await backend.verify(point, signature, message)).toBe(true)
    await fc.assert(
      fc.asyncProperty(fc.nat(95), async (index) => {
        expect(await backend.verify(point, flipped(signature, index), message)).toBe(false)
        expect(await backend.verify(flipped(point, index), signature, message)).toBe(false)
        expect(await backend.verify(point, signature, flipped(message, index))).toBe(false)
      }),
      { numRuns: 20 },
    )
    const zeros = new Uint8Array(96)
    for (const other of [zeros, zeros.slice().fill(0xff), signature.slice(1), new Uint8Array(0)]) {
      expect(await backend.verify(point, other, message)).toBe(false)
    }
    for (const other of [zeros, point.slice(1), new Uint8Array(0)]) {
      expect(await backend.verify(other, signature, message)).toBe(false)
    }
  })

  test('a GPU is judged by it', async () => {
    const gpus = gpusOf()
    const anchor = simulatedGpuTrustAnchor('test', gpus.roots)
    const verifier = new GpuVerifier(anchor, { signatures: backend })
    const { claims } = await verifier.verify(gpus.evidence(nonce), contextOf())
    expect(claims?.devices).toHaveLength(1)
  })
})
