import { VerifierError } from '../../errors.ts'
import type { BootImage } from './boot-image.ts'
import { atHighMemoryPlace } from './kernel-header.ts'
import { computeRtmr0, type AcpiDigests } from './rtmr0.ts'
import { computeRtmr1 } from './rtmr1.ts'
import { computeRtmr2 } from './rtmr2.ts'
import { tdHobDigest } from './td-hob.ts'
import type { VmConfig } from './vm-config.ts'

/** The registers that a boot decides, in the order in which they are reported. */
export const BOOT_REGISTERS = ['mrtd', 'rtmr0', 'rtmr1', 'rtmr2'] as const

/** One of {@link BOOT_REGISTERS}. */
export type BootRegister = (typeof BOOT_REGISTERS)[number]

/** 48 bytes each. */
export type BootRegisterValues = Readonly<Record<BootRegister, Uint8Array>>

/**
 * The registers of this image in this machine. ACPI tables depend on the machine in ways that only QEMU knows, so
 * their digests are given.
 * @throws VerifierError `VM_UNSUPPORTED` where the kernel digest does not hold at this memory size
 */
export function computeBootRegisters(
  image: BootImage,
  { memoryBytes, pageOrder }: Pick<VmConfig, 'memoryBytes' | 'pageOrder'>,
  acpi: AcpiDigests,
): BootRegisterValues {
  if (!kernelDigestHolds(image, memoryBytes)) {
    throw new VerifierError(
      'VM_UNSUPPORTED',
      `vm_config: the kernel digest holds for ${image.kernelMemory} memory, not for ${memoryBytes} bytes`,
    )
  }
  return {
    mrtd: image.mrtd[pageOrder],
    rtmr0: computeRtmr0(tdHobDigest(image.tdHob, memoryBytes), image.cfvDigest, acpi),
    rtmr1: computeRtmr1(image.kernelDigest),
    rtmr2: computeRtmr2(image.cmdlineDigest, image.initrdDigest),
  }
}

function kernelDigestHolds({ kernelMemory }: BootImage, memory: bigint): boolean {
  if (kernelMemory === 'any' || kernelMemory === memory) return true
  return kernelMemory === 'high' && atHighMemoryPlace(memory)
}
