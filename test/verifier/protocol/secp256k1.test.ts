import { secp256k1 as peer } from '@noble/curves/secp256k1'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { concatBytes, fromBareHex, sha256, toHex, utf8 } from '@jeju/verifier/protocol'
import {
  publicKeyOf,
  recover,
  signRecoverable,
  uncompress,
} from '../../../verifier/src/protocol/secp256k1.ts'

/** Order of the group, and of the field (SEC 2 v2 §2.4.1). */
const N = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
const P = 0xfffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2fn

const key = sha256(utf8('a key'))
const digest = sha256(utf8('a message'))
const signed = signRecoverable(digest, key)
const signature = signed.subarray(0, 64)
const [id = 0] = signed.subarray(64)
const r = signature.subarray(0, 32)
const s = BigInt(toHex(signature.subarray(32)))

const scalar = (value: bigint): Uint8Array => fromBareHex(value.toString(16).padStart(64, '0'))
const faultOf = (given: Uint8Array, recoveryId = id, of: Uint8Array = digest): string => {
  const recovered = recover(of, given, recoveryId, 'compressed')
  return 'fault' in recovered ? recovered.fault : 'a key'
}

describe('secp256k1', () => {
  test('signatures, keys and recovered keys are those of another implementation', () => {
    const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 })
    fc.assert(
      fc.property(bytes32, bytes32, (secret, message) => {
        fc.pre(peer.utils.isValidPrivateKey(secret))
        const theirs = peer.sign(message, secret, { lowS: true, prehash: false })
        const ours = signRecoverable(message, secret)
        expect(toHex(ours.subarray(0, 64))).toBe(toHex(theirs.toCompactRawBytes()))
        expect(ours[64]).toBe(theirs.recovery)
        for (const form of ['compressed', 'uncompressed'] as const) {
          const publicKey = peer.getPublicKey(secret, form === 'compressed')
          expect(toHex(publicKeyOf(secret, form))).toBe(toHex(publicKey))
          const recovered = recover(message, ours.subarray(0, 64), ours[64] ?? 0, form)
          expect(recovered).toEqual({ publicKey })
        }
        const [compressed, whole] = [
          publicKeyOf(secret, 'compressed'),
          uncompress(publicKeyOf(secret, 'compressed')),
        ]
        expect(toHex(whole ?? compressed)).toBe(toHex(publicKeyOf(secret, 'uncompressed')))
      }),
      { numRuns: 40 },
    )
  })

  test('what the other implementation recovers of any signature, and what it does not', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 64, maxLength: 64 }),
        fc.nat(3),
        (bytes, recoveryId) => {
          const given = bytes.with(32, (bytes[32] ?? 0) & 0x7f)
          let theirs = 'no key'
          try {
            const parsed = peer.Signature.fromCompact(given).addRecoveryBit(recoveryId)
            fc.pre(!parsed.hasHighS())
            theirs = toHex(parsed.recoverPublicKey(digest).toRawBytes(true))
          } catch (error) {
            if (fc.PreconditionFailure.isFailure(error)) throw error
          }
          const ours = recover(digest, given, recoveryId, 'compressed')
          expect('fault' in ours ? 'no key' : toHex(ours.publicKey)).toBe(theirs)
        },
      ),
      { numRuns: 60 },
    )
  })

  test('P21 s beyond the half of the order, with either recovery id', () => {
    const high = concatBytes(r, scalar(N - s))
    expect([faultOf(high, id), faultOf(high, id ^ 1)]).toEqual(['s is high', 's is high'])
    expect(faultOf(concatBytes(r, scalar(N / 2n + 1n)))).toBe('s is high')
    expect(faultOf(concatBytes(r, scalar(N / 2n)))).toBe('a key')
  })

  test('a recovery id is 0 to 3', () => {
    for (const other of [-1, 4, 27, 28, 255, 0.5, Number.NaN]) {
      expect(faultOf(signature, other)).toBe(`v ${other}`)
    }
  })

  test.each([
    ['r zero', scalar(0n), scalar(s)],
    ['s zero', r, scalar(0n)],
    ['r the order', scalar(N), scalar(s)],
    ['s the order', r, scalar(N)],
    ['r the field', scalar(P), scalar(s)],
    ['r of no point', scalar(5n), scalar(s)],
  ])('%s recovers to no key', (_what, first, second) => {
    expect(faultOf(concatBytes(first, second))).toBe('recovers to no key')
  })

  test('ids 2 and 3 stand for r + n, which a point has only where r is below p - n', () => {
    expect([faultOf(signature, 2), faultOf(signature, 3)]).toEqual([
      'recovers to no key',
      'recovers to no key',
    ])
    const beyond = Array.from({ length: 16 }, (_, index) => BigInt(index + 1)).map((small) =>
      faultOf(concatBytes(scalar(small), scalar(s)), 2),
    )
    expect(new Set(beyond)).toEqual(new Set(['a key', 'recovers to no key']))
    expect(faultOf(concatBytes(scalar(P - N), scalar(s)), 2)).toBe('recovers to no key')
  })

  test('the point at infinity is no key', () => {
    // With R = k·G and s = h / k the sum that recovers the key is zero; k = 1 makes R the base point.
    const base = publicKeyOf(scalar(1n), 'compressed')
    const h = BigInt(toHex(digest)) % N
    const [low, parity] = h > N / 2n ? [N - h, 1] : [h, 0]
    const given = concatBytes(base.subarray(1), scalar(low))
    const recoveryId = ((base[0] ?? 0) & 1) ^ parity
    expect([faultOf(given, recoveryId), faultOf(given, recoveryId ^ 1)]).toEqual([
      'recovers to no key',
      'a key',
    ])
  })

  test('digests and signatures of another length are refused, not cut', () => {
    for (const length of [0, 31, 33, 64]) {
      expect(faultOf(signature, id, new Uint8Array(length).fill(1))).toBe(
        `digest of ${length} bytes`,
      )
    }
    for (const length of [0, 63, 65]) {
      expect(faultOf(new Uint8Array(length).fill(1))).toBe(`${length} bytes`)
    }
  })

  test('a private key is 1 to n - 1 in 32 bytes', () => {
    for (const none of [scalar(0n), scalar(N), new Uint8Array(31).fill(1)]) {
      expect(() => publicKeyOf(none, 'compressed')).toThrow()
      expect(() => signRecoverable(digest, none)).toThrow()
    }
  })

  test('only a compressed point of the curve has an uncompressed form', () => {
    const x = publicKeyOf(key, 'compressed').subarray(1)
    for (const none of [
      new Uint8Array(0),
      new Uint8Array(33),
      publicKeyOf(key, 'uncompressed'),
      concatBytes(Uint8Array.of(4), x),
      concatBytes(Uint8Array.of(2), scalar(5n)),
      concatBytes(Uint8Array.of(2), scalar(P)),
      concatBytes(Uint8Array.of(2), scalar(P + 1n)),
    ]) {
      expect(uncompress(none)).toBeUndefined()
    }
  })
})
