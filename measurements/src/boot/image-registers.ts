import { toHex } from '@jeju/verifier/protocol'
import { BOOT_REGISTERS, computeBootRegisters, type BootImage } from '@jeju/verifier/measure'
import type { BootRegistersHex, VmShape } from '../release/schema.ts'
import { acpiOf, vmOf } from './vm-shape.ts'

/**
 * MRTD and RTMR0 to 2 of an image in a machine of this shape.
 * @throws VerifierError `VM_UNSUPPORTED`
 */
export function imageRegisters(
  image: BootImage,
  shape: Pick<VmShape, 'acpi' | 'memoryBytes' | 'qemuVersion'>,
): BootRegistersHex {
  const values = computeBootRegisters(image, vmOf(shape), acpiOf(shape))
  const [mrtd, rtmr0, rtmr1, rtmr2] = BOOT_REGISTERS.map((register) => toHex(values[register]))
  if (!mrtd || !rtmr0 || !rtmr1 || !rtmr2) throw new TypeError('four registers')
  return { mrtd, rtmr0, rtmr1, rtmr2 }
}
