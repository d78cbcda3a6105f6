import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { runtimeEvent, type LogEvent } from '@jeju/simulator'
import { concatBytes, utf8 } from '@jeju/verifier/protocol'
import {
  encodeAttestationV0,
  encodeAttestationV1,
  type AttestationContent,
} from '../../../simulator/src/td/attestation-bundle.ts'
import { checkAttestationLog } from '../../../verifier/src/dstack/attestation/check-attestation-log.ts'
import {
  decodeAttestation,
  MAX_ATTESTATION_BYTES,
} from '../../../verifier/src/dstack/attestation/decode-attestation.ts'
import { MAX_EVENTS } from '../../../verifier/src/dstack/log-event.ts'
import { outcome } from './decode-outcome.ts'

const bytes = (maxLength: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ maxLength })
const bootEvents: fc.Arbitrary<LogEvent> = fc.record({
  imr: fc.nat(2),
  eventType: fc.nat(0x7fffffff).map((type) => type * 2),
  digest: bytes(60),
  name: fc.string({ unit: 'grapheme', maxLength: 40 }),
  payload: bytes(300),
})
const ownEvents = fc
  .tuple(fc.string({ unit: 'grapheme', maxLength: 70 }), bytes(300))
  .map(([name, payload]) => runtimeEvent(name, payload))
const contents: fc.Arbitrary<AttestationContent> = fc.record({
  quote: bytes(700),
  events: fc.array(fc.oneof(bootEvents, ownEvents), { maxLength: 20 }),
  reportData: fc.uint8Array({ minLength: 64, maxLength: 64 }),
  config: fc.string({ unit: 'grapheme', maxLength: 300 }),
})

const sample: AttestationContent = {
  quote: Uint8Array.from({ length: 300 }, (_, index) => index),
  events: [
    { imr: 0, eventType: 4, digest: new Uint8Array(48).fill(1), name: '', payload: utf8('boot') },
    runtimeEvent('app-id', new Uint8Array(20)),
    runtimeEvent('system-ready', new Uint8Array(0)),
  ],
  reportData: new Uint8Array(64).fill(0x42),
  config: '{"cpu_count":2}',
}

const FORMATS = [
  { version: 0, encode: encodeAttestationV0 },
  { version: 1, encode: encodeAttestationV1 },
] as const

describe.each(FORMATS)('version $version', ({ version, encode }) => {
  test('what was written is read', () => {
    fc.assert(
      fc.property(contents, (content) => {
        const attestation = decodeAttestation(encode(content))
        expect(attestation).toEqual({
          version,
          quote: content.quote,
          eventLog: content.events.map((event) => ({ ...event, version: 1, preimage: undefined })),
          runtimeEvents: content.events
            .filter(({ imr }) => imr === 3)
            .map(({ name, payload }) => ({ name, payload, version: 1 })),
          reportData: content.reportData,
          config: content.config,
        })
      }),
    )
  })

  test('every prefix is refused, and everything behind the end', () => {
    const good = encode(sample)
    expect(outcome(good)).toBe('read')
    for (let length = 0; length < good.length; length++) {
      expect(outcome(good.slice(0, length)), `${length} bytes`).toBe('INPUT_TRUNCATED')
    }
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 80 }), (more) => {
        expect(outcome(concatBytes(good, more))).toBe('INPUT_TRAILING')
      }),
    )
  })

  test('E19 changed bytes are refused by code, or are what another content is written as', () => {
    const good = encode(sample)
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.nat(255), (index, value) => {
        const changed = good.with(index, value)
        if (outcome(changed) !== 'read') return
        const { quote, eventLog, runtimeEvents, reportData, config } = decodeAttestation(changed)
        const events = eventLog.map(({ imr, eventType, digest, name, payload }) => ({
          imr,
          eventType,
          digest,
          name,
          payload,
        }))
        const measured = events.filter(({ imr }) => imr === 3)
        const agree =
          measured.length === runtimeEvents.length &&
          measured.every(
            ({ name, payload }, at) =>
              name === runtimeEvents[at]?.name &&
              String(payload) === String(runtimeEvents[at].payload),
          )
        if (agree) expect(encode({ quote, events, reportData, config })).toEqual(changed)
        else
          expect(
            checkAttestationLog(decodeAttestation(changed), new Uint8Array(48)).platform,
          ).toBeUndefined()
      }),
      { numRuns: 1500 },
    )
  })

  test('a text that is not UTF-8 is refused', () => {
    const good = encode({ ...sample, config: 'ÿ' })
    const at = good.lastIndexOf(0xc3)
    expect(outcome(good.with(at, 0xff))).toBe('ATTESTATION_INVALID')
  })

  test('limits are those stated', () => {
    const event = runtimeEvent('e', new Uint8Array(0))
    const events = Array.from({ length: MAX_EVENTS }, () => event)
    expect(outcome(encode({ ...sample, events }))).toBe('read')
    expect(outcome(encode({ ...sample, events: [...events, event] }))).toBe('ATTESTATION_INVALID')
  })
})

test('whatever the bytes, they are refused by code', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: 300 }),
        fc.uint8Array({ maxLength: 300 }).map((rest) => Uint8Array.of(0, 0, ...rest)),
        fc.uint8Array({ maxLength: 300 }).map((rest) => Uint8Array.of(0x83, ...rest)),
      ),
      (input) => {
        expect(outcome(input)).not.toBe('read')
      },
    ),
  )
})

test('bytes that are no bundle, and more than anybody needs', () => {
  expect(outcome(new Uint8Array(0))).toBe('INPUT_TRUNCATED')
  for (const first of [0x01, 0x7b, 0x90, 0xa0, 0xbf, 0xff]) {
    expect(outcome(Uint8Array.of(first, 0))).toBe('ATTESTATION_INVALID')
  }
  expect(outcome(new Uint8Array(MAX_ATTESTATION_BYTES + 1))).toBe('ATTESTATION_TOO_LARGE')
})

describe('SCALE', () => {
  const good = encodeAttestationV0(sample)
  /** Offset of the quote's compact length, 300: two bytes. */
  const LENGTH = 2

  test('other platforms are named as such', () => {
    for (const variant of [1, 2, 3, 4, 255]) {
      expect(outcome(good.with(1, variant))).toBe('ATTESTATION_UNSUPPORTED')
    }
  })

  test('E19 a length in a longer form, or of more than 30 bits', () => {
    const withLength = (...length: number[]): Uint8Array =>
      concatBytes(good.slice(0, LENGTH), Uint8Array.from(length), good.slice(LENGTH + 2))
    expect(outcome(withLength(0xb1, 0x04))).toBe('read')
    expect(outcome(withLength(0xb2, 0x04, 0, 0))).toBe('ATTESTATION_INVALID')
    expect(outcome(withLength(0x03, 0x2c, 0x01, 0, 0))).toBe('ATTESTATION_INVALID')
    // 63 fits into one byte.
    expect(outcome(withLength(0xfd, 0x00))).toBe('ATTESTATION_INVALID')
  })

  test('a count that promises more than there is', () => {
    const huge = concatBytes(good.slice(0, LENGTH), Uint8Array.of(0xfe, 0xff, 0xff, 0xff))
    expect(outcome(huge)).toBe('INPUT_TRUNCATED')
  })
})
