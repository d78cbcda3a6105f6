import { equalBytes } from '../../bytes/bytes.ts'
import {
  judged,
  judgeLog,
  refused,
  type BootRegisters,
  type ReplayedLog,
} from '../check-event-log.ts'
import { runtimeEventsOf } from '../runtime-events.ts'
import type { DstackAttestation } from './attestation.ts'

/**
 * `event-log` of a decoded bundle. It names the runtime events twice; a reader of one list must not be shown another
 * than the one that was replayed, so both must be the same (attack A3).
 */
export function checkAttestationLog(
  { eventLog, runtimeEvents }: DstackAttestation,
  rtmr3: Uint8Array,
  boot?: BootRegisters,
): ReplayedLog {
  return judged(() => {
    const measured = runtimeEventsOf(eventLog)
    const agree =
      measured.length === runtimeEvents.length &&
      measured.every(({ name, payload, version }, index) => {
        const other = runtimeEvents[index]
        return (
          other?.name === name && other.version === version && equalBytes(other.payload, payload)
        )
      })
    return agree
      ? judgeLog(eventLog, rtmr3, boot)
      : refused('the same runtime events in both lists', 'two lists that differ')
  })
}
