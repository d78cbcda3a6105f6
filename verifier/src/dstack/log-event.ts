import { VerifierError } from '../errors.ts'

/** Most events of one log (real ones have about 30). */
export const MAX_EVENTS = 1024

/** An entry of a TD's event log as it was served (dstack `TdxEvent`). Nothing in it is judged yet. */
export interface LogEvent {
  /** Index of the register, 0 to 3. */
  readonly imr: number
  readonly eventType: number
  /** As served: empty where it was stripped. Never believed for RTMR3. */
  readonly digest: Uint8Array
  readonly name: string
  readonly payload: Uint8Array
  /** Digest version of a runtime event: absent in the log means 1. */
  readonly version: number
  /** What the digest is said to be taken over, where that was served. */
  readonly preimage: Uint8Array | undefined
}

/** Refusal of a log that is not of the documented form. */
export function logInvalid(what: string): VerifierError {
  return new VerifierError('EVENT_LOG_INVALID', `event log: ${what}`)
}
