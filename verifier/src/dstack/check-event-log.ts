import { equalBytes } from '../bytes/bytes.ts'
import { toHex } from '../bytes/hex.ts'
import { VerifierError } from '../errors.ts'
import { ProtocolError } from '../protocol/protocol-error.ts'
import { failed, passed, type Check } from '../report/check.ts'
import {
  doubledEvent,
  parseRuntimeEvents,
  platformEvents,
  replayRtmr3,
  type RuntimeEvent,
} from './event-log.ts'

/** The check and, only where it passed, the events that may be given a meaning (attack A12). */
export interface ReplayedLog {
  readonly check: Check<'event-log'>
  readonly platform: readonly RuntimeEvent[] | undefined
}

/** `event-log`: the log is well formed, and its replay with recomputed digests is the RTMR3 that was signed. */
export function checkEventLog(eventLog: string, rtmr3: Uint8Array): ReplayedLog {
  const name = 'event-log'
  const refuse = (expected: string, actual: string): ReplayedLog => ({
    check: failed(name, expected, actual),
    platform: undefined,
  })
  let events: readonly RuntimeEvent[]
  try {
    events = parseRuntimeEvents(eventLog)
  } catch (error) {
    if (!(error instanceof VerifierError || error instanceof ProtocolError)) throw error
    return refuse('a dstack event log', error.message)
  }
  if (events.length === 0) return refuse('runtime events', 'no event in RTMR3')
  const replayed = replayRtmr3(events)
  if (!equalBytes(replayed, rtmr3)) {
    return refuse(`RTMR3 ${toHex(rtmr3)}`, `replayed ${toHex(replayed)}`)
  }
  const platform = platformEvents(events)
  if (platform === undefined) return refuse('a system-ready event', 'none')
  const doubled = doubledEvent(platform)
  if (doubled !== undefined) return refuse(`one ${doubled} event`, 'more than one')
  return { check: passed(name, { rtmr3: toHex(rtmr3), events: events.length }), platform }
}
