import fc from 'fast-check'
import {
  addressOf,
  fromHex,
  recoverAddress,
  signDigest,
  toHex,
  type Hex,
} from '@jeju/verifier/protocol'
import { describe, expect, test } from 'vitest'
import { isNativeRecovery, recoverSigner } from '../../enclave/src/payment/recover-signer.ts'

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
  const ours = outcome(recoverSigner, digest, signature)
  expect(ours).toBe(outcome(recoverAddress, digest, signature))
  return ours
}

const word = (value: bigint): string => value.toString(16).padStart(64, '0')
const signatureOf = (r: bigint, s: bigint, v: number): Hex =>
  `0x${word(r)}${word(s)}${v.toString(16).padStart(2, '0')}`

describe('native recovery and that of the protocol', () => {
  test('is native here', () => expect(isNativeRecovery).toBe(true))

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
