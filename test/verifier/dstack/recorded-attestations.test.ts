import { describe, expect, test } from 'vitest'
import { parseQuote, VerifierError } from '@jeju/verifier'
import { fromBareHex, toBareHex } from '@jeju/verifier/protocol'
import {
  encodeAttestationV0,
  encodeAttestationV1,
} from '../../../simulator/src/td/attestation-bundle.ts'
import type { DstackAttestation } from '../../../verifier/src/dstack/attestation/attestation.ts'
import { checkAttestationLog } from '../../../verifier/src/dstack/attestation/check-attestation-log.ts'
import { decodeAttestation } from '../../../verifier/src/dstack/attestation/decode-attestation.ts'
import { mrConfigIdV1 } from '../../../verifier/src/dstack/mr-config.ts'
import { singlePayload } from '../../../verifier/src/dstack/platform-events.ts'
import { haveVectors, vectorBytes, vectorJson } from '../vectors.ts'

const hexBundle = (...path: string[]): Uint8Array =>
  fromBareHex((vectorJson('dstack', ...path) as { readonly attestation: string }).attestation)

/** Bundles of real machines: of a full log, of a stripped one, and one boot in both formats. */
const BUNDLES = [
  {
    id: 'simulator fixture of dstack, version 0',
    read: () => vectorBytes('dstack', 'dstack-next', 'simulator', 'attestation.bin'),
    expected: {
      version: 0,
      bytes: 9504,
      events: 33,
      runtime: 9,
      boot: 'replayed from served digests',
    },
  },
  {
    id: 'stripped log, version 0',
    read: () => hexBundle('dstack-next', 'verifier', 'tdx-lite-attestation.json'),
    expected: { version: 0, bytes: 7305, events: 12, runtime: 9, boot: 'not carried by the log' },
  },
  {
    id: 'dstack 0.6, version 0',
    read: () => hexBundle('dstack-0.6', 'verifier', 'tdx-lite-v0-attest.json'),
    expected: {
      version: 0,
      bytes: 10323,
      events: 29,
      runtime: 9,
      boot: 'replayed from served digests',
    },
  },
  {
    id: 'dstack 0.6, version 1',
    read: () => hexBundle('dstack-0.6', 'verifier', 'tdx-lite-v1-attest.json'),
    expected: {
      version: 1,
      bytes: 12129,
      events: 29,
      runtime: 9,
      boot: 'replayed from served digests',
    },
  },
] as const

describe.runIf(haveVectors).each(BUNDLES)('recorded bundle: $id', ({ read, expected }) => {
  const input = haveVectors ? read() : new Uint8Array(0)
  const decoded = (): DstackAttestation => decodeAttestation(input)

  test('decodes to its last byte', () => {
    const { version, eventLog, runtimeEvents, config } = decoded()
    expect({
      version,
      bytes: input.length,
      events: eventLog.length,
      runtime: runtimeEvents.length,
    }).toEqual({
      version: expected.version,
      bytes: expected.bytes,
      events: expected.events,
      runtime: expected.runtime,
    })
    expect(JSON.parse(config)).toBeTypeOf('object')
  })

  test('written again it is the same bytes', () => {
    const { version, quote, eventLog, reportData, config } = decoded()
    const content = { quote, events: eventLog, reportData, config }
    const again = version === 0 ? encodeAttestationV0(content) : encodeAttestationV1(content)
    expect(toBareHex(again)).toBe(toBareHex(input))
  })

  test('its log is that of its quote, whose report data it repeats', () => {
    const attestation = decoded()
    const { rtmrs, reportData, mrConfigId } = parseQuote(attestation.quote).body
    const [rtmr0, rtmr1, rtmr2, rtmr3] = rtmrs
    const { check, platform } = checkAttestationLog(attestation, rtmr3, [rtmr0, rtmr1, rtmr2])
    expect(check).toMatchObject({
      status: 'passed',
      evidence: {
        registers: {
          rtmr0: expected.boot,
          rtmr1: expected.boot,
          rtmr2: expected.boot,
          rtmr3: 'recomputed from names and payloads',
        },
      },
    })
    expect(attestation.reportData).toEqual(reportData)
    const composeHash = singlePayload(platform ?? [], 'compose-hash') ?? new Uint8Array(0)
    expect(mrConfigIdV1(composeHash)).toEqual(mrConfigId)
  })

  test('A3 one list edited, or both', () => {
    const attestation = decoded()
    const { rtmrs } = parseQuote(attestation.quote).body
    const edit = <Event extends { readonly name: string }>(events: readonly Event[]): Event[] =>
      events.map((event) =>
        event.name === 'compose-hash' ? { ...event, payload: new Uint8Array(32) } : event,
      )
    const eventLog = edit(attestation.eventLog)
    const runtimeEvents = edit(attestation.runtimeEvents)
    const status = (changes: Partial<DstackAttestation>): string =>
      checkAttestationLog({ ...attestation, ...changes }, rtmrs[3]).check.status
    expect(status({})).toBe('passed')
    expect(status({ eventLog })).toBe('failed')
    expect(status({ runtimeEvents })).toBe('failed')
    expect(status({ eventLog, runtimeEvents })).toBe('failed')
    const [first] = attestation.runtimeEvents
    if (first === undefined) throw new Error('no runtime event')
    expect(status({ runtimeEvents: [...attestation.runtimeEvents, first] })).toBe('failed')
    expect(status({ runtimeEvents: attestation.runtimeEvents.slice(0, -1) })).toBe('failed')
  })

  test('every prefix is refused', () => {
    for (let length = 0; length < input.length; length += 17) {
      let code: string | undefined
      try {
        decodeAttestation(input.subarray(0, length))
      } catch (error) {
        if (!(error instanceof VerifierError)) throw error
        code = error.code
      }
      expect(code, `${length} bytes`).toBe('INPUT_TRUNCATED')
    }
  })
})

test.runIf(haveVectors)('one boot says the same in both formats', () => {
  const [zero, one] = [BUNDLES[2], BUNDLES[3]].map(({ read }) => decodeAttestation(read()))
  expect(one?.eventLog).toEqual(zero?.eventLog)
  expect(one?.runtimeEvents).toEqual(zero?.runtimeEvents)
  expect(one?.reportData).toEqual(zero?.reportData)
  expect(one?.config).toBe(zero?.config)
})
