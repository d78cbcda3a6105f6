import { equalBytes } from '../bytes/bytes.ts'
import { toHex } from '../bytes/hex.ts'
import { VerifierError } from '../errors.ts'
import { ProtocolError } from '../protocol/protocol-error.ts'
import { failed, passed, type Check } from '../report/check.ts'
import { parseEventLog } from './event-log.ts'
import type { LogEvent } from './log-event.ts'
import { platformEvents, platformFault } from './platform-events.ts'
import { replayBootRegister, replayRtmr3, type BootReplay } from './replay.ts'
import { runtimeEventsOf, type RuntimeEvent } from './runtime-events.ts'

/** RTMR0, 1 and 2 of the quote, 48 bytes each. */
export type BootRegisters = readonly [Uint8Array, Uint8Array, Uint8Array]

/** The check and, only where it passed, the events that may be given a meaning (attack A12). */
export interface ReplayedLog {
  readonly check: Check<'event-log'>
  readonly platform: readonly RuntimeEvent[] | undefined
}

const NAME = 'event-log'

/**
 * `event-log`: the log is well formed, and its replay with recomputed digests is the RTMR3 that was signed. RTMR0
 * to 2, where given, must not contradict it; the evidence says how far each was followed.
 */
export function checkEventLog(
  eventLog: string,
  rtmr3: Uint8Array,
  boot?: BootRegisters,
): ReplayedLog {
  return judged(() => judgeLog(parseEventLog(eventLog), rtmr3, boot))
}

/** The result of judging a log; input that is none becomes a failed check. */
export function judged(judge: () => ReplayedLog): ReplayedLog {
  try {
    return judge()
  } catch (error) {
    if (!(error instanceof VerifierError || error instanceof ProtocolError)) throw error
    return refused('a dstack event log', error.message)
  }
}

/** A failed check, which gives no event a meaning. */
export function refused(expected: string, actual: string): ReplayedLog {
  return { check: failed(NAME, expected, actual), platform: undefined }
}

/** Judges the events of a log (docs of dstack: RTMR3 event order and verifier rules). */
export function judgeLog(
  log: readonly LogEvent[],
  rtmr3: Uint8Array,
  boot: BootRegisters | undefined,
): ReplayedLog {
  const events = runtimeEventsOf(log)
  if (events.length === 0) return refused('runtime events', 'no event in RTMR3')
  const replayed = replayRtmr3(events)
  if (!equalBytes(replayed, rtmr3)) {
    return refused(`RTMR3 ${toHex(rtmr3)}`, `replayed ${toHex(replayed)}`)
  }
  const followed: (BootReplay | 'not compared')[] = []
  for (const imr of [0, 1, 2] as const) {
    const result =
      boot === undefined
        ? ({ outcome: 'not compared' } as const)
        : replayBootRegister(log, imr, boot[imr])
    if ('expected' in result) return refused(result.expected, result.actual)
    followed.push(result.outcome)
  }
  const platform = platformEvents(events)
  if (platform === undefined) return refused('a system-ready event', 'none')
  const fault = platformFault(platform)
  if (fault !== undefined) return refused(fault.expected, fault.actual)
  const [rtmr0, rtmr1, rtmr2] = followed
  const registers = { rtmr0, rtmr1, rtmr2, rtmr3: 'recomputed from names and payloads' }
  const evidence = { rtmr3: toHex(rtmr3), events: events.length, registers }
  return { check: passed(NAME, evidence), platform }
}
