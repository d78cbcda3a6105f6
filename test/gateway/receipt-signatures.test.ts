import fc from 'fast-check'
import { ed25519PublicKey, signEd25519, verifyEd25519 } from '@jeju/verifier/protocol'
import { expect, test } from 'vitest'
import { isSodium, receiptSignatures } from '../../gateway/src/receipt-signatures.ts'

/** RFC 8032 §5.1. */
const FIELD = 2n ** 255n - 19n
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n

const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 })

test('libsodium is installed here', () => expect(isSodium).toBe(true))

test('Ed25519 holds for its message and key alone, as the protocol says', () => {
  const [seed, message] = [new Uint8Array(32).fill(7), new Uint8Array(40).fill(9)]
  const [signature, key] = [signEd25519(message, seed), ed25519PublicKey(seed)]
  const cases = [
    [signature, message, key],
    [signature, seed, key],
    [signature, message, key.slice(1)],
    [signature, message, new Uint8Array(32)],
    [signature.slice(1), message, key],
    [new Uint8Array(65), message, key],
    [new Uint8Array(64), message, key],
    [signature.with(63, 0xff), message, key],
  ] as const
  const held = cases.map((one) => receiptSignatures.verifyEd25519(...one))
  expect(held).toEqual(cases.map((one) => verifyEd25519(...one)))
  expect(held.map(Number).join('')).toBe('10000000')
})

test('the same verdict for every message, and for every flipped bit of a signature', () => {
  fc.assert(
    fc.property(bytes32, fc.uint8Array({ maxLength: 300 }), fc.nat(511), (seed, message, bit) => {
      const key = ed25519PublicKey(seed)
      const signature = signEd25519(message, seed)
      expect(receiptSignatures.verifyEd25519(signature, message, key)).toBe(true)
      const flipped = signature.with(bit >> 3, (signature[bit >> 3] ?? 0) ^ (1 << (bit & 7)))
      const verdict = receiptSignatures.verifyEd25519(flipped, message, key)
      expect(verdict).toBe(verifyEd25519(flipped, message, key))
      expect(verdict).toBe(false)
    }),
    { numRuns: 60 },
  )
})

test('P21 test_malleable_signature_rejected: s beyond the order, and keys and points that sign everything', () => {
  const seed = new Uint8Array(32).fill(7)
  const message = new Uint8Array(40).fill(9)
  const key = ed25519PublicKey(seed)
  const signature = signEd25519(message, seed)
  let s = 0n
  for (const byte of signature.slice(32).toReversed()) s = (s << 8n) | BigInt(byte)
  const second = new Uint8Array(signature)
  second.set(littleEndian(s + ORDER), 32)
  expect(receiptSignatures.verifyEd25519(second, message, key)).toBe(false)
  // Of small order: with s = 0 and R = A, half of all messages or more would be signed.
  for (const y of [0n, 1n, FIELD - 1n, FIELD + 1n]) {
    const small = littleEndian(y)
    const forged = new Uint8Array(64)
    forged.set(small)
    for (let at = 0; at < 16; at++) {
      const one = new Uint8Array(40).fill(at)
      expect(receiptSignatures.verifyEd25519(forged, one, small)).toBe(false)
    }
  }
})

function littleEndian(value: bigint): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: 32 }, (_, at) => Number((value >> BigInt(8 * at)) & 0xffn))
}
