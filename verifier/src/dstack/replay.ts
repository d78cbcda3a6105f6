import { concatBytes, equalBytes } from '../bytes/bytes.ts'
import { sha384 } from '../bytes/hash.ts'
import { toHex } from '../bytes/hex.ts'
import type { LogEvent } from './log-event.ts'
import { digestOf, type RuntimeEvent } from './runtime-events.ts'

const REGISTER_BYTES = 48

/** A register after these digests (Intel TDX module: RTMR = SHA-384(RTMR ‖ digest), from zero). */
function replay(digests: readonly Uint8Array[]): Uint8Array {
  return digests.reduce(
    (register, digest) => sha384(concatBytes(register, digest)),
    new Uint8Array(REGISTER_BYTES),
  )
}

/** RTMR3 of a list of events. Digests are computed here; a served digest is never read (attack A1). */
export function replayRtmr3(events: readonly RuntimeEvent[]): Uint8Array {
  return replay(events.map((event) => digestOf(event)))
}

/** How far a register of the boot was followed. Only RTMR3 is recomputed from what its events say. */
export type BootReplay =
  /** Its digests lead to the signed value; nothing says that they are those of the events shown beside them. */
  | 'replayed from served digests'
  /** The log was stripped of its events: the register speaks for itself alone. */
  | 'not carried by the log'

/** The outcome for one boot register, or what is wrong. */
export type BootReplayResult =
  { readonly outcome: BootReplay } | { readonly expected: string; readonly actual: string }

/** Type of the ACPI events, the only ones that a stripped ("lite") log keeps of RTMR0. */
const ACPI_DATA_TYPE = 0xa

/**
 * RTMR0, 1 or 2 against its signed value. A log without its events is no contradiction; one with events that lead
 * elsewhere is the log of another boot (attack A12).
 */
export function replayBootRegister(
  log: readonly LogEvent[],
  imr: 0 | 1 | 2,
  signed: Uint8Array,
): BootReplayResult {
  const events = log.filter((event) => event.imr === imr)
  const expected = `a digest of ${REGISTER_BYTES} bytes in RTMR${imr}`
  for (const { digest } of events) {
    if (digest.length !== REGISTER_BYTES) return { expected, actual: `${digest.length} bytes` }
    if (digest.every((byte) => byte === 0)) return { expected, actual: 'zeros' }
  }
  if (events.every(({ eventType }) => eventType === ACPI_DATA_TYPE)) {
    return { outcome: 'not carried by the log' }
  }
  const replayed = replay(events.map(({ digest }) => digest))
  return equalBytes(replayed, signed)
    ? { outcome: 'replayed from served digests' }
    : { expected: `RTMR${imr} ${toHex(signed)}`, actual: `replayed ${toHex(replayed)}` }
}
