import type { LogEvent } from '../log-event.ts'
import type { RuntimeEvent } from '../runtime-events.ts'

/** Bytes of report data in an attestation. */
export const REPORT_DATA_BYTES = 64

/**
 * What a dstack attestation bundle carries (dstack `Attest`). Only the quote is signed: everything else, the report
 * data included, is to be compared with it.
 */
export interface DstackAttestation {
  /** 0: SCALE; 1: MessagePack. */
  readonly version: 0 | 1
  readonly quote: Uint8Array
  /** The platform's list: boot and runtime events. */
  readonly eventLog: readonly LogEvent[]
  /** The stack's list: runtime events once more. Must agree with the platform's. */
  readonly runtimeEvents: readonly RuntimeEvent[]
  /** 64 bytes. */
  readonly reportData: Uint8Array
  /** JSON text of the host: a vm_config, or a sys-config that holds one. */
  readonly config: string
  /** What the report data of a pod stands for; absent for a plain guest. */
  readonly reportDataPayload?: string
}
