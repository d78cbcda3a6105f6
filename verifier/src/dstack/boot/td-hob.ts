import { concatBytes } from '../../bytes/bytes.ts'
import { sha384 } from '../../bytes/hash.ts'
import type { TdvfSection } from './tdvf.ts'

/** Guest memory from `start` up to `end`, in bytes. */
export interface MemoryRange {
  readonly start: bigint
  readonly end: bigint
}

/** What the firmware's sections say about the hand-off block: where it lies and which memory is accepted at start. */
export interface TdHobLayout {
  readonly base: bigint
  readonly accepted: readonly MemoryRange[]
}

const TD_HOB_SECTION = 2
const TEMP_MEM_SECTION = 3
/** From here on QEMU moves memory above 2 GiB behind the 32-bit hole. */
const SPLIT_FROM = 0xb000_0000n
const LOW_END = 0x8000_0000n
const HIGH_START = 0x1_0000_0000n
const HEAD_BYTES = 56
const RESOURCE_BYTES = 48
const END_MARK_BYTES = 8n
const SYSTEM_MEMORY = 0
const UNACCEPTED_MEMORY = 7
/** Present, initialised, tested. */
const RESOURCE_ATTRIBUTES = 7

/** The layout in a firmware file; undefined where it has no, or more than one, TD_HOB section. */
export function tdHobLayout(sections: readonly TdvfSection[]): TdHobLayout | undefined {
  const [hob, ...others] = sections.filter(({ type }) => type === TD_HOB_SECTION)
  if (hob === undefined || others.length > 0) return undefined
  const accepted = sections
    .filter(({ type }) => type === TD_HOB_SECTION || type === TEMP_MEM_SECTION)
    .map(({ address, size }) => ({ start: address, end: address + BigInt(size) }))
  return { base: hob.address, accepted }
}

/**
 * Digest of the TD HOB list that QEMU hands to the firmware, the first event of RTMR0; `memory` in bytes (UEFI
 * Platform Initialization 1.7, volume 3 §5; dstack measurement of the TD HOB).
 */
export function tdHobDigest({ base, accepted }: TdHobLayout, memory: bigint): Uint8Array {
  const resources = resourcesOf(memoryMap(accepted, memory), memory)
  const total = BigInt(HEAD_BYTES + resources.length * RESOURCE_BYTES)
  return sha384(concatBytes(head(base + total + END_MARK_BYTES), ...resources))
}

interface Region extends MemoryRange {
  readonly accepted: boolean
}

/** All memory, cut where a range was accepted, by address. */
function memoryMap(accepted: readonly MemoryRange[], memory: bigint): readonly Region[] {
  let regions: readonly Region[] = [{ accepted: false, start: 0n, end: memory }]
  for (const { start, end } of accepted) {
    if (start >= end) continue
    const kept = regions.flatMap((region) => {
      if (region.accepted || region.end <= start || region.start >= end) return [region]
      const left = { accepted: false, start: region.start, end: start }
      const right = { accepted: false, start: end, end: region.end }
      return [left, right].filter((part) => part.start < part.end)
    })
    regions = [...kept, { accepted: true, start, end }].toSorted((a, b) =>
      a.start < b.start ? -1 : a.start > b.start ? 1 : 0,
    )
  }
  return regions
}

function resourcesOf(regions: readonly Region[], memory: bigint): readonly Uint8Array[] {
  const last = regions.at(-1)
  const resources = regions
    .slice(0, -1)
    .map(({ accepted, start, end }) =>
      resource(accepted ? SYSTEM_MEMORY : UNACCEPTED_MEMORY, start, end - start),
    )
  if (last === undefined) return resources
  if (memory < SPLIT_FROM) {
    return [...resources, resource(UNACCEPTED_MEMORY, last.start, last.end - last.start)]
  }
  if (last.start < LOW_END) {
    resources.push(resource(UNACCEPTED_MEMORY, last.start, LOW_END - last.start))
  }
  if (last.end > LOW_END) {
    resources.push(resource(UNACCEPTED_MEMORY, HIGH_START, last.end - LOW_END))
  }
  return resources
}

/** EFI_HOB_HANDOFF_INFO_TABLE. The end marker that it points behind is not measured. */
function head(endOfList: bigint): Uint8Array {
  const bytes = new Uint8Array(HEAD_BYTES)
  const view = new DataView(bytes.buffer)
  view.setUint16(0, 1, true)
  view.setUint16(2, HEAD_BYTES, true)
  view.setUint32(8, 9, true)
  view.setBigUint64(48, endOfList, true)
  return bytes
}

/** EFI_HOB_RESOURCE_DESCRIPTOR without owner. */
function resource(type: number, start: bigint, length: bigint): Uint8Array {
  const bytes = new Uint8Array(RESOURCE_BYTES)
  const view = new DataView(bytes.buffer)
  view.setUint16(0, 3, true)
  view.setUint16(2, RESOURCE_BYTES, true)
  view.setUint32(24, type, true)
  view.setUint32(28, RESOURCE_ATTRIBUTES, true)
  view.setBigUint64(32, start, true)
  view.setBigUint64(40, length, true)
  return bytes
}
