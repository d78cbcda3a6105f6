import { concatBytes } from '@jeju/verifier/protocol'
import type { RandomSource } from '../pki/random-source.ts'
import { uint16 } from '../quote/little-endian.ts'
import type { Chip } from './chip.ts'
import type { DeviceCertificates } from './device-pki.ts'
import type { OpaqueRecord, SpdmContent } from './spdm-writer.ts'

/** How GPUs of a machine share confidential mode. */
export type SimulatedMode = 'SPT' | 'MPT' | 'PPCIE'

/** A device of a simulated machine. */
export interface SimulatedDevice {
  readonly chip: Chip
  readonly pdi: Uint8Array
  readonly certificates: DeviceCertificates
}

export const DRIVER_VERSION = '595.71.05'
/** As the string shows it, and as a GPU writes it. */
export const GPU_VBIOS = '96.00.9F.00.01'
const GPU_VBIOS_BYTES = Uint8Array.of(0x00, 0x9f, 0x00, 0x96, 0x01, 0, 0, 0)
export const SWITCH_BIOS = '96.10.55.00.01'
export const BOARD = { project: 'G520', projectSku: '0200', chipSku: '885' } as const

const ON = Uint8Array.of(0xaa)
const OFF = Uint8Array.of(0x55)
const MODES: readonly SimulatedMode[] = ['SPT', 'MPT', 'PPCIE']
const SWITCH_LINKS = 18
/** Where a VBIOS RIM has several values, the devices measure the last. */
export const ALTERNATIVES = 4

/** Indexes that RIMs of the driver and of the VBIOS are for; a switch has one RIM for all of its. */
export const DRIVER_INDEXES: readonly number[] = [7, ...range(21, 41)]
export const VBIOS_INDEXES: readonly number[] = [...range(0, 6), ...range(8, 12)]
export const SWITCH_INDEXES: readonly number[] = range(0, 30)
/** Index with several values. */
export const SEVERAL_INDEX = 12

function range(from: number, to: number): readonly number[] {
  return Array.from({ length: to - from + 1 }, (_, offset) => from + offset)
}

/** What devices of that chip measure at an index: the same for all, as the firmware is. */
export function goldenOf(
  random: RandomSource,
  { product }: Chip,
  index: number,
): Uint8Array<ArrayBuffer> {
  return random(`measurement/${product}/${index}`, 48)
}

/** An honest report's content. */
export function contentOf(
  device: SimulatedDevice,
  all: readonly SimulatedDevice[],
  nonce: Uint8Array,
  setting: { readonly mode: SimulatedMode; readonly format: SpdmContent['format'] },
  random: RandomSource,
): SpdmContent {
  const { chip } = device
  const measurements = Array.from({ length: chip.measurements }, (_, index) =>
    goldenOf(random, chip, index),
  )
  const opaque =
    chip.kind === 'gpu' ? gpuRecords(device, all, setting.mode) : switchRecords(device, all)
  return { nonce, measurements, opaque, format: chip.kind === 'gpu' ? setting.format : 'tlv' }
}

function gpuRecords(
  { chip, certificates }: SimulatedDevice,
  all: readonly SimulatedDevice[],
  mode: SimulatedMode,
): readonly OpaqueRecord[] {
  const records: OpaqueRecord[] = [
    record(6, 0x86, GPU_VBIOS_BYTES),
    record(15, 0x82, text(BOARD.chipSku, 9)),
    record(17, 0x82, text(BOARD.project, 5)),
    record(18, 0x82, text(BOARD.projectSku, 5)),
    record(3, 0x86, text(DRIVER_VERSION, DRIVER_VERSION.length + 1)),
    record(11, 0x82, chip.architecture === 'HOPPER' ? OFF : ON),
    record(20, 0x01, certificates.fwid),
    record(34, 0x86, uint16(1)),
    record(36, 0x85, uint16(MODES.indexOf(mode))),
    record(37, 0x87, uint16(5)),
  ]
  if (chip.architecture === 'BLACKWELL') records.push(record(35, 0x82, text('GB100', 6)))
  else records.push(record(21, 0x85, mode === 'PPCIE' ? ON : OFF))
  if (mode === 'PPCIE') {
    const switches = all.filter((other) => other.chip.kind === 'switch')
    const ends = Array.from({ length: SWITCH_LINKS }, (_, link) => {
      const end = switches[link % Math.max(switches.length, 1)]
      return (end?.pdi ?? new Uint8Array(8)).toReversed()
    })
    records.push(record(22, 0x82, concatBytes(...ends)))
  }
  return records
}

function switchRecords(
  { pdi }: SimulatedDevice,
  all: readonly SimulatedDevice[],
): readonly OpaqueRecord[] {
  const gpus = all.filter((other) => other.chip.kind === 'gpu').map((gpu) => gpu.pdi)
  const ports = new Uint8Array(128).fill(0xff)
  ports.fill(0, 0, 64)
  ports.set(concatBytes(...gpus.slice(0, 8)))
  return [
    record(6, 0x86, new TextEncoder().encode(SWITCH_BIOS)),
    record(22, 0x82, pdi),
    record(26, 0x82, ports),
  ]
}

function record(id: number, valueType: number, data: Uint8Array): OpaqueRecord {
  return { id, valueType, data }
}

/** Text with NULs behind it. */
function text(characters: string, length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  bytes.set(new TextEncoder().encode(characters))
  return bytes
}
