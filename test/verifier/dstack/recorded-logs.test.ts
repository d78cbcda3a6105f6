import { describe, expect, test } from 'vitest'
import { parseQuote, type Quote } from '@jeju/verifier'
import { fromBareHex, sha256, toBareHex } from '@jeju/verifier/protocol'
import { checkComposeHash, checkInstance } from '../../../verifier/src/dstack/check-compose.ts'
import { checkMrConfigId } from '../../../verifier/src/dstack/check-mr-config-id.ts'
import { checkEventLog } from '../../../verifier/src/dstack/check-event-log.ts'
import { singlePayload } from '../../../verifier/src/dstack/platform-events.ts'
import { haveVectors, vectorBytes, vectorJson } from '../vectors.ts'

interface Event {
  readonly imr: number
  readonly event_type: number
  readonly event: string
  readonly event_payload: string
}

/** A recorded answer of a guest agent; the log is JSON text. */
interface Answer {
  readonly quote: string
  readonly event_log: string
}

/** Captures of real machines: an early one, one with an event of the application, one with a stripped log. */
const CAPTURES = [
  { id: 'early', path: ['dstack-examples', 'rtmr3-based', 'report.json'], app: [] },
  {
    id: 'with application event',
    path: ['dstack-next', 'verifier', 'quote-report.json'],
    app: ['LIUM_MINER_HOTKEY'],
  },
  { id: 'stripped', path: ['dstack-next', 'verifier', 'tdx-lite-getquote.json'], app: [] },
] as const

function load(path: readonly string[]): { readonly quote: Quote; readonly log: readonly Event[] } {
  const answer = vectorJson('dstack', ...path) as Answer
  return {
    quote: parseQuote(fromBareHex(answer.quote)),
    log: JSON.parse(answer.event_log) as readonly Event[],
  }
}

describe.runIf(haveVectors).each(CAPTURES)('recorded log: $id', ({ path, app }) => {
  const capture = haveVectors ? load(path) : undefined
  const { quote, log } = capture ?? { quote: undefined, log: [] }
  const rtmr3 = quote?.body.rtmrs[3] ?? new Uint8Array(48)
  const status = (events: readonly object[]): string =>
    checkEventLog(JSON.stringify(events), rtmr3).check.status
  const runtime = log.filter(({ imr }) => imr === 3)
  const indexOf = (name: string): number => log.findIndex(({ event }) => event === name)

  test('replays, and what the application added means nothing', () => {
    const { check, platform } = checkEventLog(JSON.stringify(log), rtmr3)
    expect(check.status).toBe('passed')
    const names = platform?.map(({ name }) => name) ?? []
    expect(names).toEqual(runtime.map(({ event }) => event).slice(0, names.length))
    expect(names).toContain('compose-hash')
    for (const name of app) {
      expect(runtime.map(({ event }) => event)).toContain(name)
      expect(names).not.toContain(name)
    }
  })

  test('A1 eventlog_payload_swap_rejected: each payload, its digest as recorded', () => {
    for (const event of runtime) {
      const swapped = { ...event, event_payload: `${event.event_payload}00` }
      expect(status(log.map((other) => (other === event ? swapped : other)))).toBe('failed')
    }
  })

  test('A3 compose-hash moved behind system-ready, doubled, of another register or type', () => {
    const at = indexOf('compose-hash')
    const event = log[at]
    if (event === undefined) throw new Error('no compose-hash event')
    const without = log.toSpliced(at, 1)
    expect(status(without)).toBe('failed')
    expect(status([...without, event])).toBe('failed')
    expect(status(log.toSpliced(at, 0, event))).toBe('failed')
    expect(status(log.toSpliced(at, 1, { ...event, imr: 2 }))).toBe('failed')
    expect(status(log.toSpliced(at, 1, { ...event, event_type: 4 }))).toBe('failed')
  })

  test('A12 the log of another capture', () => {
    for (const other of CAPTURES) {
      if (other.path === path) continue
      expect(status(load(other.path).log)).toBe('failed')
    }
  })

  test('instance and compose are those measured', () => {
    const { platform } = checkEventLog(JSON.stringify(log), rtmr3)
    if (platform === undefined) throw new Error('not replayed')
    const instance = singlePayload(platform, 'instance-id')
    if (instance === undefined) throw new Error('no instance')
    const id = `0x${'00'.repeat(12)}${toBareHex(instance)}` as const
    expect(checkInstance(id, platform).status).toBe('passed')
    expect(checkInstance(`0x${'00'.repeat(32)}`, platform).status).toBe('failed')
    const compose = vectorBytes('dstack', 'dstack-next', 'simulator', 'app-compose.json')
    expect(checkComposeHash(compose, platform).status).toBe('failed')
  })
})

describe.runIf(haveVectors)('recorded compose', () => {
  test('the file that was measured, and the same JSON written otherwise', () => {
    const { quote, log } = load(['dstack-examples', 'rtmr3-based', 'report.json'])
    const { platform } = checkEventLog(JSON.stringify(log), quote.body.rtmrs[3])
    const compose = vectorBytes('dstack', 'dstack-examples', 'rtmr3-based', 'app-compose.json')
    expect(checkComposeHash(compose, platform)).toMatchObject({
      status: 'passed',
      evidence: {
        composeHash: '0x06768e6df639ce3be65e9e5321f8b2d82dbffb01c74323462d34c2feb9653aff',
      },
    })
    expect(checkMrConfigId(quote.body.mrConfigId, compose).status).toBe('passed')
    const rewritten = new TextEncoder().encode(
      JSON.stringify(JSON.parse(new TextDecoder().decode(compose)), null, 1),
    )
    expect(checkComposeHash(rewritten, platform).status).toBe('failed')
  })

  test('A8 a recorded MRCONFIGID names the compose of its own log', () => {
    const { quote, log } = load(['dstack-next', 'verifier', 'tdx-lite-getquote.json'])
    const { platform } = checkEventLog(JSON.stringify(log), quote.body.rtmrs[3])
    const measured = singlePayload(platform ?? [], 'compose-hash')
    expect(quote.body.mrConfigId[0]).toBe(1)
    expect(quote.body.mrConfigId.slice(1, 33)).toEqual(measured)
    const other = new TextEncoder().encode('{}')
    expect(sha256(other)).not.toEqual(measured)
    expect(checkMrConfigId(quote.body.mrConfigId, other).status).toBe('failed')
  })

  test('a quote whose RTMR3 is zero belongs to no log', () => {
    const { body } = parseQuote(vectorBytes('dstack', 'dstack-0.5.11', 'ra-tls', 'tdx_quote'))
    expect(checkEventLog('[]', body.rtmrs[3]).check.status).toBe('failed')
    const { log } = load(['dstack-examples', 'rtmr3-based', 'report.json'])
    expect(checkEventLog(JSON.stringify(log), body.rtmrs[3]).check.status).toBe('failed')
  })
})
