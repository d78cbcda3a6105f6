import type { DeviceAuthority } from '@jeju/verifier/node'
import {
  deviceIdentityOf,
  equalBytes,
  parseGpuReport,
  ProtocolError,
  toBareHex,
  toHex,
  VerifierError,
  type GpuDeviceEvidence,
  type GpuReportFacts,
  type Hex,
} from '@jeju/verifier/protocol'
import { GpuError } from './gpu-error.ts'

/**
 * A device of the root that this node was told, whose report answers the nonce. Whether its firmware and mode are good
 * enough a verifier says.
 */
export interface CollectedDevice {
  readonly evidence: GpuDeviceEvidence
  readonly identity: Hex
  readonly mode: GpuReportFacts['mode']
}

/** What collected evidence is held to. */
export interface CollectedContext {
  readonly nonce: Uint8Array
  /** Whose devices count. The chain believes this node that it looked: TDX_GPU there rests on this check (attack D5). */
  readonly authority: DeviceAuthority
  readonly at: Date
}

/**
 * What was collected, looked at before it is shown to anybody: a device under certificates that somebody made, one that
 * is broken, or a driver that repeats an old answer, is found here and not by a client.
 * @throws GpuError `GPU_ANSWER`, `GPU_DEVICES`
 */
export async function checkCollected(
  devices: readonly GpuDeviceEvidence[],
  context: CollectedContext,
): Promise<readonly CollectedDevice[]> {
  const checked = await Promise.all(
    devices.map((device, index) => checkOne(device, `${device.kind} ${index}`, context)),
  )
  const identities = checked.map(({ identity }) => identity)
  const twice = identities.find((identity, index) => identities.indexOf(identity) !== index)
  if (twice !== undefined) throw new GpuError('GPU_DEVICES', `device ${twice} is there twice`)
  return checked
}

async function checkOne(
  evidence: GpuDeviceEvidence,
  place: string,
  { nonce, authority, at }: CollectedContext,
): Promise<CollectedDevice> {
  try {
    const report = parseGpuReport(evidence.report, evidence.kind)
    if (!equalBytes(report.nonce, nonce)) {
      const [expected, actual] = [toBareHex(nonce), toBareHex(report.nonce)]
      throw new GpuError('GPU_ANSWER', `${place}: expected nonce ${expected}, got ${actual}`)
    }
    const identity = toHex(deviceIdentityOf(evidence.certificates))
    const objection = await authority.objectionTo(evidence.certificates, report, at)
    if (objection !== undefined) {
      const { code, expected, actual } = objection
      throw new GpuError('GPU_ANSWER', `${place}: ${code}: expected ${expected}, got ${actual}`)
    }
    return { evidence, identity, mode: report.mode }
  } catch (error) {
    if (error instanceof GpuError) throw error
    if (error instanceof ProtocolError || error instanceof VerifierError) {
      throw new GpuError('GPU_ANSWER', `${place}: ${error.message}`, { cause: error })
    }
    throw error
  }
}
