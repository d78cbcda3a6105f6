import { utf8 } from '../bytes/bytes.ts'
import { fromBareHex } from '../bytes/hex.ts'
import { logInvalid, MAX_EVENTS, type LogEvent } from './log-event.ts'

/** Largest event log text read (real ones are 5 to 20 KiB). */
export const MAX_EVENT_LOG_BYTES: number = 512 * 1024

const RTMR3 = 3
const NOTHING = new Uint8Array(0)

/**
 * The events of a guest agent's log, in order (dstack `GetQuote.event_log`, a JSON array).
 * @throws VerifierError `EVENT_LOG_INVALID`, ProtocolError `INPUT_HEX`, `INPUT_UTF8`
 */
export function parseEventLog(text: string): readonly LogEvent[] {
  if (utf8(text).length > MAX_EVENT_LOG_BYTES) {
    throw logInvalid(`more than ${MAX_EVENT_LOG_BYTES} bytes`)
  }
  let entries: unknown
  try {
    entries = JSON.parse(text)
  } catch {
    throw logInvalid('not JSON')
  }
  if (!Array.isArray(entries)) throw logInvalid('not an array')
  if (entries.length > MAX_EVENTS) throw logInvalid(`more than ${MAX_EVENTS} events`)
  return entries.map((entry: unknown, index) => parseEvent(entry, `event ${index}`))
}

function parseEvent(entry: unknown, place: string): LogEvent {
  if (typeof entry !== 'object' || entry === null) throw logInvalid(`${place}: not an object`)
  const { imr, event_type, digest, event, event_payload, version, preimage } = entry as Record<
    string,
    unknown
  >
  if (typeof imr !== 'number' || typeof event_type !== 'number') {
    throw logInvalid(`${place}: imr or event_type is not a number`)
  }
  if (typeof event !== 'string') throw logInvalid(`${place}: no name`)
  if (typeof event_payload !== 'string') throw logInvalid(`${place}: no payload`)
  if (version !== undefined && typeof version !== 'number') {
    throw logInvalid(`${place}: version is not a number`)
  }
  if (preimage !== undefined && typeof preimage !== 'string') {
    throw logInvalid(`${place}: pre-image is not text`)
  }
  return {
    imr,
    eventType: event_type,
    // Not even read for RTMR3: whatever stands there, the digest is computed (attack A1).
    digest: imr === RTMR3 ? NOTHING : servedDigest(digest, place),
    name: event,
    payload: fromBareHex(event_payload, undefined, `${place}: payload`),
    version: version ?? 1,
    preimage:
      preimage === undefined ? undefined : fromBareHex(preimage, undefined, `${place}: pre-image`),
  }
}

function servedDigest(digest: unknown, place: string): Uint8Array {
  if (typeof digest !== 'string') throw logInvalid(`${place}: no digest`)
  return fromBareHex(digest, undefined, `${place}: digest`)
}
