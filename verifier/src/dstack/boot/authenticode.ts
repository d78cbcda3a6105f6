import { concatBytes } from '../../bytes/bytes.ts'
import { sha384 } from '../../bytes/hash.ts'
import { FileView } from './file-view.ts'

const PE_SIGNATURE = 0x4550
const PE32 = 0x10b
const PE32_PLUS = 0x20b
const CERTIFICATE_DIRECTORY = 4
const SECTION_HEADER_BYTES = 40
const MAX_SECTIONS = 96

/**
 * Authenticode SHA-384 of a PE image, 48 bytes: everything but the checksum and the certificate table (Windows
 * Authenticode Portable Executable Signature Format, "Calculating the PE Image Hash"), padded with zeros to 8 bytes.
 * @throws VerifierError `KERNEL_INVALID`
 */
export function authenticodeDigest(image: Uint8Array): Uint8Array {
  const file = new FileView(image, 'KERNEL_INVALID', 'kernel')
  const pe = file.uint32(0x3c, 'e_lfanew')
  if (file.uint32(pe, 'PE signature') !== PE_SIGNATURE) throw file.refusal('not a PE image')
  const coff = pe + 4
  const optional = coff + 20
  const directories = optional + directoriesOffset(file, optional)
  const certificates = directories + CERTIFICATE_DIRECTORY * 8
  if (file.uint32(directories - 4, 'number of directories') <= CERTIFICATE_DIRECTORY) {
    throw file.refusal('no certificate directory')
  }
  const headers = file.uint32(optional + 60, 'SizeOfHeaders')
  const table = optional + file.uint16(coff + 16, 'SizeOfOptionalHeader')
  const sections = sectionsOf(file, table, file.uint16(coff + 2, 'NumberOfSections'))
  const hashed = [headers, ...sections.map((section) => section.length)]
    .map(BigInt)
    .reduce((sum, length) => sum + length)
  return sha384(
    concatBytes(
      file.slice(0, optional + 64, 'headers'),
      file.slice(optional + 68, certificates, 'headers'),
      file.slice(certificates + 8, headers, 'headers'),
      ...sections,
      trailing(file, hashed, file.uint32(certificates + 4, 'certificate table size')),
      new Uint8Array((8 - (image.length % 8)) % 8),
    ),
  )
}

/** Where the data directories start within the optional header. */
function directoriesOffset(file: FileView, optional: number): number {
  const magic = file.uint16(optional, 'Magic')
  if (magic === PE32_PLUS) return 112
  if (magic === PE32) return 96
  throw file.refusal(`optional header 0x${magic.toString(16)}`)
}

/** Content of the sections by place in the file. */
function sectionsOf(file: FileView, table: number, count: number): readonly Uint8Array[] {
  if (count > MAX_SECTIONS) throw file.refusal(`${count} sections`)
  let end = 0
  return Array.from({ length: count }, (_, index) => table + index * SECTION_HEADER_BYTES)
    .map((at) => ({
      size: file.uint32(at + 16, 'SizeOfRawData'),
      start: file.uint32(at + 20, 'PointerToRawData'),
    }))
    .filter(({ size }) => size > 0)
    .toSorted((a, b) => a.start - b.start)
    .map(({ start, size }) => {
      // Overlapping sections would let a small file ask for gigabytes.
      if (start < end) throw file.refusal('sections overlap')
      end = start + size
      return file.slice(start, end, 'section')
    })
}

/** What stands behind everything hashed so far, without the certificates at the end. */
function trailing(file: FileView, hashed: bigint, certificates: number): Uint8Array {
  const end = file.length - certificates
  return hashed < BigInt(end) ? file.slice(Number(hashed), end, 'trailing data') : new Uint8Array(0)
}
