import { sha384 } from '../../bytes/hash.ts'
import { VerifierError } from '../../errors.ts'
import { PAGE_BYTES, type TdvfSection } from './tdvf.ts'

/**
 * Order in which QEMU builds the TD: all pages of a section added and then all measured (8.x), or each measured
 * right after it was added (9.0 and later).
 */
export type PageOrder = 'two-pass' | 'single-pass'

const RECORD_BYTES = 128
const CHUNK_BYTES = 0x100
const EXTEND_BYTES: number = (PAGE_BYTES / CHUNK_BYTES) * (RECORD_BYTES + CHUNK_BYTES)
const MAX_MEASURED_BYTES: number = 64 * 1024 * 1024
const GPA_OFFSET = 16

/**
 * MRTD of a TD built from these sections, 48 bytes: SHA-384 over one record for each page that is added and each 256
 * bytes that are measured (Intel TDX module base specification, TDH.MEM.PAGE.ADD and TDH.MR.EXTEND).
 * @throws VerifierError `FIRMWARE_INVALID` where more is measured than any firmware holds
 */
export function computeMrtd(sections: readonly TdvfSection[], order: PageOrder): Uint8Array {
  const length = sections.reduce((sum, section) => sum + measuredBytes(section), 0)
  if (length > MAX_MEASURED_BYTES) {
    throw new VerifierError('FIRMWARE_INVALID', `firmware: measures ${length} bytes`)
  }
  const log = new MeasuredPages(length)
  for (const section of sections) {
    const pages = Array.from({ length: section.size / PAGE_BYTES }, (_, page) => page)
    if (order === 'two-pass') {
      for (const page of pages) log.add(section, page)
      for (const page of pages) log.extend(section, page)
    } else {
      for (const page of pages) {
        log.add(section, page)
        log.extend(section, page)
      }
    }
  }
  return sha384(log.bytes)
}

function measuredBytes({ size, augmented, extended }: TdvfSection): number {
  const page = (augmented ? 0 : RECORD_BYTES) + (extended ? EXTEND_BYTES : 0)
  return (size / PAGE_BYTES) * page
}

/** What the TDX module hashes, in order. */
class MeasuredPages {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly #view: DataView
  #at = 0

  constructor(length: number) {
    this.bytes = new Uint8Array(length)
    this.#view = new DataView(this.bytes.buffer)
  }

  add({ address, augmented }: TdvfSection, page: number): void {
    if (!augmented) this.#record('MEM.PAGE.ADD', address + BigInt(page * PAGE_BYTES))
  }

  extend({ address, content, extended }: TdvfSection, page: number): void {
    if (!extended) return
    for (let at = page * PAGE_BYTES; at < (page + 1) * PAGE_BYTES; at += CHUNK_BYTES) {
      this.#record('MR.EXTEND', address + BigInt(at))
      this.bytes.set(content.subarray(at, at + CHUNK_BYTES), this.#at)
      this.#at += CHUNK_BYTES
    }
  }

  #record(operation: string, gpa: bigint): void {
    this.bytes.set(new TextEncoder().encode(operation), this.#at)
    this.#view.setBigUint64(this.#at + GPA_OFFSET, gpa, true)
    this.#at += RECORD_BYTES
  }
}
