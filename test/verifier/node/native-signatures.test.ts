import fc from 'fast-check'
import { isNativeSecp256k1, nativeSignatures, verifyEd25519InPool } from '@jeju/verifier/node'
import {
  addressOf,
  ed25519PublicKey,
  fromHex,
  recoverAddress,
  signDigest,
  signEd25519,
  toHex,
  verifyEd25519,
  type Hex,
} from '@jeju/verifier/protocol'
import { keccak256 as viemKeccak256 } from 'viem'
import { describe, expect, test } from 'vitest'

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
const DIGEST: Hex = `0x${'5a'.repeat(32)}`
const KEY = new Uint8Array(32).fill(7)

/** What a recovery says, a refusal as its text. */
function outcome(recover: typeof recoverAddress, digest: Hex, signature: Hex): string {
  try {
    return recover(digest, signature)
  } catch (error) {
    return error instanceof Error && 'code' in error
      ? `${String(error.code)} ${error.message}`
      : String(error)
  }
}

function same(digest: Hex, signature: Hex): string {
  const ours = outcome(nativeSignatures.recoverAddress, digest, signature)
  expect(ours).toBe(outcome(recoverAddress, digest, signature))
  return ours
}

const word = (value: bigint): string => value.toString(16).padStart(64, '0')
const signatureOf = (r: bigint, s: bigint, v: number): Hex =>
  `0x${word(r)}${word(s)}${v.toString(16).padStart(2, '0')}`

describe('native recovery and that of the protocol', () => {
  test('is native here', () => expect(isNativeSecp256k1).toBe(true))

  test('name the same address for every signature', () => {
    const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 })
    const key = fc.bigInt({ min: 1n, max: ORDER - 1n })
    fc.assert(
      fc.property(bytes32, key, (digest, secret) => {
        const privateKey = fromHex(`0x${word(secret)}`, 32, 'key')
        const signature = signDigest(toHex(digest), privateKey)
        expect(same(toHex(digest), signature)).toBe(addressOf(privateKey))
      }),
      { numRuns: 60 },
    )
  })

  test('and for whatever else comes: the same address or the same refusal', () => {
    const scalar = fc.oneof(
      fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }),
      fc.constantFrom(0n, 1n, ORDER / 2n, ORDER / 2n + 1n, ORDER - 1n, ORDER, ORDER + 1n),
    )
    fc.assert(
      fc.property(scalar, scalar, fc.constantFrom(0, 1, 26, 27, 28, 29, 255), (r, s, v) => {
        same(DIGEST, signatureOf(r, s, v))
      }),
      { numRuns: 300 },
    )
  })

  test('P21 test_malleable_signature_rejected: the other half of every signature is refused', () => {
    const signature = signDigest(DIGEST, KEY)
    const s = BigInt(`0x${signature.slice(66, 130)}`)
    const r = BigInt(`0x${signature.slice(2, 66)}`)
    const v = Number.parseInt(signature.slice(130), 16)
    expect(same(DIGEST, signatureOf(r, s, v))).toBe(addressOf(KEY))
    expect(same(DIGEST, signatureOf(r, ORDER - s, 55 - v))).toContain('s is high')
    expect(same(DIGEST, signatureOf(r, ORDER / 2n, v))).not.toContain('s is high')
    expect(same(DIGEST, signatureOf(r, ORDER / 2n + 1n, v))).toContain('s is high')
  })

  test('E19 malformed hex is the same refusal', () => {
    const signature = signDigest(DIGEST, KEY)
    for (const text of ['0x', signature.slice(0, -2), `${signature}00`, signature.toUpperCase()]) {
      expect(same(DIGEST, text as Hex)).toMatch(/^INPUT_/)
    }
    expect(same('0x12', signature)).toMatch(/^INPUT_/)
  })
})

test('Keccak-256 is that of another implementation, whatever the length', () => {
  const { keccak256 } = nativeSignatures
  if (keccak256 === undefined) throw new Error('there is none')
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => {
      expect(toHex(keccak256(bytes))).toBe(viemKeccak256(bytes))
    }),
  )
})

describe('signatures made in native code', () => {
  const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 })

  test('are the very bytes that the protocol signs', () => {
    const key = fc.bigInt({ min: 1n, max: ORDER - 1n })
    fc.assert(
      fc.property(bytes32, key, (digest, secret) => {
        const privateKey = fromHex(`0x${word(secret)}`, 32, 'key')
        const expected = signDigest(toHex(digest), privateKey)
        expect(nativeSignatures.signDigest(toHex(digest), privateKey)).toBe(expected)
      }),
      { numRuns: 60 },
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), bytes32, (message, seed) => {
        const expected = signEd25519(message, seed)
        // Twice: a key is imported once.
        expect(nativeSignatures.signEd25519(message, seed)).toEqual(expected)
        expect(nativeSignatures.signEd25519(message, seed)).toEqual(expected)
      }),
      { numRuns: 60 },
    )
  })

  test('no key, no signature', () => {
    for (const secret of [0n, ORDER, 2n ** 256n - 1n]) {
      const privateKey = fromHex(`0x${word(secret)}`, 32, 'key')
      expect(() => nativeSignatures.signDigest(DIGEST, privateKey)).toThrow()
    }
    expect(() => nativeSignatures.signDigest('0x12', KEY)).toThrow('digest')
    expect(() => nativeSignatures.signEd25519(KEY, KEY.slice(1))).toThrow()
  })

  test('Ed25519 holds for its message and key alone', async () => {
    const signature = signEd25519(fromHex(DIGEST), KEY)
    const key = ed25519PublicKey(KEY)
    const cases = [
      [signature, fromHex(DIGEST), key],
      [signature, KEY, key],
      [signature, fromHex(DIGEST), key.slice(1)],
      [signature, fromHex(DIGEST), new Uint8Array(32)],
      [signature.slice(1), fromHex(DIGEST), key],
      [new Uint8Array(64), fromHex(DIGEST), key],
      [signature.with(63, 0xff), fromHex(DIGEST), key],
    ] as const
    const held = cases.map((one) => nativeSignatures.verifyEd25519(...one))
    expect(held).toEqual(cases.map((one) => verifyEd25519(...one)))
    expect(held.map(Number).join('')).toBe('1000000')
    expect(await Promise.all(cases.map((one) => verifyEd25519InPool(...one)))).toEqual(held)
  })
})
