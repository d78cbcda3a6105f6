import { concatBytes, utf8 } from '../bytes/bytes.ts'
import { sha384 } from '../bytes/hash.ts'
import { fromBareHex } from '../bytes/hex.ts'
import { VerifierError } from '../errors.ts'
import { RUNTIME_EVENT_TYPE, runtimeEventDigest } from '../protocol/runtime-event.ts'

/** Largest event log text read (real ones are 5 to 20 KiB). */
export const MAX_EVENT_LOG_BYTES: number = 512 * 1024
/** Most events of one log. */
export const MAX_EVENTS = 1024

/** A dstack runtime event of RTMR3. */
export interface RuntimeEvent {
  readonly name: string
  readonly payload: Uint8Array
}

const RTMR3 = 3
const SYSTEM_READY = 'system-ready'

/**
 * The RTMR3 events of a guest agent's event log, in order. Only type 0x08000001 counts as a runtime event, and any
 * other event in RTMR3 is refused, since a replay could not recompute its digest (attack A3).
 * @throws VerifierError `EVENT_LOG_INVALID`
 */
export function parseRuntimeEvents(text: string): readonly RuntimeEvent[] {
  if (utf8(text).length > MAX_EVENT_LOG_BYTES) {
    throw invalid(`more than ${MAX_EVENT_LOG_BYTES} bytes`)
  }
  let entries: unknown
  try {
    entries = JSON.parse(text)
  } catch {
    throw invalid('not JSON')
  }
  if (!Array.isArray(entries)) throw invalid('not an array')
  if (entries.length > MAX_EVENTS) throw invalid(`more than ${MAX_EVENTS} events`)
  return entries.flatMap((entry: unknown, index) => parseEvent(entry, `event ${index}`))
}

function parseEvent(entry: unknown, place: string): readonly RuntimeEvent[] {
  if (typeof entry !== 'object' || entry === null) throw invalid(`${place}: not an object`)
  const { imr, event_type, event, event_payload, version } = entry as Record<string, unknown>
  if (typeof imr !== 'number' || typeof event_type !== 'number') {
    throw invalid(`${place}: imr or event_type is not a number`)
  }
  if (![0, 1, 2, 3].includes(imr)) throw invalid(`${place}: imr is not 0 to 3`)
  if (imr !== RTMR3) return []
  if (event_type !== RUNTIME_EVENT_TYPE) {
    throw invalid(`${place}: event type ${event_type} in RTMR3`)
  }
  if (version !== undefined && version !== 1) throw invalid(`${place}: version is not 1`)
  if (typeof event !== 'string' || event === '') throw invalid(`${place}: no name`)
  // JSON can spell it, but no bytes of it were ever measured.
  if (!event.isWellFormed()) throw invalid(`${place}: name holds a lone surrogate`)
  if (typeof event_payload !== 'string') throw invalid(`${place}: no payload`)
  return [{ name: event, payload: fromBareHex(event_payload, undefined, `${place}: payload`) }]
}

/** RTMR3 of a list of events. Digests are computed here; a served digest is never read (attack A1). */
export function replayRtmr3(events: readonly RuntimeEvent[]): Uint8Array {
  return events.reduce<Uint8Array>(
    (register, { name, payload }) =>
      sha384(concatBytes(register, runtimeEventDigest(name, payload))),
    new Uint8Array(48),
  )
}

/**
 * The events that mean something: those before the first `system-ready`. What follows was extended by the
 * application and could imitate the platform (attack A4). Undefined when there is no `system-ready`.
 */
export function platformEvents(
  events: readonly RuntimeEvent[],
): readonly RuntimeEvent[] | undefined {
  const end = events.findIndex(({ name }) => name === SYSTEM_READY)
  return end === -1 ? undefined : events.slice(0, end)
}

/** Payload of the one event of that name; undefined when it is missing or doubled (attack A3). */
export function singlePayload(
  events: readonly RuntimeEvent[],
  name: string,
): Uint8Array | undefined {
  const found = events.filter((event) => event.name === name)
  return found.length === 1 ? found[0]?.payload : undefined
}

/** Names that may stand only once before `system-ready`. */
const SINGLE_EVENTS = ['app-id', 'compose-hash', 'instance-id', 'os-image-hash', 'key-provider']

/** The first doubled platform event, if any. */
export function doubledEvent(events: readonly RuntimeEvent[]): string | undefined {
  return SINGLE_EVENTS.find((name) => events.filter((event) => event.name === name).length > 1)
}

function invalid(what: string): VerifierError {
  return new VerifierError('EVENT_LOG_INVALID', `event log: ${what}`)
}
