import { equalBytes } from '../../bytes/bytes.ts'
import { FileView } from './file-view.ts'
import { guidBytes } from './guid.ts'

/** One range of guest memory that the firmware file describes (Intel TDVF Design Guide, 11.2). */
export interface TdvfSection {
  /** Guest address in bytes, a multiple of 4096. */
  readonly address: bigint
  /** Bytes of memory, a multiple of 4096. */
  readonly size: number
  readonly type: number
  /** What the file holds for it; the rest of the memory is zero. */
  readonly content: Uint8Array
  /** The content fills the memory and is measured into MRTD. */
  readonly extended: boolean
  /** Added after the measurement was closed (PAGE.AUG): not part of MRTD. */
  readonly augmented: boolean
}

export const PAGE_BYTES = 0x1000
/** Largest firmware file read (dstack's is 4 MiB). */
export const MAX_FIRMWARE_BYTES: number = 32 * 1024 * 1024

const FOOTER = guidBytes('96b582de-1fb2-45f7-baea-a366c55a082d')
const METADATA_OFFSET = guidBytes('e47a6535-984a-4798-865e-4685a7bf8ec2')
/** Reset vector behind the table of GUIDs. */
const BYTES_BEHIND_FOOTER = 32
const ENTRY_HEAD_BYTES = 18
const DESCRIPTOR_BYTES = 16
const SECTION_BYTES = 32
const MAX_SECTIONS = 64
const MAX_PAGES = 0x1_0000
const MR_EXTEND = 1
const PAGE_AUG = 2

/**
 * The sections of a TDVF firmware file, in file order (Intel TDVF Design Guide, 11.1 and 11.2).
 * @throws VerifierError `FIRMWARE_INVALID`
 */
export function parseTdvf(firmware: Uint8Array): readonly TdvfSection[] {
  const file = new FileView(firmware, 'FIRMWARE_INVALID', 'firmware')
  if (firmware.length > MAX_FIRMWARE_BYTES) throw file.refusal(`${firmware.length} bytes`)
  const descriptor = file.length - metadataOffset(file)
  const signature = new TextDecoder().decode(file.slice(descriptor, descriptor + 4, 'signature'))
  if (signature !== 'TDVF') throw file.refusal('no TDVF descriptor')
  const version = file.uint32(descriptor + 8, 'version')
  if (version !== 1) throw file.refusal(`expected descriptor version 1, got ${version}`)
  const count = file.uint32(descriptor + 12, 'number of sections')
  if (count > MAX_SECTIONS) throw file.refusal(`${count} sections`)
  const sections = Array.from({ length: count }, (_, index) =>
    readSection(file, descriptor + DESCRIPTOR_BYTES + index * SECTION_BYTES, index),
  )
  const pages = sections.reduce((sum, { size }) => sum + size / PAGE_BYTES, 0)
  if (pages > MAX_PAGES) throw file.refusal(`${pages} pages`)
  return sections
}

/** Distance of the descriptor from the file's end, found by walking the GUID table backwards. */
function metadataOffset(file: FileView): number {
  const end = file.length - BYTES_BEHIND_FOOTER
  if (!equalBytes(file.slice(end - 16, end, 'footer'), FOOTER)) throw file.refusal('no GUID table')
  // The table's length counts its own entry, from which the walk starts.
  const start = end - file.uint16(end - ENTRY_HEAD_BYTES, 'table length')
  if (start < 0) throw file.refusal('a GUID table before the file')
  let entryEnd = end - ENTRY_HEAD_BYTES
  while (entryEnd > start) {
    const length = file.uint16(entryEnd - ENTRY_HEAD_BYTES, 'entry length')
    const data = entryEnd - ENTRY_HEAD_BYTES
    if (length < ENTRY_HEAD_BYTES || entryEnd - length < start) {
      throw file.refusal(`entry of ${length} bytes in the GUID table`)
    }
    if (equalBytes(file.slice(data + 2, entryEnd, 'entry'), METADATA_OFFSET)) {
      if (length < ENTRY_HEAD_BYTES + 4) throw file.refusal('no offset in the TDVF entry')
      return file.uint32(data - 4, 'descriptor offset')
    }
    entryEnd -= length
  }
  throw file.refusal('no TDVF entry in the GUID table')
}

function readSection(file: FileView, at: number, index: number): TdvfSection {
  const place = `section ${index}`
  const dataOffset = file.uint32(at, `${place}.data_offset`)
  const rawSize = file.uint32(at + 4, `${place}.raw_size`)
  const address = file.uint64(at + 8, `${place}.mem_addr`)
  const memorySize = file.uint64(at + 16, `${place}.mem_size`)
  const type = file.uint32(at + 24, `${place}.type`)
  const attributes = file.uint32(at + 28, `${place}.attr`)
  const size = Number(memorySize)
  if (address % 4096n !== 0n || size % PAGE_BYTES !== 0) {
    throw file.refusal(`${place}: not on pages`)
  }
  if (memorySize > BigInt(MAX_PAGES * PAGE_BYTES) || address + memorySize > 1n << 64n) {
    throw file.refusal(`${place}: ${memorySize} bytes at ${address}`)
  }
  if (rawSize > size) throw file.refusal(`${place}: more content than memory`)
  const content = file.slice(dataOffset, dataOffset + rawSize, place)
  const extended = (attributes & MR_EXTEND) !== 0
  // What fills the rest of the memory is nowhere said, and measuring tools differ about it.
  if (extended && rawSize !== size) throw file.refusal(`${place}: measured beyond its content`)
  return {
    address,
    size,
    type,
    content,
    extended,
    augmented: (attributes & PAGE_AUG) !== 0,
  }
}
