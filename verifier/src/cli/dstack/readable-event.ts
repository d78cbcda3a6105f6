import { toBareHex } from '../../bytes/hex.ts'
import type { LogEvent } from '../../dstack/log-event.ts'

/** An event as people read it. */
export interface ReadableEvent {
  readonly name: string
  /** Hex. */
  readonly payload: string
  /** The payload where it is plain text, such as a key provider's JSON. */
  readonly text?: string
}

/** ASCII without controls; short hashes are seldom all of it. */
const PLAIN_TEXT = /^[\x20-\x7e]+$/
const RTMR3 = 3
const SYSTEM_READY = 'system-ready'

/** Runtime events in two parts: of the platform, and behind `system-ready`, where any application can write. */
export interface ReadableLog {
  readonly platform: readonly ReadableEvent[]
  readonly application: readonly ReadableEvent[]
}

/** The runtime events of a log, in order. */
export function readableLog(events: readonly LogEvent[]): ReadableLog {
  const runtime = events.filter(({ imr }) => imr === RTMR3).map(readable)
  const ready = runtime.findIndex(({ name }) => name === SYSTEM_READY)
  const end = ready === -1 ? runtime.length : ready + 1
  return { platform: runtime.slice(0, end), application: runtime.slice(end) }
}

function readable({ name, payload }: LogEvent): ReadableEvent {
  const text = new TextDecoder('latin1').decode(payload)
  const hex = toBareHex(payload)
  return PLAIN_TEXT.test(text) ? { name, payload: hex, text } : { name, payload: hex }
}
