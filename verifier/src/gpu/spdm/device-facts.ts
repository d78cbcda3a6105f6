import { toBareHex } from '../../bytes/hex.ts'
import { VerifierError } from '../../errors.ts'
import type { DeviceKind } from '../device/chip-family.ts'
import { OPAQUE, type OpaqueData } from './opaque-data.ts'

/** How GPUs of a machine share confidential mode; `unknown` where the driver does not say. */
export type GpuMode = 'SPT' | 'MPT' | 'PPCIE' | 'unknown'

/** What a device says of itself beside its measurements: true where the report's signature holds. */
export interface DeviceFacts {
  /** GPUs only. */
  readonly driverVersion: string | undefined
  /** Upper case with dots: of the VBIOS, or of a switch's BIOS. */
  readonly vbiosVersion: string
  /** What names the board in ids of VBIOS RIMs. */
  readonly board: {
    readonly project: string
    readonly projectSku: string
    readonly chipSku: string
  }
  readonly chipInfo: string | undefined
  readonly mode: GpuMode
  /** Whether the first video decoder is on; undefined where the device does not say. */
  readonly nvdec0: boolean | undefined
  readonly fwid: Uint8Array | undefined
  /** A switch's own PDI, hex. */
  readonly ownPdi: string | undefined
  /** PDIs that a GPU reads at the other ends of its links, hex, as the switches write them. */
  readonly switchPdis: readonly string[]
  /** PDIs that a switch lists. */
  readonly gpuPdis: readonly string[]
}

const PDI_BYTES = 8
/** One count for each measurement, of which there are more or fewer; nothing else is made of them. */
const COUNT_BYTES = 4
const MAX_LISTED_GPUS = 8
const ON = 0xaa
const OFF = 0x55

/** Reads opaque data of a device of that kind. @throws VerifierError `GPU_REPORT_INVALID` */
export function readDeviceFacts(opaque: OpaqueData, kind: DeviceKind): DeviceFacts {
  const isGpu = kind === 'gpu'
  const pdi = dataOf(opaque, OPAQUE.pdi)
  const listed = dataOf(opaque, OPAQUE.switchGpuPdis)
  if (pdi && !isGpu && pdi.length !== PDI_BYTES) throw invalid('a PDI of 8 bytes', pdi.length)
  const counts = dataOf(opaque, OPAQUE.measurementCounts)
  if (counts && counts.length % COUNT_BYTES !== 0) throw invalid('whole counts', counts.length)
  return {
    driverVersion: isGpu ? textOf(opaque, OPAQUE.driverVersion) : undefined,
    vbiosVersion: isGpu ? gpuVbios(opaque) : (textOf(opaque, OPAQUE.vbiosVersion) ?? ''),
    board: {
      project: textOf(opaque, OPAQUE.project) ?? '',
      projectSku: textOf(opaque, OPAQUE.projectSku) ?? '',
      chipSku: textOf(opaque, OPAQUE.chipSku) ?? '',
    },
    chipInfo: textOf(opaque, OPAQUE.chipInfo),
    mode: isGpu ? modeOf(opaque) : 'unknown',
    nvdec0: flagOf(opaque, OPAQUE.nvdec0Status),
    fwid: dataOf(opaque, OPAQUE.fwid),
    ownPdi: isGpu || !pdi ? undefined : toBareHex(pdi),
    switchPdis: isGpu && pdi ? pdisOf(pdi, true) : [],
    gpuPdis: isGpu || !listed ? [] : pdisOf(listed.subarray(0, PDI_BYTES * MAX_LISTED_GPUS), false),
  }
}

function dataOf({ entries }: OpaqueData, id: number): Uint8Array | undefined {
  return entries.get(id)?.data
}

/** ASCII up to the first NUL. */
function textOf(opaque: OpaqueData, id: number): string | undefined {
  const data = dataOf(opaque, id)
  if (data === undefined) return undefined
  const text = String.fromCharCode(...data).replace(/\0.*$/s, '')
  if (!/^[\x20-\x7e]*$/.test(text)) throw invalid(`type ${id} in ASCII`, 'other bytes')
  return text
}

function flagOf(opaque: OpaqueData, id: number): boolean | undefined {
  const data = dataOf(opaque, id)
  if (data === undefined) return undefined
  const [flag = 0] = data
  if (data.length !== 1 || (flag !== ON && flag !== OFF))
    throw invalid(`type ${id} on or off`, flag)
  return flag === ON
}

/** Eight bytes, little endian: four of them first, then one more, which the string shows last. */
function gpuVbios(opaque: OpaqueData): string {
  const data = dataOf(opaque, OPAQUE.vbiosVersion)
  if (data?.length !== PDI_BYTES)
    throw invalid('a VBIOS version of 8 bytes', data?.length ?? 'none')
  const digits = toBareHex(data.toReversed()).toUpperCase()
  return (digits.slice(8) + digits.slice(6, 8)).replaceAll(/..(?=.)/g, '$&.')
}

/** The feature flag where the format has one, else the older status; where both stand they must agree. */
function modeOf(opaque: OpaqueData): GpuMode {
  const status = flagOf(opaque, OPAQUE.protectedPcieStatus)
  const byStatus = status === undefined ? undefined : status ? 'PPCIE' : 'SPT'
  const hasFlag = opaque.format === 'nvdaod' || uint16Of(opaque, OPAQUE.opaqueDataVersion) >= 1
  if (!hasFlag || dataOf(opaque, OPAQUE.featureFlag) === undefined) return byStatus ?? 'unknown'
  const mode = (['SPT', 'MPT', 'PPCIE'] as const)[uint16Of(opaque, OPAQUE.featureFlag)]
  if (mode === undefined) return 'unknown'
  const agrees = byStatus === undefined || (byStatus === 'PPCIE') === (mode === 'PPCIE')
  return agrees ? mode : 'unknown'
}

function uint16Of(opaque: OpaqueData, id: number): number {
  const [low = 0, high = 0] = dataOf(opaque, id) ?? []
  return low | (high << 8)
}

/** PDIs back to back, zeros left out; a GPU writes each byte-reversed. */
function pdisOf(bytes: Uint8Array, reversed: boolean): readonly string[] {
  if (bytes.length % PDI_BYTES !== 0) throw invalid('whole PDIs', bytes.length)
  const pdis: string[] = []
  for (let at = 0; at < bytes.length; at += PDI_BYTES) {
    const pdi = bytes.slice(at, at + PDI_BYTES)
    if (pdi.some((byte) => byte !== 0)) pdis.push(toBareHex(reversed ? pdi.reverse() : pdi))
  }
  return pdis
}

function invalid(expected: string, actual: string | number): VerifierError {
  const message = `opaqueData: expected ${expected}, got ${actual}`
  return new VerifierError('GPU_REPORT_INVALID', message)
}
