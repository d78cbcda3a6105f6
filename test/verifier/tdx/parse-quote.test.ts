import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import type { SimulatedPlatform, SimulatedTd } from '@jeju/simulator'
import {
  encodeQuote,
  parseQuote,
  simulatedTrustAnchor,
  VerifierError,
  verifyQuote,
} from '@jeju/verifier'
import { concatBytes, toHex, utf8 } from '@jeju/verifier/protocol'
import { PckChains } from '../../../verifier/src/tdx/check-pck-chain.ts'
import { Certificates } from '../../../verifier/src/tdx/issuance.ts'
import {
  checkQeReportBinding,
  checkQuoteSignature,
  QeReports,
} from '../../../verifier/src/tdx/check-quote.ts'
import { Cursor } from '../../../verifier/src/bytes/cursor.ts'
import { P256Verifier } from '../../../verifier/src/x509/p256.ts'
import {
  MAX_PADDING_BYTES,
  MAX_PCK_CHAIN_BYTES,
  MAX_QUOTE_BYTES,
} from '../../../verifier/src/tdx/parse-quote.ts'
import { AT, machine } from '../evidence/fixture.ts'

const PADDING_BYTES = 70
const SIGNATURE_LENGTH = 632
const SIGNATURE = 636
/** Offsets inside the signature section (A.3.7 to A.3.11), with 32 bytes of auth data. */
const OUTER_TYPE = SIGNATURE + 128
const OUTER_LENGTH = SIGNATURE + 130
const QE_REPORT = SIGNATURE + 134
const QE_AUTH_LENGTH = QE_REPORT + 448
const INNER_TYPE = QE_AUTH_LENGTH + 2 + 32
const INNER_LENGTH = INNER_TYPE + 2
const CHAIN = INNER_LENGTH + 4

let platform: SimulatedPlatform
let td: SimulatedTd
let quote: Uint8Array
let bare: Uint8Array

const reportData = Uint8Array.from({ length: 64 }, (_, index) => index)

beforeAll(async () => {
  ;({ platform, td } = await machine())
  quote = await td.quote(reportData)
  bare = quote.slice(0, -PADDING_BYTES)
})

/** Code with which an input is refused, or `read`. */
function outcome(input: Uint8Array): string {
  try {
    parseQuote(input)
    return 'read'
  } catch (error) {
    if (error instanceof VerifierError) return error.code
    throw error
  }
}

function changed(offset: number, ...bytes: readonly number[]): Uint8Array {
  const copy = quote.slice()
  copy.set(bytes, offset)
  return copy
}

/** A little-endian integer moved by `by`. */
function moved(offset: number, by: number): Uint8Array {
  const copy = quote.slice()
  const view = new DataView(copy.buffer)
  view.setUint32(offset, view.getUint32(offset, true) + by, true)
  return copy
}

describe('fields', () => {
  test('A11 measurement_parsed_from_quote: full registers, from their place in the signed bytes', () => {
    const { body, signedBytes } = parseQuote(quote)
    const { mrtd, rtmr0, rtmr1, rtmr2, rtmr3 } = td.measurements
    expect(toHex(body.mrTd)).toBe(mrtd)
    expect(body.rtmrs.map(toHex)).toEqual([rtmr0, rtmr1, rtmr2, rtmr3])
    expect(body.reportData).toEqual(reportData)
    expect(signedBytes).toEqual(quote.subarray(0, 632))
    for (const register of [body.mrTd, body.mrSeam, body.mrConfigId, ...body.rtmrs]) {
      expect(register).toHaveLength(48)
    }
  })

  test('A9 tee_type_string_ignored, sgx_quote_for_tdx_rejected: the type comes from the bytes', () => {
    expect(outcome(changed(4, 0, 0, 0, 0))).toBe('QUOTE_TEE_TYPE_UNSUPPORTED')
    expect(outcome(changed(4, 0x81, 0, 0, 1))).toBe('QUOTE_TEE_TYPE_UNSUPPORTED')
    expect(outcome(changed(0, 3, 0))).toBe('QUOTE_VERSION_UNSUPPORTED')
    expect(outcome(concatBytes(utf8('TDX'), quote))).toBe('QUOTE_VERSION_UNSUPPORTED')
  })

  test.each([
    ['version 3', 0, [3, 0], 'QUOTE_VERSION_UNSUPPORTED'],
    ['version 6', 0, [6, 0], 'QUOTE_VERSION_UNSUPPORTED'],
    ['version 5 without a descriptor', 0, [5, 0], 'QUOTE_BODY_UNSUPPORTED'],
    ['version 0x0104', 0, [4, 1], 'QUOTE_VERSION_UNSUPPORTED'],
    ['key type P-384', 2, [3, 0], 'QUOTE_KEY_TYPE_UNSUPPORTED'],
    ['key type 0', 2, [0, 0], 'QUOTE_KEY_TYPE_UNSUPPORTED'],
    ['B2 qe_vendor_id_rejected', 12, [0], 'QUOTE_VENDOR_UNKNOWN'],
    ['outer type 5', OUTER_TYPE, [5, 0], 'QUOTE_CERT_DATA_UNSUPPORTED'],
    ['inner type 1', INNER_TYPE, [1, 0], 'QUOTE_CERT_DATA_UNSUPPORTED'],
    ['inner type 6', INNER_TYPE, [6, 0], 'QUOTE_CERT_DATA_UNSUPPORTED'],
    ['signature length 0', SIGNATURE_LENGTH, [0, 0, 0, 0], 'INPUT_TRUNCATED'],
    ['signature length ffffffff', SIGNATURE_LENGTH, [255, 255, 255, 255], 'INPUT_TRUNCATED'],
    ['outer length ffffffff', OUTER_LENGTH, [255, 255, 255, 255], 'QUOTE_LENGTH_MISMATCH'],
    ['inner length ffffffff', INNER_LENGTH, [255, 255, 255, 255], 'QUOTE_LENGTH_MISMATCH'],
    ['auth data length ffff', QE_AUTH_LENGTH, [255, 255], 'INPUT_TRUNCATED'],
  ])('%s', (_, offset, bytes, expected) => {
    expect(outcome(changed(offset, ...bytes))).toBe(expected)
  })

  test('reserved header bytes are not a reason to refuse; they are signed', () => {
    expect(outcome(changed(8, 1, 2, 3, 4))).toBe('read')
  })
})

describe('lengths', () => {
  test('every prefix is refused with a code', () => {
    for (let length = 0; length < bare.length; length++) {
      expect(outcome(bare.subarray(0, length)), String(length)).toBe('INPUT_TRUNCATED')
    }
    expect(outcome(bare)).toBe('read')
  })

  test('a length one off at any of three levels is refused', () => {
    for (const by of [-1, 1]) {
      for (const offset of [SIGNATURE_LENGTH, OUTER_LENGTH, INNER_LENGTH]) {
        expect(outcome(moved(offset, by)), `${offset} ${by}`).not.toBe('read')
      }
    }
  })

  test('what follows is zeros, and no more than the limit', () => {
    const padded = (zeros: number): Uint8Array => concatBytes(bare, new Uint8Array(zeros))
    expect(outcome(padded(1))).toBe('read')
    expect(outcome(padded(MAX_PADDING_BYTES))).toBe('read')
    expect(outcome(padded(MAX_PADDING_BYTES + 1))).toBe('INPUT_TRAILING')
    expect(outcome(padded(MAX_QUOTE_BYTES))).toBe('QUOTE_TOO_LARGE')
    fc.assert(
      fc.property(fc.nat(PADDING_BYTES - 1), fc.integer({ min: 1, max: 255 }), (index, value) => {
        expect(outcome(changed(bare.length + index, value))).toBe('INPUT_TRAILING')
      }),
    )
  })

  test('a chain larger than three certificates can be', () => {
    const chain = new Uint8Array(MAX_PCK_CHAIN_BYTES + 1)
    const grown = concatBytes(bare.subarray(0, CHAIN), chain)
    const view = new DataView(grown.buffer)
    view.setUint32(INNER_LENGTH, chain.length, true)
    view.setUint32(OUTER_LENGTH, grown.length - QE_REPORT, true)
    view.setUint32(SIGNATURE_LENGTH, grown.length - SIGNATURE, true)
    expect(outcome(grown)).toBe('QUOTE_TOO_LARGE')
  })

  test('whatever comes, the answer is a quote or a code', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2_000 }), (input) => {
        expect(outcome(input)).not.toBe('read')
      }),
    )
    const edits = fc.array(fc.tuple(fc.nat(CHAIN), fc.nat(255)), { minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(edits, (list) => {
        const copy = quote.slice()
        for (const [index, value] of list) copy[index] = value
        expect(typeof outcome(copy)).toBe('string')
      }),
    )
  })
})

describe('cursor', () => {
  test('a field is read at the next unread byte, inside the input, and nothing is left over', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 64 }),
        fc.nat(80),
        fc.nat(80),
        (input, start, length) => {
          const cursor = new Cursor(input, 'place')
          const read = (): Uint8Array => cursor.bytes(start, length, 'field')
          if (start !== 0) {
            expect(read).toThrow(expect.objectContaining({ code: 'INPUT_LAYOUT' }))
          } else if (length > input.length) {
            expect(read).toThrow(expect.objectContaining({ code: 'INPUT_TRUNCATED' }))
          } else {
            expect(read()).toEqual(input.subarray(0, length))
            expect(cursor.remaining).toBe(input.length - length)
            if (cursor.remaining === 0) cursor.end()
            else
              expect(() => cursor.end()).toThrow(
                expect.objectContaining({ code: 'INPUT_TRAILING' }),
              )
          }
        },
      ),
    )
  })

  test('integers are little-endian, in views too', () => {
    const cursor = new Cursor(Uint8Array.of(9, 1, 2, 3, 4, 5, 255).subarray(1), 'place')
    expect(cursor.uint16(0, 'a')).toBe(0x0201)
    expect(cursor.uint32(2, 'b')).toBe(0xff050403)
  })
})

/** Whether all four signature checks pass. */
async function isGenuine(input: Uint8Array): Promise<boolean> {
  if (outcome(input) !== 'read') return false
  const trustAnchor = simulatedTrustAnchor('tests', platform.rootCertificateDer)
  const { checks } = await verifyQuote(input, undefined, { at: AT, trustAnchor })
  // The first four need no collateral.
  return checks.slice(0, 4).every(({ status }) => status === 'passed')
}

test('parse, then encode: the same bytes, less the padding of the buffer', () => {
  const encoded = encodeQuote(parseQuote(quote))
  expect(encoded).toEqual(quote.subarray(0, encoded.length))
  expect(quote.subarray(encoded.length).every((byte) => byte === 0)).toBe(true)
  expect(encodeQuote(parseQuote(encoded, { trailing: 'none' }))).toEqual(encoded)
})

describe('signatures', () => {
  test('B14 quote_mutation_sweep: no flipped byte of a simulated quote verifies', async () => {
    expect(await isGenuine(quote)).toBe(true)
    // Every byte that is not certificate text, then every fifth of the text: each flip there reads certificates.
    for (let index = 0; index < quote.length; index += index < CHAIN ? 1 : 5) {
      const mask = 1 << (index % 8)
      const flipped = changed(index, (quote[index] ?? 0) ^ mask)
      expect(await isGenuine(flipped), `byte ${index}, mask ${mask}`).toBe(false)
    }
  })

  test('B9 attestation_key_unbound_rejected: a key of the forger, and a good signature by it', async () => {
    const forged = quote.slice()
    const key = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, [
      'sign',
    ])
    const signature = await crypto.subtle.sign(
      { name: 'ECDSA', hash: 'SHA-256' },
      key.privateKey,
      forged.slice(0, 632),
    )
    const point = new Uint8Array(await crypto.subtle.exportKey('raw', key.publicKey)).subarray(1)
    forged.set(new Uint8Array(signature), SIGNATURE)
    forged.set(point, SIGNATURE + 64)
    const parsed = parseQuote(forged)
    expect((await checkQuoteSignature(parsed, new P256Verifier())).status).toBe('passed')
    expect(checkQeReportBinding(parsed).status).toBe('failed')

    // Binding the key in the QE report as well breaks the signature of the PCK.
    const joined = concatBytes(point, parsed.signature.qeAuthData)
    forged.set(new Uint8Array(await crypto.subtle.digest('SHA-256', joined)), QE_REPORT + 320)
    const rebound = parseQuote(forged)
    expect(checkQeReportBinding(rebound).status).toBe('passed')
    expect(await isGenuine(forged)).toBe(false)
  })

  test('B9 qe_report_wrong_signer_rejected: the report and chain of two platforms', async () => {
    const other = parseQuote(await (await machine()).td.quote(reportData))
    const anchor = simulatedTrustAnchor('tests', platform.rootCertificateDer)
    const { pckChainPem } = parseQuote(quote).signature
    const keys = new P256Verifier()
    const { chain, check } = await new PckChains(anchor, new Certificates(keys)).check(
      pckChainPem,
      AT.getTime(),
    )
    expect(check.status).toBe('passed')
    const reports = new QeReports(keys)
    // Kept or not, a report belongs to the leaf that signed it.
    expect((await reports.check(parseQuote(quote), chain?.leaf)).status).toBe('passed')
    expect((await reports.check(other, chain?.leaf)).status).toBe('failed')
    expect((await reports.check(other, undefined)).status).toBe('skipped')
  })

  test('B9 a quoting enclave in debug mode, certified and bound all the same', async () => {
    const debug = quote.slice()
    const attributes = QE_REPORT + 48
    debug[attributes] = (debug[attributes] ?? 0) | 0x02
    const signature = await crypto.subtle.sign(
      { name: 'ECDSA', hash: 'SHA-256' },
      platform.pki.pckLeaf.key.privateKey,
      debug.slice(QE_REPORT, QE_REPORT + 384),
    )
    debug.set(new Uint8Array(signature), QE_REPORT + 384)
    const anchor = simulatedTrustAnchor('tests', platform.rootCertificateDer)
    const parsed = parseQuote(debug)
    const { checks } = await verifyQuote(parsed, undefined, { at: AT, trustAnchor: anchor })
    expect(checks[2]).toMatchObject({
      name: 'qe-report-signature',
      status: 'failed',
      actual: 'DEBUG is set',
      code: 'QE_DEBUG',
    })
    expect(await isGenuine(debug)).toBe(false)
  })

  test('high-s signatures are as good as low-s; zero and out-of-range ones are none', async () => {
    const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
    const s = BigInt(toHex(quote.subarray(SIGNATURE + 32, SIGNATURE + 64)))
    const withS = (value: bigint): Uint8Array =>
      changed(SIGNATURE + 32, ...Buffer.from(value.toString(16).padStart(64, '0'), 'hex'))
    const passes = async (input: Uint8Array): Promise<string> =>
      (await checkQuoteSignature(parseQuote(input), new P256Verifier())).status
    expect(await passes(withS(order - s))).toBe('passed')
    for (const value of [0n, order, order + 1n, 2n ** 256n - 1n]) {
      expect(await passes(withS(value)), value.toString(16)).toBe('failed')
    }
    expect(await passes(changed(SIGNATURE, ...new Uint8Array(32)))).toBe('failed')
    expect(await passes(changed(SIGNATURE + 64, ...new Uint8Array(64)))).toBe('failed')
  })
})
