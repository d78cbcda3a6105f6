import { expect, test } from 'vitest'
import { RUNTIME_EVENT_TYPE, utf8 } from '@jeju/verifier/protocol'
import { checkAttestationLog } from '../../../verifier/src/dstack/attestation/check-attestation-log.ts'
import { decodeAttestation } from '../../../verifier/src/dstack/attestation/decode-attestation.ts'
import { replayRtmr3 } from '../../../verifier/src/dstack/replay.ts'
import { outcome } from './decode-outcome.ts'

/** A bundle written by hand, so that each piece can be another. */
interface Pieces {
  readonly root?: readonly number[]
  readonly version?: readonly number[]
  readonly kind?: string
  readonly quote?: readonly number[]
  readonly event?: readonly number[]
  readonly stackKind?: string
  readonly reportData?: readonly number[]
  readonly runtime?: readonly number[]
  readonly tail?: readonly number[]
  readonly dataMembers?: number
}
const text = (value: string): readonly number[] => {
  const encoded = utf8(value)
  return encoded.length < 32
    ? [0xa0 | encoded.length, ...encoded]
    : [0xd9, encoded.length, ...encoded]
}
const type = [0xce, 0x08, 0x00, 0x00, 0x01]
const event = [
  0x85,
  ...text('imr'),
  3,
  ...text('event_type'),
  ...type,
  ...text('digest'),
  0xc4,
  0,
  ...text('event'),
  ...text('x'),
  ...text('event_payload'),
  0xc4,
  1,
  7,
]
const runtime = [0x82, ...text('event'), ...text('x'), ...text('payload'), 0xc4, 1, 7]
const zeros = [0xdc, 0, 64, ...new Uint8Array(64)]
const bundle = (pieces: Pieces = {}): Uint8Array =>
  Uint8Array.from([
    ...(pieces.root ?? [0x83]),
    ...text('version'),
    ...(pieces.version ?? [1]),
    ...text('platform'),
    0x82,
    ...text('kind'),
    ...text(pieces.kind ?? 'tdx'),
    ...text('data'),
    0x82,
    ...text('quote'),
    ...(pieces.quote ?? [0x91, 5]),
    ...text('event_log'),
    0x91,
    ...(pieces.event ?? event),
    ...text('stack'),
    0x82,
    ...text('kind'),
    ...text(pieces.stackKind ?? 'dstack'),
    ...text('data'),
    0x80 | (pieces.dataMembers ?? 3),
    ...text('report_data'),
    ...(pieces.reportData ?? zeros),
    ...text('runtime_events'),
    0x91,
    ...(pieces.runtime ?? runtime),
    ...text('config'),
    ...text('{}'),
    ...(pieces.tail ?? []),
  ])

test('the bundle by hand is read, and one of a pod', () => {
  const { quote, eventLog, config } = decodeAttestation(bundle())
  expect([...quote]).toEqual([5])
  expect(eventLog[0]).toMatchObject({ imr: 3, eventType: RUNTIME_EVENT_TYPE, name: 'x' })
  expect(config).toBe('{}')
  const pod = { stackKind: 'dstack-pod', dataMembers: 4 }
  const tail = [...text('report_data_payload'), ...text('hello')]
  expect(decodeAttestation(bundle({ ...pod, tail })).reportDataPayload).toBe('hello')
  expect(outcome(bundle({ stackKind: 'dstack-pod' }))).toBe('ATTESTATION_INVALID')
})

test('digest versions and pre-images of events', () => {
  const tail = [...text('version'), 2, ...text('preimage'), ...text('7b7d')]
  const { eventLog, runtimeEvents } = decodeAttestation(
    bundle({
      event: [0x87, ...event.slice(1), ...tail],
      runtime: [0x83, ...runtime.slice(1), ...text('version'), 2],
    }),
  )
  expect(eventLog[0]).toMatchObject({ version: 2, preimage: utf8('{}') })
  expect(runtimeEvents[0]).toMatchObject({ version: 2 })
  const odd = [0x86, ...event.slice(1), ...text('preimage'), ...text('7b7')]
  expect(outcome(bundle({ event: odd }))).toBe('ATTESTATION_INVALID')
  const third = [0x83, ...runtime.slice(1), ...text('version'), 3]
  expect(outcome(bundle({ runtime: third }))).toBe('ATTESTATION_UNSUPPORTED')
})

test('other versions and platforms are named as such', () => {
  for (const pieces of [
    { version: [0] },
    { version: [2] },
    { version: [0xcd, 1, 0] },
    { kind: 'gcp-tdx' },
    { kind: 'sev-snp' },
    { stackKind: 'other' },
  ]) {
    expect(outcome(bundle(pieces))).toBe('ATTESTATION_UNSUPPORTED')
  }
})

test.each<readonly [string, Pieces]>([
  ['a version in a longer form', { version: [0xcc, 1] }],
  ['a version in the longest form', { version: [0xce, 0, 0, 0, 1] }],
  ['a version of 64 bits', { version: [0xcf, 0, 0, 0, 0, 0, 0, 0, 1] }],
  ['a negative version', { version: [0xff] }],
  ['a version as text', { version: text('1') }],
  ['no version', { version: [0xc0] }],
  ['a map with a longer length', { root: [0xde, 0, 3] }],
  ['an array with a longer length', { quote: [0xdc, 0, 1, 5] }],
  ['an array with the longest length', { quote: [0xdd, 0, 0, 0, 1, 5] }],
  ['a quote as bytes', { quote: [0xc4, 1, 5] }],
  ['a quote with an integer above 255', { quote: [0x91, 0xcd, 1, 0] }],
  ['a quote with a byte in a longer form', { quote: [0x91, 0xcc, 5] }],
  ['a quote with nil', { quote: [0x91, 0xc0] }],
  ['a quote with a float', { quote: [0x91, 0xca, 0, 0, 0, 0] }],
  ['a quote beyond the limit', { quote: [0xdd, 0, 1, 0, 1] }],
  ['63 bytes of report data', { reportData: [0xdc, 0, 63, ...new Uint8Array(63)] }],
  ['65 bytes of report data', { reportData: [0xdc, 0, 65, ...new Uint8Array(65)] }],
  ['an event with a member too few', { event: [0x84, ...event.slice(1)] }],
  ['a member of the root too few', { root: [0x82] }],
])('E19 %s', (_, pieces) => {
  expect(outcome(bundle(pieces))).toBe('ATTESTATION_INVALID')
})

test('E19 a member twice, unknown, missing or in another place', () => {
  const twice = [0x83, ...runtime.slice(1), ...text('payload'), 0xc4, 1, 8]
  const first = [0x83, ...text('event'), ...text('y'), ...runtime.slice(1)]
  const unknown = [0x83, ...runtime.slice(1), ...text('extra'), 1]
  const missing = [0x81, ...text('event'), ...text('x')]
  const moved = [0x82, ...text('payload'), 0xc4, 1, 7, ...text('event'), ...text('x')]
  for (const changed of [twice, first, unknown, missing, moved]) {
    expect(outcome(bundle({ runtime: changed }))).toBe('ATTESTATION_INVALID')
  }
  const doubled = { root: [0x84], tail: [...text('version'), 1] }
  expect(outcome(bundle(doubled))).toBe('ATTESTATION_INVALID')
  const extension = { dataMembers: 4, tail: [...text('report_data_payload'), ...text('x')] }
  expect(outcome(bundle(extension))).toBe('ATTESTATION_INVALID')
})

test('A3 events named in one list only', () => {
  const rtmr3 = replayRtmr3([{ name: 'x', payload: Uint8Array.of(7), version: 1 }])
  const judged = (pieces: Pieces): string => {
    const { check } = checkAttestationLog(decodeAttestation(bundle(pieces)), rtmr3)
    return check.status === 'failed' ? check.actual : check.status
  }
  expect(judged({})).toBe('none') // no system-ready: both lists agree and replay
  const differ = 'two lists that differ'
  expect(judged({ runtime: runtime.with(-1, 8) })).toBe(differ)
  expect(judged({ event: event.with(-1, 8) })).toBe(differ)
  expect(judged({ runtime: [0x83, ...runtime.slice(1), ...text('version'), 2] })).toBe(differ)
})
