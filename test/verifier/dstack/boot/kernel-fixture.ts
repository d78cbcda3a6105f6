/** Bytes of the image below. */
export const KERNEL_BYTES = 0x2000
const PE = 0x80
const OPTIONAL: number = PE + 24
/** Where the fields of the image lie. */
export const KERNEL_FIELDS = {
  lfanew: 0x3c,
  magic: OPTIONAL,
  sizeOfHeaders: OPTIONAL + 60,
  checksum: OPTIONAL + 64,
  directories: OPTIONAL + 108,
  certificates: OPTIONAL + 144,
  sections: PE + 6,
  firstSection: OPTIONAL + 0xf0,
} as const

/** A PE32+ image with a Linux setup header (protocol 2.12) and two sections, the later one listed first. */
export function buildKernel(): Uint8Array<ArrayBuffer> {
  const bytes = Uint8Array.from({ length: KERNEL_BYTES }, (_, index) => index % 251)
  const view = new DataView(bytes.buffer)
  const { firstSection } = KERNEL_FIELDS
  view.setUint32(KERNEL_FIELDS.lfanew, PE, true)
  view.setUint32(PE, 0x4550, true)
  view.setUint16(KERNEL_FIELDS.sections, 2, true)
  view.setUint16(PE + 20, 0xf0, true)
  view.setUint16(KERNEL_FIELDS.magic, 0x20b, true)
  view.setUint32(KERNEL_FIELDS.sizeOfHeaders, 0x400, true)
  view.setUint32(KERNEL_FIELDS.directories, 16, true)
  view.setUint32(KERNEL_FIELDS.certificates, 0, true)
  view.setUint32(KERNEL_FIELDS.certificates + 4, 0, true)
  view.setUint32(firstSection + 16, 0x1000, true)
  view.setUint32(firstSection + 20, 0x1000, true)
  view.setUint32(firstSection + 56, 0xc00, true)
  view.setUint32(firstSection + 60, 0x400, true)
  view.setUint16(0x206, 0x20c, true)
  view.setUint8(0x211, 1)
  view.setUint16(0x236, 0x40, true)
  return bytes
}
