import type { GpuDeviceEvidence } from '@jeju/verifier/protocol'

/** Where evidence of devices comes from. What it hands over is checked by nobody yet. */
export interface DeviceSource {
  readonly name: string
  /**
   * Reports of all devices of its kind over this nonce, 32 bytes.
   * @throws GpuError
   */
  collect(nonce: Uint8Array): Promise<readonly GpuDeviceEvidence[]>
  /** Leaves the driver, where the source holds on to it. */
  close?(): Promise<void>
}
