import fc from 'fast-check'
import {
  canonicalJson,
  DONE_FRAME,
  encodeAuthorization,
  encodeComputeReceipt,
  fromBase64Url,
  parseAuthorization,
  parseComputeReceipt,
  ProtocolError,
  receiptFrame,
  SseReceiptSplitter,
  toBase64Url,
  utf8,
  type ComputeReceipt,
  type JsonValue,
} from '@jeju/verifier/protocol'
import { describe, expect, test } from 'vitest'
import { auths, hexOf, uint } from './samples.ts'

/** Documents that are recognised by their form are judged as if each were parsed, member by member. */

const uint32 = fc.nat(2 ** 32 - 1)
const name = fc.oneof(fc.string({ maxLength: 20 }), fc.string({ unit: 'binary', maxLength: 8 }))

const receipts: fc.Arbitrary<ComputeReceipt> = fc.record({
  bindingId: hexOf(32),
  keysetDigest: hexOf(32),
  model: name,
  modelId: hexOf(32),
  priceVersion: uint32,
  receipt: fc.record({
    authHash: hexOf(32),
    responseHash: hexOf(32),
    inputTokens: uint32,
    outputTokens: uint32,
    finish: fc.nat(4),
    issuedAt: uint(64),
  }),
  receiptSignature: hexOf(65),
  keyId: name,
  signature: hexOf(64).map((hex) => hex.slice(2)),
})

/** One letter of a text replaced, put in or left out. */
interface Edit {
  readonly at: number
  readonly put: string
  readonly drop: number
}
const edits: fc.Arbitrary<Edit> = fc.record({
  at: fc.nat(2_000),
  put: fc.constantFrom('', '0', '9', 'a', 'F', '"', '\\', ' ', '}', ',', '-', 'é', '\n'),
  drop: fc.nat(1),
})

function edited(text: string, { at, put, drop }: Edit): string {
  const from = at % text.length
  return text.slice(0, from) + put + text.slice(from + drop)
}

function outcome<Read extends object>(parse: () => Read): Read | string {
  try {
    return parse()
  } catch (error) {
    expect(error).toBeInstanceOf(ProtocolError)
    return String(error)
  }
}

/** The receipt of a stream that is nothing but this frame and its end. */
function receiptOf(frame: string): ComputeReceipt {
  const splitter = new SseReceiptSplitter()
  splitter.push(utf8(`${frame}\n\n${DONE_FRAME}`))
  return splitter.end().receipt
}

const hex = (length: number): string => `0x${'1a'.repeat(length)}`

/** The header of an authorisation with these members of `auth`, and these beside it. */
function authorisationOf(
  changes: Readonly<Record<string, JsonValue>>,
  more: Readonly<Record<string, JsonValue>> = {},
): string {
  const auth = {
    bindingId: hex(32),
    channelId: hex(32),
    maxFee: '1',
    nonce: '1',
    requestHash: hex(32),
    validUntil: '1',
    ...changes,
  }
  const text = canonicalJson({ auth, salt: hex(32), signature: hex(65), v: 1, ...more })
  return toBase64Url(utf8(text))
}

describe('E19 non_canonical_rejected', () => {
  test('a receipt, and a receipt with one letter changed', () => {
    fc.assert(
      fc.property(receipts, edits, (receipt, edit) => {
        const text = encodeComputeReceipt(receipt)
        expect(parseComputeReceipt(text)).toEqual(receipt)
        const changed = edited(text, edit)
        const read = outcome(() => parseComputeReceipt(changed))
        // What is taken is written back letter by letter.
        if (typeof read !== 'string') expect(encodeComputeReceipt(read)).toBe(changed)
      }),
      { numRuns: 1_000 },
    )
  })

  test('an authorisation with one letter changed is its own text, or none', () => {
    const voucher = fc.record({ cumulative: uint(128), signature: hexOf(65) })
    const signed = fc.record(
      { auth: auths, salt: hexOf(32), signature: hexOf(65), voucher },
      // With a voucher it has no quick form.
      { requiredKeys: ['auth', 'salt', 'signature'] },
    )
    fc.assert(
      fc.property(signed, edits, (one, edit) => {
        const text = new TextDecoder().decode(fromBase64Url(encodeAuthorization(one)))
        expect(parseAuthorization(encodeAuthorization(one))).toEqual(one)
        const changed = edited(text, edit)
        const read = outcome(() => parseAuthorization(toBase64Url(utf8(changed))))
        if (typeof read !== 'string') {
          expect(encodeAuthorization(read)).toBe(toBase64Url(utf8(changed)))
        }
      }),
      { numRuns: 1_000 },
    )
  })

  test('P21 a voucher is read as strictly as what stands around it', () => {
    const read = (voucher: JsonValue): object | string =>
      outcome(() => parseAuthorization(authorisationOf({}, { voucher })))
    const good = { cumulative: '7', signature: hex(65) }
    expect(read(good)).toMatchObject({ voucher: { cumulative: 7n, signature: hex(65) } })
    const place = 'authorization.voucher'
    const table: readonly (readonly [JsonValue, string])[] = [
      [null, `${place}: expected an object`],
      ['7', `${place}: expected an object`],
      [{ cumulative: '7' }, `${place}.signature: missing`],
      [{ signature: hex(65) }, `${place}.cumulative: missing`],
      [{ ...good, channelId: hex(32) }, `${place}: unknown member`],
      [{ ...good, cumulative: 7 }, `${place}.cumulative: expected a string`],
      [{ ...good, cumulative: '07' }, `${place}.cumulative: expected a decimal`],
      [{ ...good, cumulative: '-7' }, `${place}.cumulative: expected a decimal`],
      [{ ...good, cumulative: (2n ** 128n).toString() }, `${place}.cumulative: does not fit`],
      [{ ...good, signature: hex(64) }, `${place}.signature`],
      [{ ...good, signature: hex(65).toUpperCase() }, `${place}.signature`],
    ]
    for (const [voucher, message] of table) expect(read(voucher)).toContain(message)
    expect(read({ ...good, cumulative: (2n ** 128n - 1n).toString() })).not.toBeTypeOf('string')
  })

  test('a chunk with a receipt, and one with a letter changed', () => {
    fc.assert(
      fc.property(receipts, fc.string({ maxLength: 20 }), edits, (receipt, id, edit) => {
        const chunk = { id, model: receipt.model, created: 1_790_000_000 }
        const frame = new TextDecoder().decode(receiptFrame(receipt, chunk)).trimEnd()
        expect(receiptOf(frame)).toEqual(receipt)
        const start = 'event: receipt\ndata: '
        const changed = start + edited(frame.slice(start.length), edit)
        const read = outcome(() => receiptOf(changed))
        if (typeof read === 'string') return
        const data = JSON.parse(changed.slice(start.length)) as Record<string, never>
        expect(changed).toBe(start + canonicalJson(data))
        expect(data).toMatchObject({ model: read.model, object: 'chat.completion.chunk' })
        expect(canonicalJson(data['receipt'] ?? null)).toBe(encodeComputeReceipt(read))
      }),
      { numRuns: 1_000 },
    )
  })

  test.each([
    ['maxFee', 2n ** 128n],
    ['nonce', 2n ** 256n],
    ['validUntil', 2n ** 64n],
  ])('%s beyond its bits is refused in the words of all', (member, value) => {
    expect(() => parseAuthorization(authorisationOf({ [member]: value.toString() }))).toThrow(
      `authorization.auth.${member}: does not fit in`,
    )
  })
})
