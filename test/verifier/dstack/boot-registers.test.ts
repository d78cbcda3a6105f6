import { beforeAll, describe, expect, test } from 'vitest'
import { launchTd, type LogEvent, type SimulatedTd } from '@jeju/simulator'
import { parseQuote } from '@jeju/verifier'
import { fromBareHex, toBareHex, utf8 } from '@jeju/verifier/protocol'
import {
  checkEventLog,
  type BootRegisters,
  type ReplayedLog,
} from '../../../verifier/src/dstack/check-event-log.ts'
import { machine } from '../evidence/fixture.ts'
import { haveVectors, vectorBytes, vectorJson } from '../vectors.ts'

const REPLAYED = 'replayed from served digests'
const RECOMPUTED = 'recomputed from names and payloads'
const ABSENT = 'not carried by the log'

let td: SimulatedTd
let rtmr3: Uint8Array
let boot: BootRegisters

beforeAll(async () => {
  const { platform } = await machine()
  td = launchTd(platform, { appCompose: utf8('{}') })
  const { rtmrs } = parseQuote(await td.quote(new Uint8Array(64))).body
  rtmr3 = rtmrs[3]
  boot = [rtmrs[0], rtmrs[1], rtmrs[2]]
})

const entry = (event: LogEvent, changes: object = {}): object => ({
  imr: event.imr,
  event_type: event.eventType,
  digest: toBareHex(event.digest),
  event: event.name,
  event_payload: toBareHex(event.payload),
  ...changes,
})

const judge = (served: readonly object[], registers: BootRegisters | undefined): ReplayedLog =>
  checkEventLog(JSON.stringify(served), rtmr3, registers)

function refusal(served: readonly object[]): string {
  const { check, platform } = judge(served, boot)
  expect(platform).toBeUndefined()
  return check.status === 'failed' ? `${check.expected}: ${check.actual}` : check.status
}

describe('registers of the boot', () => {
  test('the report says what was replayed and what was recomputed', () => {
    const { check } = judge(
      td.events().map((event) => entry(event)),
      boot,
    )
    expect(check).toMatchObject({
      status: 'passed',
      evidence: {
        registers: { rtmr0: REPLAYED, rtmr1: REPLAYED, rtmr2: REPLAYED, rtmr3: RECOMPUTED },
      },
    })
  })

  test('the report says when nothing was compared', () => {
    const { check } = judge(
      td.events().map((event) => entry(event)),
      undefined,
    )
    const none = 'not compared'
    expect(check).toMatchObject({
      status: 'passed',
      evidence: { registers: { rtmr0: none, rtmr1: none, rtmr2: none, rtmr3: RECOMPUTED } },
    })
  })

  test('a stripped log carries no boot register, and that is no contradiction', () => {
    const lite = td
      .events()
      .filter(({ imr, eventType }) => imr === 3 || eventType === 0xa)
      .map((event) => entry(event))
    const { check, platform } = judge(lite, boot)
    expect(check).toMatchObject({
      status: 'passed',
      evidence: { registers: { rtmr0: ABSENT, rtmr1: ABSENT, rtmr2: ABSENT, rtmr3: RECOMPUTED } },
    })
    expect(platform).toBeDefined()
  })

  test('A12 one boot event changed, left out, doubled or moved names the register', () => {
    const events = td.events()
    for (const [index, event] of events.entries()) {
      if (event.imr === 3) continue
      const served = events.map((other) => entry(other))
      const changed = entry(event, { digest: 'ab'.repeat(48) })
      const place = `RTMR${event.imr}`
      expect(refusal(served.with(index, changed))).toContain(place)
      expect(refusal(served.toSpliced(index, 0, entry(event)))).toContain(place)
      // A register whose only event is left out counts as stripped; none has only one.
      expect(refusal(served.toSpliced(index, 1))).toContain(place)
    }
  })

  test.each([
    ['empty', ''],
    ['short', 'ab'.repeat(32)],
    ['long', 'ab'.repeat(49)],
    ['zero', '00'.repeat(48)],
  ])('A2 eventlog_degenerate_rejected: a boot digest that is %s', (_, digest) => {
    const served = td.events().map((event) => entry(event))
    const [first] = td.events()
    if (first === undefined) throw new Error('no event')
    expect(refusal(served.with(0, entry(first, { digest })))).toContain('a digest of 48 bytes')
  })

  test('A2 a boot digest that is none', () => {
    const served = td.events().map((event) => entry(event))
    const [first] = td.events()
    if (first === undefined) throw new Error('no event')
    for (const digest of [undefined, null, 7, 'no hex', '0']) {
      expect(refusal(served.with(0, entry(first, { digest })))).toContain('digest')
    }
  })
})

interface RecordedLog {
  readonly quote: string
  readonly rtmrMatch: readonly boolean[]
}

describe.runIf(haveVectors)('recorded logs', () => {
  const index = (
    haveVectors ? vectorJson('tdx', 'eventlogs', 'index.json') : []
  ) as readonly RecordedLog[]

  test.each(index)('$quote: all four registers', ({ quote, rtmrMatch }) => {
    const text = new TextDecoder().decode(vectorBytes('tdx', 'eventlogs', `${quote}.eventlog.json`))
    const { rtmrs } = parseQuote(vectorBytes('tdx', 'quotes', `${quote}.bin`)).body
    const [rtmr0, rtmr1, rtmr2, signed] = rtmrs
    expect(rtmrMatch).toEqual([true, true, true, true])
    expect(checkEventLog(text, signed, [rtmr0, rtmr1, rtmr2]).check).toMatchObject({
      status: 'passed',
      evidence: {
        registers: { rtmr0: REPLAYED, rtmr1: REPLAYED, rtmr2: REPLAYED, rtmr3: RECOMPUTED },
      },
    })
  })

  test.each(index)('$quote: A12 registers of another boot', ({ quote }) => {
    const text = new TextDecoder().decode(vectorBytes('tdx', 'eventlogs', `${quote}.eventlog.json`))
    const { rtmrs } = parseQuote(vectorBytes('tdx', 'quotes', `${quote}.bin`)).body
    const [rtmr0, rtmr1, rtmr2, signed] = rtmrs
    for (const registers of [
      [rtmr1, rtmr1, rtmr2],
      [rtmr0, rtmr2, rtmr2],
      [rtmr0, rtmr1, fromBareHex('00'.repeat(48))],
    ] as const) {
      expect(checkEventLog(text, signed, registers).check.status).toBe('failed')
    }
  })
})
