import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { runtimeEvent, type LogEvent } from '@jeju/simulator'
import { RUNTIME_EVENT_TYPE, sha256, toBareHex, toHex, utf8 } from '@jeju/verifier/protocol'
import { checkComposeHash, checkInstance } from '../../../verifier/src/dstack/check-compose.ts'
import { checkEventLog, type ReplayedLog } from '../../../verifier/src/dstack/check-event-log.ts'
import { MAX_EVENT_LOG_BYTES, parseEventLog } from '../../../verifier/src/dstack/event-log.ts'
import { MAX_EVENTS } from '../../../verifier/src/dstack/log-event.ts'
import { singlePayload } from '../../../verifier/src/dstack/platform-events.ts'
import { replayRtmr3 } from '../../../verifier/src/dstack/replay.ts'
import type { RuntimeEvent } from '../../../verifier/src/dstack/runtime-events.ts'

const NOTHING = new Uint8Array(0)
const compose = utf8('{"runner":"docker-compose"}')
const instance = new Uint8Array(20).fill(0x1d)
const composeEvent = runtimeEvent('compose-hash', sha256(compose))
const ready = runtimeEvent('system-ready', NOTHING)
const boot: readonly LogEvent[] = [
  runtimeEvent('system-preparing', NOTHING),
  runtimeEvent('app-id', instance),
  composeEvent,
  runtimeEvent('instance-id', instance),
  ready,
]

const version1 = ({ name, payload }: Pick<LogEvent, 'name' | 'payload'>): RuntimeEvent => ({
  name,
  payload,
  version: 1,
})

const register = (events: readonly LogEvent[]): Uint8Array => replayRtmr3(events.map(version1))

/** A served entry, changed where a test says so. */
const entry = (event: LogEvent, changes: object = {}): object => ({
  imr: event.imr,
  event_type: event.eventType,
  digest: toBareHex(event.digest),
  event: event.name,
  event_payload: toBareHex(event.payload),
  ...changes,
})

const serve = (events: readonly LogEvent[]): string => JSON.stringify(events.map((e) => entry(e)))

const judged = (events: readonly LogEvent[]): ReplayedLog =>
  checkEventLog(serve(events), register(events))

const actual = ({ check, platform }: ReplayedLog): string => {
  expect(platform).toBeUndefined()
  return check.status === 'failed' ? check.actual : check.status
}

describe('replay', () => {
  test('a log replays to its register, and its platform events end before system-ready', () => {
    const { check, platform } = judged(boot)
    expect(check).toMatchObject({
      status: 'passed',
      evidence: { rtmr3: toHex(register(boot)), events: boot.length },
    })
    expect(platform?.map(({ name }) => name)).toEqual([
      'system-preparing',
      'app-id',
      'compose-hash',
      'instance-id',
    ])
  })

  test('A1 eventlog_payload_swap_rejected: digests as served, one payload changed', () => {
    for (const [index, event] of boot.entries()) {
      const payload = new Uint8Array([...event.payload, 0])
      const served = JSON.stringify(
        boot.map((e, at) => entry(e, at === index ? { event_payload: toBareHex(payload) } : {})),
      )
      expect(actual(checkEventLog(served, register(boot))), event.name).toContain('replayed')
    }
  })

  test('A1 a served digest is never read', () => {
    for (const digest of ['', '00', 'no hex', toBareHex(new Uint8Array(48)), 7, null, undefined]) {
      const served = JSON.stringify(boot.map((event) => entry(event, { digest })))
      expect(checkEventLog(served, register(boot)).check.status, String(digest)).toBe('passed')
    }
  })

  test('order, additions and omissions change the register', () => {
    fc.assert(
      fc.property(fc.nat(boot.length - 1), fc.nat(boot.length - 1), (from, to) => {
        const moved = boot.toSpliced(from, 1)
        expect(checkEventLog(serve(moved), register(boot)).check.status).toBe('failed')
        const [event = ready] = boot.slice(from, from + 1)
        const placed = moved.toSpliced(to, 0, event)
        const status = checkEventLog(serve(placed), register(boot)).check.status
        expect(status).toBe(from === to ? 'passed' : 'failed')
      }),
    )
  })

  test('a register over any payloads is that of an independent SHA-384', async () => {
    const events = fc.array(
      fc.tuple(fc.stringMatching(/^[a-z-]{1,20}$/), fc.uint8Array({ maxLength: 40 })),
      { maxLength: 8 },
    )
    await fc.assert(
      fc.asyncProperty(events, async (list) => {
        let expected = new Uint8Array(48)
        for (const [name, payload] of list) {
          const text = Buffer.concat([
            Buffer.from('01000008', 'hex'),
            Buffer.from(`:${name}:`),
            payload,
          ])
          const digest = await crypto.subtle.digest('SHA-384', text)
          const joined = Buffer.concat([expected, new Uint8Array(digest)])
          expected = new Uint8Array(await crypto.subtle.digest('SHA-384', joined))
        }
        const replayed = replayRtmr3(list.map(([name, payload]) => version1({ name, payload })))
        expect(toHex(replayed)).toBe(toHex(expected))
      }),
      { numRuns: 30 },
    )
  })
})

describe('A2 eventlog_degenerate_rejected', () => {
  const zero = new Uint8Array(48)

  test.each([
    ['no events', '[]', 'no event in RTMR3'],
    [
      'boot events only',
      JSON.stringify([{ imr: 0, event_type: 4, digest: '', event: '', event_payload: '' }]),
      'no event in RTMR3',
    ],
    ['not JSON', '[', 'not JSON'],
    ['empty text', '', 'not JSON'],
    ['an object', '{}', 'not an array'],
    ['null', 'null', 'not an array'],
    ['entries that are no objects', '[null]', 'not an object'],
    ['entries that are arrays', '[[]]', 'not a number'],
    ['deep nesting', `${'['.repeat(100_000)}${']'.repeat(100_000)}`, 'not a number'],
  ])('%s, against an all-zero register', (_, served, reason) => {
    expect(actual(checkEventLog(served, zero))).toContain(reason)
  })

  test.each([
    ['an undecodable payload', { event_payload: 'zz' }, 'hex'],
    ['half a byte of payload', { event_payload: '0' }, 'pairs'],
    ['no payload', { event_payload: undefined }, 'no payload'],
    ['a payload of bytes', { event_payload: [0] }, 'no payload'],
    ['no name', { event: undefined }, 'no name'],
    ['an empty name', { event: '' }, 'no name'],
    ['a name that no UTF-8 spells', { event: '\ud800' }, 'name'],
    ['a register by name', { imr: '3' }, 'not a number'],
    ['a register that is none', { imr: 4 }, 'imr is not 0 to 3'],
    ['a fraction of a register', { imr: 2.5 }, 'imr is not 0 to 3'],
    ['a runtime event of another register', { imr: 2 }, 'a runtime event in RTMR2'],
    ['a type by name', { event_type: String(RUNTIME_EVENT_TYPE) }, 'not a number'],
  ])('%s', (_, changes, reason) => {
    const served = JSON.stringify([entry(composeEvent, changes), entry(ready)])
    expect(actual(checkEventLog(served, register([composeEvent, ready])))).toContain(reason)
  })

  test('an all-zero register is not the replay of anything', () => {
    expect(actual(checkEventLog(serve(boot), zero))).toContain('replayed')
  })

  test('a log without system-ready has no platform events', () => {
    const unfinished = boot.slice(0, -1)
    expect(actual(judged(unfinished))).toBe('none')
  })

  test('limits are those stated', () => {
    const many = Array.from({ length: MAX_EVENTS }, () => composeEvent)
    expect(parseEventLog(serve(many))).toHaveLength(MAX_EVENTS)
    expect(actual(judged([...many, composeEvent]))).toContain(`more than ${MAX_EVENTS} events`)
    const padded = serve(boot).padEnd(MAX_EVENT_LOG_BYTES)
    expect(checkEventLog(padded, register(boot)).check.status).toBe('passed')
    expect(actual(checkEventLog(`${padded} `, register(boot)))).toContain('bytes')
  })

  test('whatever is served, the answer is a check', () => {
    const anything = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.json(),
      fc.array(fc.dictionary(fc.string(), fc.jsonValue())).map((log) => JSON.stringify(log)),
      fc
        .record({ event: fc.string({ unit: 'binary' }), event_payload: fc.string() })
        .map((changes) => JSON.stringify([entry(composeEvent, changes), entry(ready)])),
    )
    fc.assert(
      fc.property(anything, (served) => {
        expect(checkEventLog(served, zero).check.status).toBe('failed')
      }),
    )
  })
})

describe('A3 meaning', () => {
  const evil = utf8('{"evil":true}')
  const evilEvent = runtimeEvent('compose-hash', sha256(evil))

  test('A3 eventlog_wrong_type_ignored: an event of another type in RTMR3 is refused', () => {
    for (const event_type of [0x4, 0x80000001, 0x08000002, 0]) {
      const served = JSON.stringify([
        ...boot.map((e) => entry(e)),
        entry(evilEvent, { event_type }),
      ])
      expect(actual(checkEventLog(served, register(boot)))).toContain('event type')
    }
  })

  test('A3 eventlog_wrong_type_ignored: a runtime event of another register is out of place', () => {
    for (const imr of [0, 1, 2]) {
      const added = JSON.stringify([entry(evilEvent, { imr }), ...boot.map((e) => entry(e))])
      expect(actual(checkEventLog(added, register(boot)))).toContain(`in RTMR${imr}`)
      const moved = JSON.stringify(boot.map((e) => entry(e, e === composeEvent ? { imr } : {})))
      expect(actual(checkEventLog(moved, register(boot)))).toContain(`in RTMR${imr}`)
    }
  })

  test('A3 eventlog_wrong_type_ignored: a boot event with a name of the platform means nothing', () => {
    for (const imr of [0, 1, 2]) {
      const served = JSON.stringify([
        entry(evilEvent, { imr, event_type: 4 }),
        ...boot.map((e) => entry(e)),
      ])
      const { check, platform } = checkEventLog(served, register(boot))
      expect(check.status).toBe('passed')
      expect(checkComposeHash(evil, platform).status).toBe('failed')
      expect(checkComposeHash(compose, platform).status).toBe('passed')
    }
  })

  test('A3 eventlog_duplicate_rejected: first, last and equal', () => {
    for (const [name, length] of [
      ['app-id', 20],
      ['compose-hash', 32],
      ['instance-id', 20],
      ['os-image-hash', 32],
      ['key-provider', 32],
      ['gpu-policy-hash', 32],
      ['gpu-attestation', 32],
      ['boot-mr-done', 0],
    ] as const) {
      const one = runtimeEvent(name, sha256(compose).slice(0, length))
      const other = runtimeEvent(name, sha256(evil).slice(0, length))
      for (const pair of [
        [one, other],
        [other, one],
        [one, one],
      ]) {
        expect(actual(judged([...pair, ready])), name).toBe('more than one')
      }
    }
  })

  test('A3 eventlog_duplicate_rejected: a payload is that of the only event of its name', () => {
    expect(singlePayload(boot.map(version1), 'compose-hash')).toEqual(sha256(compose))
    expect(singlePayload([evilEvent, ...boot].map(version1), 'compose-hash')).toBeUndefined()
    expect(singlePayload([...boot, composeEvent].map(version1), 'compose-hash')).toBeUndefined()
    expect(singlePayload(boot.map(version1), 'os-image-hash')).toBeUndefined()
  })

  test('A3 eventlog_after_system_ready_ignored, A4 eventlog_app_event_cannot_spoof_platform', () => {
    const other = runtimeEvent('instance-id', new Uint8Array(20).fill(0xee))
    const { check, platform } = judged([...boot, evilEvent, other, ready, evilEvent])
    expect(check.status).toBe('passed')
    expect(checkComposeHash(evil, platform).status).toBe('failed')
    expect(checkComposeHash(compose, platform).status).toBe('passed')
    expect(checkInstance(`0x${'00'.repeat(12)}${'ee'.repeat(20)}`, platform).status).toBe('failed')
  })

  test('A4 a platform event that stands only behind system-ready does not exist', () => {
    const late = [...boot.filter((e) => e !== composeEvent), composeEvent]
    const { check, platform } = judged(late)
    expect(check.status).toBe('passed')
    expect(checkComposeHash(compose, platform)).toMatchObject({ status: 'failed', actual: 'none' })
  })

  test('A4 an event name that another split of the measured bytes could give', () => {
    // SHA-384(type ‖ ":" ‖ name ‖ ":" ‖ payload) of both readings is the same.
    const payload = utf8('{"name":"kms"}')
    const one = runtimeEvent('key-provider', payload)
    const other = runtimeEvent('key-provider:{"name"', utf8('"kms"}'))
    expect(other.digest).toEqual(one.digest)
    expect(judged([one, ready]).check.status).toBe('passed')
    expect(actual(judged([other, ready]))).toContain('key-provider:')
    // Behind system-ready no event means anything, whatever it is called.
    expect(judged([...boot, other]).check.status).toBe('passed')
  })

  test('C14 digest_lengths: a platform event of another length is refused', () => {
    for (const length of [0, 8, 20, 31, 33, 48]) {
      const event = runtimeEvent('compose-hash', new Uint8Array(length))
      expect(actual(judged([event, ready])), String(length)).toBe(`${length} bytes`)
    }
    for (const [name, length] of [
      ['app-id', 32],
      ['app-id', 0],
      ['instance-id', 32],
      ['os-image-hash', 31],
      ['system-preparing', 1],
      ['boot-mr-done', 48],
      ['init-script-hash', 20],
    ] as const) {
      const event = runtimeEvent(name, new Uint8Array(length))
      expect(actual(judged([event, ready])), name).toBe(`${length} bytes`)
    }
  })

  test('C14 an instance without id is none, and its log is well formed', () => {
    const { check, platform } = judged([runtimeEvent('instance-id', NOTHING), ready])
    expect(check.status).toBe('passed')
    expect(checkInstance(`0x${'00'.repeat(32)}`, platform).status).toBe('failed')
  })

  test('init scripts may be several, and not more than dstack runs', () => {
    const script = runtimeEvent('init-script-hash', sha256(compose))
    expect(judged([script, script, script, script, script, ready]).check.status).toBe('passed')
    expect(actual(judged([script, script, script, script, script, script, ready]))).toBe('6')
  })

  test('an event nobody knows is replayed and means nothing', () => {
    const unknown = runtimeEvent('storage-color', utf8('blue'))
    expect(judged([unknown, ...boot, unknown]).check.status).toBe('passed')
    expect(judged([unknown, unknown, ...boot]).check.status).toBe('passed')
  })
})
