import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  canonicalJson,
  concatBytes,
  decodeEvidence,
  encodeAuthorization,
  encodeEvidence,
  fromBase64Url,
  fromHex,
  parseAuthorization,
  parseCanonicalJson,
  parseNonce,
  toBase64Url,
  toHex,
  utf8,
  type JsonValue,
} from '@jeju/verifier/protocol'
import { auths, bundles, hexOf } from './samples.ts'

const code = (expected: string): unknown => expect.objectContaining({ code: expected })

describe('canonical JSON', () => {
  const integers = fc.jsonValue({ noUnicodeString: false }).filter((value) => {
    try {
      canonicalJson(value as JsonValue)
      return true
    } catch {
      return false
    }
  })

  test('parse ∘ write is the identity', () => {
    fc.assert(
      fc.property(integers, (value) => {
        const text = canonicalJson(value as JsonValue)
        expect(canonicalJson(parseCanonicalJson(text, 'value'))).toBe(text)
      }),
    )
  })

  test('E19 strict_decoding_table: JSON', () => {
    const table: readonly string[] = [
      '{"a":1,"a":2}',
      '{"b":1,"a":2}',
      '{ "a":1}',
      '{"a":1.5}',
      '{"a":1.0}',
      '{"a":1e2}',
      '{"a":"\\u0041"}',
      '{"a":"\\ud800"}',
      '{"a":9007199254740993}',
      '{"a":-0}',
      '\ufeff{}',
      '{}\n',
      '',
      `${'['.repeat(40)}${']'.repeat(40)}`,
    ]
    for (const text of table) {
      expect(() => parseCanonicalJson(text, 'table'), text).toThrow(code('INPUT_JSON'))
    }
  })
})

describe('E19 strict_decoding_table: bytes', () => {
  test('base64url has one spelling', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(fromBase64Url(toBase64Url(bytes))).toEqual(new Uint8Array(bytes))
      }),
    )
    for (const bad of ['A', 'AB', 'AAB', 'AA==', 'A+', 'A/', 'A A', 'QQ\n', 'QQ\u0141A', 'AAAAA']) {
      expect(() => fromBase64Url(bad), bad).toThrow(code('INPUT_BASE64URL'))
    }
  })

  test('base64url reads what Node reads, and nothing that Node would write otherwise', () => {
    const texts = fc.string({
      unit: fc.constantFrom(...Array.from('ABCDZabcdz0189-_+/= \u00e9\ud800')),
      maxLength: 12,
    })
    fc.assert(
      fc.property(texts, (text) => {
        const bytes = Buffer.from(text, 'base64url')
        if (bytes.toString('base64url') === text) {
          expect(fromBase64Url(text)).toEqual(new Uint8Array(bytes))
        } else {
          expect(() => fromBase64Url(text)).toThrow(code('INPUT_BASE64URL'))
        }
      }),
      { numRuns: 2_000 },
    )
  })

  test('hex is strict', () => {
    for (const bad of ['0x1', '0xzz', '1234', '0x12 ', '0X12']) {
      expect(() => fromHex(bad), bad).toThrow(code('INPUT_HEX'))
    }
    expect(() => fromHex('0x1234', 3)).toThrow(code('INPUT_HEX'))
    const texts = fc.string({
      unit: fc.constantFrom(...Array.from('0189abfgAFG/:@`\u0130 ')),
      maxLength: 6,
    })
    fc.assert(
      fc.property(texts, (text) => {
        if (text.length % 2 === 0 && /^[0-9a-fA-F]*$/.test(text)) {
          expect(fromHex(`0x${text}`)).toEqual(new Uint8Array(Buffer.from(text, 'hex')))
        } else {
          expect(() => fromHex(`0x${text}`)).toThrow(code('INPUT_HEX'))
        }
      }),
      { numRuns: 2_000 },
    )
  })

  test('C2 nonce_encoding_table', () => {
    const good = 'ab'.repeat(32)
    expect(parseNonce(good)).toBe(`0x${good}`)
    const bad = [undefined, '', good.slice(2), `${good}00`, good.toUpperCase(), `0x${good}`]
    for (const text of [...bad, '00'.repeat(32), `${good.slice(0, 63)}g`, `${good}\n`]) {
      expect(() => parseNonce(text), String(text)).toThrow(code('INPUT_HEX'))
    }
  })
})

describe('evidence bundle', () => {
  test('decode ∘ encode is the identity', () => {
    fc.assert(
      fc.property(bundles, (bundle) => {
        expect(decodeEvidence(encodeEvidence(bundle))).toEqual(bundle)
      }),
      { numRuns: 50 },
    )
  })

  test('every prefix is refused, and so is anything behind the end', () => {
    fc.assert(
      fc.property(bundles, fc.nat(), (bundle, cut) => {
        const bytes = encodeEvidence(bundle)
        expect(() => decodeEvidence(bytes.subarray(0, cut % bytes.length))).toThrow()
        expect(() => decodeEvidence(concatBytes(bytes, Uint8Array.of(0)))).toThrow()
      }),
      { numRuns: 30 },
    )
  })

  test('a changed byte gives another bundle or a refusal, never the same one', () => {
    fc.assert(
      fc.property(bundles, fc.nat(), fc.integer({ min: 1, max: 255 }), (bundle, at, mask) => {
        const bytes = encodeEvidence(bundle)
        const index = at % bytes.length
        bytes[index] = (bytes[index] ?? 0) ^ mask
        let read: unknown
        try {
          read = decodeEvidence(bytes)
        } catch (error) {
          expect(error).toMatchObject({ name: 'ProtocolError' })
          return
        }
        expect(read).not.toEqual(bundle)
      }),
      { numRuns: 100 },
    )
  })

  test('heads are the shortest and keys are in bytewise order (RFC 8949 §4.2.1)', () => {
    const [bundle] = fc.sample(bundles, { numRuns: 1, seed: 1 })
    if (bundle === undefined) throw new Error('no sample')
    const bytes = encodeEvidence(bundle)
    const members = 10 + Number('gpuEvidence' in bundle) + Number('collateral' in bundle)
    expect(bytes[0]).toBe(0xa0 + members)
    expect(toHex(bytes.subarray(1, 4))).toBe('0x617601')
    expect(bytes.subarray(4, 10)).toEqual(concatBytes(Uint8Array.of(0x65), utf8('quote')))
  })
})

describe('authorisation header', () => {
  test('parse ∘ encode is the identity', () => {
    fc.assert(
      fc.property(auths, hexOf(32), hexOf(65), (auth, salt, signature) => {
        const signed = { auth, salt, signature }
        expect(parseAuthorization(encodeAuthorization(signed))).toEqual(signed)
      }),
    )
  })

  test('N3 malformed headers are refused with a code', () => {
    const [auth] = fc.sample(auths, 1)
    if (auth === undefined) throw new Error('no sample')
    const good = encodeAuthorization({
      auth,
      salt: `0x${'aa'.repeat(32)}`,
      signature: `0x${'bb'.repeat(65)}`,
    })
    const json = new TextDecoder().decode(fromBase64Url(good))
    const encoded = (text: string): string => toBase64Url(utf8(text))
    for (const bad of [
      '',
      'not base64!',
      encoded('{}'),
      encoded('[]'),
      encoded('null'),
      encoded(json.replace('"v":1', '"v":2')),
      encoded(json.replace('{"auth"', '{ "auth"')),
      encoded(json.replace('"salt":"0xaa', '"salt":"0xAA')),
      encoded(json.replace(/"nonce":"\d+"/, '"nonce":"007"')),
      encoded(json.replace(/"maxFee":"\d+"/, `"maxFee":"${2n ** 128n}"`)),
      encoded(json.replace('"v":1', '"v":1,"w":1')),
      good.padEnd(9000, 'A'),
    ]) {
      expect(() => parseAuthorization(bad)).toThrow(
        expect.objectContaining({ name: 'ProtocolError' }),
      )
    }
  })
})
