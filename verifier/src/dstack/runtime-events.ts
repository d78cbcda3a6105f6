import { equalBytes } from '../bytes/bytes.ts'
import { sha384 } from '../bytes/hash.ts'
import { RUNTIME_EVENT_TYPE, runtimeEventDigest } from '../protocol/runtime-event.ts'
import { logInvalid, type LogEvent } from './log-event.ts'

/** A dstack runtime event of RTMR3. */
export interface RuntimeEvent {
  readonly name: string
  readonly payload: Uint8Array
  /** How its digest is taken: 1 over binary, 2 over canonical JSON (app-compose `event_log_version`). */
  readonly version: 1 | 2
}

const RTMR3 = 3

/**
 * The runtime events of a log, in order. RTMR3 holds nothing else and no other register holds them, since a replay
 * could not recompute the digest of what stands out of place (attack A3).
 * @throws VerifierError `EVENT_LOG_INVALID`
 */
export function runtimeEventsOf(log: readonly LogEvent[]): readonly RuntimeEvent[] {
  return log.flatMap((event, index) => {
    const place = `event ${index}`
    if (![0, 1, 2, RTMR3].includes(event.imr)) throw logInvalid(`${place}: imr is not 0 to 3`)
    if (event.imr === RTMR3 && event.eventType !== RUNTIME_EVENT_TYPE) {
      throw logInvalid(`${place}: event type ${event.eventType} in RTMR3`)
    }
    if (event.imr === RTMR3) return [runtimeEvent(event, place)]
    if (event.eventType === RUNTIME_EVENT_TYPE) {
      throw logInvalid(`${place}: a runtime event in RTMR${event.imr}`)
    }
    return []
  })
}

function runtimeEvent({ name, payload, version, preimage }: LogEvent, place: string): RuntimeEvent {
  if (version !== 1 && version !== 2) throw logInvalid(`${place}: version ${version}`)
  if (name === '') throw logInvalid(`${place}: no name`)
  // JSON can spell it, but no bytes of it were ever measured.
  if (!name.isWellFormed()) throw logInvalid(`${place}: name holds a lone surrogate`)
  const event = { name, payload, version } as const
  // A reader may be shown the pre-image instead of name and payload, so it must be theirs (attack A3).
  if (preimage !== undefined && !equalBytes(sha384(preimage), digestOf(event))) {
    throw logInvalid(`${place}: the pre-image is not that of its name and payload`)
  }
  return event
}

/** An event's digest, rebuilt from name and payload. */
export function digestOf({ name, payload, version }: RuntimeEvent): Uint8Array<ArrayBuffer> {
  return runtimeEventDigest(name, payload, version)
}
