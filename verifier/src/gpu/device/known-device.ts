import { equalBytes } from '../../bytes/bytes.ts'
import { toBareHex, toHex } from '../../bytes/hex.ts'
import { CheckFailure } from '../../report/check-failure.ts'
import type { GpuDeviceEvidence } from '../../protocol/gpu-evidence.ts'
import type { GpuDevice } from '../gpu-report.ts'
import { wantedRims } from '../rim/rim-id.ts'
import { readDeviceFacts, type DeviceFacts } from '../spdm/device-facts.ts'
import type { SpdmReport } from '../spdm/spdm-report.ts'
import { readChipId } from './chip-id.ts'
import type { DeviceChain } from './device-chain.ts'
import { deviceIdentity } from './device-identity.ts'
import { readFwid } from './read-fwid.ts'

/** A device whose chain and signature hold: only now does what its report says mean anything. */
export interface KnownDevice {
  readonly report: SpdmReport
  readonly chain: DeviceChain
  readonly facts: DeviceFacts
  readonly device: GpuDevice
}

/** Length of a BROM certificate's serial number, whose last eight bytes are the PDI. */
const SERIAL_DIGITS = 18
const PDI_DIGITS = 16

/**
 * Who the device is: kind and architecture are what the evidence says it is, leaf and BROM are of one chip, and the PDI
 * of a switch is the one it names itself.
 * @throws CheckFailure, VerifierError, DerError
 */
export function knownDevice(
  stated: GpuDeviceEvidence,
  report: SpdmReport,
  chain: DeviceChain,
): KnownDevice {
  const { leaf, brom, family } = chain
  if (stated.kind !== family.kind || stated.architecture !== family.architecture) {
    const actual = `certificates of ${family.kind} ${family.architecture}`
    throw new CheckFailure('GPU_IDENTITY_MISMATCH', `${stated.kind} ${stated.architecture}`, actual)
  }
  const chip = readChipId(leaf)
  if (chip.chip !== family.chip) {
    throw new CheckFailure('GPU_IDENTITY_MISMATCH', `a leaf for ${family.chip}`, chip.chip)
  }
  if (brom.serial.length !== SERIAL_DIGITS) {
    throw new CheckFailure('GPU_IDENTITY_MISMATCH', 'a BROM serial of 9 bytes', brom.serial)
  }
  const pdi = brom.serial.slice(-PDI_DIGITS)
  const facts = readDeviceFacts(report.opaque, family.kind)
  if (family.kind === 'switch' && facts.ownPdi !== pdi) {
    const actual = facts.ownPdi ?? 'none'
    throw new CheckFailure('GPU_IDENTITY_MISMATCH', `PDI ${pdi} of its certificate`, actual)
  }
  const { driverVersion, vbiosVersion } = facts
  const device: GpuDevice = {
    kind: family.kind,
    architecture: family.architecture,
    identity: toHex(deviceIdentity(brom.publicKey)),
    hwmodel: brom.commonName,
    ueid: BigInt(`0x${leaf.serial}`).toString(),
    chipId: chip.id,
    pdi,
    ...(driverVersion === undefined ? {} : { driverVersion }),
    vbiosVersion,
    rimIds: wantedRims(facts, family).map(({ id }) => id),
  }
  return { report, chain, facts, device }
}

/**
 * The firmware that the leaf is for is the one that reported. Switches report none; a GPU that reports none has a driver
 * from before 550, and nothing then ties its report to that firmware.
 * @throws CheckFailure, DerError
 */
export function requireFirmwareId({ chain, facts, device }: KnownDevice): string {
  const certified = readFwid(chain.leaf)
  if (facts.fwid === undefined && device.kind === 'switch') return 'not reported by switches'
  if (facts.fwid === undefined || certified === undefined) {
    const missing = certified === undefined ? 'certificate' : 'report'
    throw new CheckFailure('GPU_FWID_MISSING', 'FWID in report and certificate', `no ${missing}'s`)
  }
  const [expected, actual] = [toBareHex(certified), toBareHex(facts.fwid)]
  if (!equalBytes(certified, facts.fwid)) {
    throw new CheckFailure('GPU_FWID_MISMATCH', `FWID ${expected} of the leaf`, actual)
  }
  return actual
}
