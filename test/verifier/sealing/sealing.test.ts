import { createCipheriv, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  deriveResponseKeys,
  EHBP_X25519,
  encodeFrame,
  encodeKeyConfig,
  frameNonce,
  MAX_FRAME_BYTES,
  openRequest,
  parseEncapsulatedKey,
  parseKeyConfig,
  parseResponseNonce,
  ResponseOpener,
  sealingKeyOf,
  sealRequest,
  X_WING,
  x25519PublicKey,
  xWingPublicKey,
  type SealingKey,
} from '@jeju/verifier/sealing'
import { concatBytes, fromBareHex, toBareHex, utf8 } from '@jeju/verifier/protocol'
import { ml_kem768_x25519 } from '@noble/post-quantum/hybrid.js'
import { haveVectors, vectorJson } from '../vectors.ts'
import { MinimalContext, minimalEhbpRequest, x25519Private } from './minimal-hpke.ts'

const seed = new Uint8Array(randomBytes(32))
const KEYS: readonly SealingKey[] = [
  { suite: EHBP_X25519, publicKey: x25519PublicKey(seed) },
  { suite: X_WING, publicKey: xWingPublicKey(seed) },
]
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

/** Answers as a node does. */
function sealAnswer(
  secret: Uint8Array,
  encapsulated: Uint8Array,
  parts: readonly string[],
): { nonce: string; body: Uint8Array; frames: Uint8Array[] } {
  const nonce = new Uint8Array(randomBytes(32))
  const { key, nonceBase } = deriveResponseKeys(secret, encapsulated, nonce)
  const frames = parts.map((part, index) => {
    const cipher = createCipheriv('aes-256-gcm', key, frameNonce(nonceBase, index))
    const sealed = [cipher.update(utf8(part)), cipher.final(), cipher.getAuthTag()]
    return encodeFrame(new Uint8Array(Buffer.concat(sealed)))
  })
  return { nonce: toBareHex(nonce), body: concatBytes(...frames), frames }
}

describe.each(KEYS)('$suite.algo', (key) => {
  const open = async (header: string, body: Uint8Array) => {
    const { suite, encapsulated } = parseEncapsulatedKey(header)
    expect(suite).toBe(key.suite)
    return { encapsulated, ...(await openRequest(suite, seed, encapsulated, body)) }
  }

  test('a request and its answer, at any chunking', async () => {
    const sealed = await sealRequest(key, utf8('{"prompt":"geheim"}'))
    const header = sealed.headers['ehbp-encapsulated-key'] ?? ''
    expect(text(sealed.body)).not.toContain('geheim')
    const { body, responseSecret, encapsulated } = await open(header, sealed.body)
    expect(text(body)).toBe('{"prompt":"geheim"}')
    const answer = sealAnswer(responseSecret, encapsulated, ['data: {}\n\n', 'zwei', ''])
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(answer.body.length), { maxLength: 8 }), async (cuts) => {
        const opener = await sealed.openAnswer(answer.nonce)
        const ends = [...cuts.toSorted((a, b) => a - b), answer.body.length]
        let from = 0
        const opened: string[] = []
        const wire: Uint8Array[] = []
        for (const end of ends) {
          for (const frame of await opener.push(answer.body.subarray(from, end))) {
            opened.push(text(frame.plaintext))
            wire.push(frame.wire)
          }
          from = end
        }
        opener.end()
        expect(opened).toEqual(['data: {}\n\n', 'zwei', ''])
        expect(concatBytes(...wire)).toEqual(answer.body)
      }),
      { numRuns: 20 },
    )
  })

  test('no two requests share a key', async () => {
    const [one, two] = [await sealRequest(key, utf8('x')), await sealRequest(key, utf8('x'))]
    expect(one.headers).not.toEqual(two.headers)
    expect(one.body).not.toEqual(two.body)
  })

  test('another key, and any changed byte of body or encapsulation, does not open', async () => {
    const sealed = await sealRequest(key, utf8('geheim'))
    const { suite, encapsulated } = parseEncapsulatedKey(
      sealed.headers['ehbp-encapsulated-key'] ?? '',
    )
    const other = new Uint8Array(randomBytes(32))
    await expect(openRequest(suite, other, encapsulated, sealed.body)).rejects.toMatchObject({
      code: 'SEALED_OPEN',
    })
    for (const at of [4, sealed.body.length - 1]) {
      const changed = sealed.body.slice()
      changed[at] = (changed[at] ?? 0) ^ 1
      await expect(openRequest(suite, seed, encapsulated, changed)).rejects.toMatchObject({
        code: 'SEALED_OPEN',
      })
    }
    const forged = encapsulated.slice()
    forged[3] = (forged[3] ?? 0) ^ 1
    await expect(openRequest(suite, seed, forged, sealed.body)).rejects.toMatchObject({
      code: 'SEALED_OPEN',
    })
    const low = new Uint8Array(suite.encapsulatedBytes)
    await expect(openRequest(suite, seed, low, sealed.body)).rejects.toMatchObject({
      code: 'SEALED_OPEN',
    })
  })

  test('E9 stream_reorder_rejected: frames that were moved, repeated or left out do not open', async () => {
    const sealed = await sealRequest(key, utf8('x'))
    const { responseSecret, encapsulated } = await open(
      sealed.headers['ehbp-encapsulated-key'] ?? '',
      sealed.body,
    )
    const { nonce, frames } = sealAnswer(responseSecret, encapsulated, ['a', 'b', 'c'])
    const [a, b, c] = frames as [Uint8Array, Uint8Array, Uint8Array]
    for (const order of [[b, a, c], [a, a, b], [a, c], [b]]) {
      const opener = await sealed.openAnswer(nonce)
      await expect(opener.push(concatBytes(...order))).rejects.toMatchObject({
        code: 'SEALED_OPEN',
      })
    }
  })

  test('E16 ehbp_length_cap, ehbp_partial_frame_rejected, ehbp_missing_nonce_rejected', async () => {
    const sealed = await sealRequest(key, utf8('x'))
    for (const nonce of [null, '', 'ab', 'AB'.repeat(32), 'zz'.repeat(32), 'ab'.repeat(33)]) {
      await expect(sealed.openAnswer(nonce)).rejects.toMatchObject({ code: 'SEALED_HEADER' })
    }
    const header = sealed.headers['ehbp-encapsulated-key'] ?? ''
    const { suite, encapsulated } = parseEncapsulatedKey(header)
    const length = (value: number): Uint8Array => {
      const bytes = Buffer.alloc(4)
      bytes.writeUInt32BE(value)
      return new Uint8Array(bytes)
    }
    const bad = [
      length(0xffff_ffff),
      length(MAX_FRAME_BYTES + 1),
      concatBytes(length(15), new Uint8Array(15)),
      sealed.body.slice(0, -1),
      sealed.body.slice(0, 3),
      concatBytes(sealed.body, length(0)),
      concatBytes(...Array.from({ length: 20 }, () => length(0)), sealed.body),
    ]
    for (const body of bad) {
      await expect(openRequest(suite, seed, encapsulated, body)).rejects.toMatchObject({
        code: 'SEALED_FRAME',
      })
    }
    // A frame of length zero is skipped and counts for nothing.
    const padded = concatBytes(length(0), sealed.body)
    expect(text((await openRequest(suite, seed, encapsulated, padded)).body)).toBe('x')
    await expect(sealRequest(key, new Uint8Array(0))).rejects.toMatchObject({
      code: 'SEALED_FRAME',
    })
  })
})

describe('an implementation that shares no code', () => {
  test('it is HPKE: RFC 9180, appendix A.1.1', () => {
    const info = Buffer.from('4f6465206f6e2061204772656369616e2055726e', 'hex')
    const enc = '37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431'
    const key = x25519Private(
      fromBareHex('4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8'),
    )
    const context = MinimalContext.receive(key, Buffer.from(enc, 'hex'), info, 1)
    expect(context.export(Buffer.from('TestContext'), 32).toString('hex')).toBe(
      'e9e43065102c3836401bed8c3c3c75ae46be1639869391d62c61f1ec7af54931',
    )
    expect(
      context
        .seal(Buffer.from('Beauty is truth, truth beauty'), Buffer.from('Count-0'))
        .toString('hex'),
    ).toBe(
      'f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a',
    )
  })

  test('its sealed request opens here, and an answer made here opens there', async () => {
    const request = minimalEhbpRequest(x25519PublicKey(seed), utf8('{"prompt":"geheim"}'))
    const { suite, encapsulated } = parseEncapsulatedKey(request.header)
    expect(suite).toBe(EHBP_X25519)
    const opened = await openRequest(suite, seed, encapsulated, request.body)
    expect(text(opened.body)).toBe('{"prompt":"geheim"}')
    const answer = sealAnswer(opened.responseSecret, encapsulated, ['eins', 'zwei'])
    expect(request.open(answer.nonce, answer.body).toString()).toBe('einszwei')
  })

  test('what is sealed here opens there', async () => {
    const { body, headers } = await sealRequest(KEYS[0] as SealingKey, utf8('geheim'))
    const enc = Buffer.from(headers['ehbp-encapsulated-key'] ?? '', 'hex')
    const there = MinimalContext.receive(x25519Private(seed), enc, Buffer.from('ehbp request'), 2)
    // AES-GCM is a stream: sealing the same text under the same nonce gives the same bytes.
    expect(there.seal(Buffer.from('geheim'))).toEqual(Buffer.from(body.slice(4)))
  })
})

test('X-Wing: test vectors of draft-connolly-cfrg-xwing-kem', () => {
  const seedHex = '7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26'
  const coins =
    '3cb1eea988004b93103cfb0aeefd2a686e01fa4a58e8a3639ca8a1e3f9ae57e235b8cc873c23dc62b8d260169afa2f75ab916a58d974918835d25e6a435085b2'
  const publicKey = xWingPublicKey(fromBareHex(seedHex))
  const { sharedSecret } = ml_kem768_x25519.encapsulate(publicKey, fromBareHex(coins))
  expect(toBareHex(sharedSecret)).toBe(
    'd2df0522128f09dd8e2c92b1e905c793d8f57a54c3da25861f10bf4ca613e384',
  )
})

describe.runIf(haveVectors)('the constants of EHBP', () => {
  const hex = (value: unknown): Uint8Array<ArrayBuffer> => fromBareHex(String(value))

  test('derivation of the response keys', () => {
    const vector = vectorJson('ehbp', 'derive.json') as Record<string, string>
    const keys = deriveResponseKeys(
      hex(vector['exportedSecret']),
      hex(vector['requestEnc']),
      hex(vector['responseNonce']),
    )
    expect(toBareHex(keys.key)).toBe(vector['derivedKey'])
    expect(toBareHex(keys.nonceBase)).toBe(vector['derivedNonceBase'])
  })

  test('a recorded answer', async () => {
    const vector = vectorJson('ehbp', 'response-decryption.json') as Record<string, string>
    const opener = await ResponseOpener.create({
      secret: hex(vector['exportedSecret']),
      encapsulated: hex(vector['requestEnc']),
      responseNonce: parseResponseNonce(vector['responseNonce'] ?? ''),
    })
    const [frame] = await opener.push(hex(vector['encryptedResponse']))
    opener.end()
    expect(toBareHex(frame?.plaintext ?? new Uint8Array(0))).toBe(vector['plaintext'])
  })
})

test('the key configuration has 41 bytes and one form', () => {
  const publicKey = x25519PublicKey(seed)
  const config = encodeKeyConfig(publicKey)
  expect(toBareHex(config)).toBe(`000020${toBareHex(publicKey)}000400010002`)
  expect(config).toHaveLength(41)
  expect(parseKeyConfig(config)).toEqual(publicKey)
  const wrong = config.slice()
  wrong[40] = 1
  for (const bad of [wrong, config.slice(1), concatBytes(config, config)]) {
    expect(() => parseKeyConfig(bad)).toThrow('key configuration')
  }
})

test('the suite comes from the keyset alone, the hybrid one first', () => {
  const keyset = {
    subject: null,
    not_after: 1,
    receipt_signing_keys: [],
    tls_public_keys: [],
    e2ee_public_keys: KEYS.map(({ suite, publicKey }, index) => ({
      key_id: `k${index}`,
      algo: suite.algo,
      public_key: toBareHex(publicKey),
    })),
  }
  expect(sealingKeyOf(keyset)?.suite).toBe(X_WING)
  const classic = keyset.e2ee_public_keys.slice(0, 1)
  expect(sealingKeyOf({ ...keyset, e2ee_public_keys: classic })?.suite).toBe(EHBP_X25519)
  expect(sealingKeyOf({ ...keyset, e2ee_public_keys: [] })).toBeUndefined()
  const short = [{ key_id: 'k', algo: X_WING.algo, public_key: 'ab'.repeat(32) }]
  expect(() => sealingKeyOf({ ...keyset, e2ee_public_keys: short })).toThrow('1216 bytes')
})
