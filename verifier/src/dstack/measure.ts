/**
 * What a machine's registers will be, computed from an image, a machine and a compose file: for those who publish or
 * reproduce measurements. Judging evidence is `verifyEvidence`.
 */
export { acpiDigestsOf } from './boot/acpi-log.ts'
export { embeddedBootImage, type BootImage } from './boot/boot-image.ts'
export {
  BOOT_REGISTERS,
  computeBootRegisters,
  type BootRegister,
  type BootRegisterValues,
} from './boot/boot-registers.ts'
export { measureImageFiles, type ImageFiles } from './boot/image-files.ts'
export { computeMrtd, type PageOrder } from './boot/mrtd.ts'
export type { AcpiDigests } from './boot/rtmr0.ts'
export { parseTdvf } from './boot/tdvf.ts'
export { parseVmConfig, type VmConfig } from './boot/vm-config.ts'
export { replayRtmr3 } from './replay.ts'
export type { RuntimeEvent } from './runtime-events.ts'
