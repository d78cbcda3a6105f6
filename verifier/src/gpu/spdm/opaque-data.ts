import { equalBytes } from '../../bytes/bytes.ts'
import { Cursor } from '../../bytes/cursor.ts'
import { VerifierError } from '../../errors.ts'

/** Ids of opaque data (NVIDIA, Opaque Data specification). Those not listed are kept as bytes. */
export const OPAQUE = {
  driverVersion: 3,
  vbiosVersion: 6,
  nvdec0Status: 11,
  measurementCounts: 12,
  chipSku: 15,
  project: 17,
  projectSku: 18,
  fwid: 20,
  protectedPcieStatus: 21,
  /** Of a GPU: the switches at the ends of its links. Of a switch: its own. */
  pdi: 22,
  switchGpuPdis: 26,
  opaqueDataVersion: 34,
  chipInfo: 35,
  featureFlag: 36,
} as const

/** How the device wrote its opaque data. */
export type OpaqueFormat = 'tlv' | 'nvdaod'

/** One record; `valueType` is there in NVDAOD. */
export interface OpaqueEntry {
  readonly data: Uint8Array
  readonly valueType?: number
}

/** Records by id, each once. */
export interface OpaqueData {
  readonly format: OpaqueFormat
  readonly entries: ReadonlyMap<number, OpaqueEntry>
}

/** Type of a security version number in NVDAOD, the one that a RIM may set a floor for. */
export const VALUE_TYPE_SVN = 0x87

/** Bytes of a value by its type in NVDAOD: fixed, or a multiple of a size. Other types nobody here can read. */
const VALUE_SIZES: Readonly<Record<number, { readonly unit: number; readonly exact: boolean }>> = {
  0x01: { unit: 1, exact: false }, // digest
  0x82: { unit: 1, exact: false }, // text, bytes
  0x83: { unit: 4, exact: true }, // u32
  0x84: { unit: 4, exact: false }, // u32, several
  0x85: { unit: 1, exact: false }, // status
  0x86: { unit: 1, exact: false }, // version
  [VALUE_TYPE_SVN]: { unit: 2, exact: true },
}

/** `NVDAOD`. */
const MAGIC = Uint8Array.of(0x4e, 0x56, 0x44, 0x41, 0x4f, 0x44)
const MAX_MAJOR_VERSION = 2

/** Reads opaque data in either format; any other is refused, since it might hide what must be seen. @throws VerifierError */
export function parseOpaqueData(bytes: Uint8Array): OpaqueData {
  const isNvdaod = equalBytes(bytes.subarray(0, MAGIC.length), MAGIC)
  const at = new Cursor(bytes, 'opaqueData')
  if (isNvdaod) readHeader(at)
  const entries = new Map<number, OpaqueEntry>()
  while (at.remaining > 0) {
    const id = at.uint16(at.offset, 'type')
    const valueType = isNvdaod ? at.uint16(at.offset, `${id}.valueType`) : undefined
    const size = at.uint16(at.offset, `${id}.size`)
    const data = at.bytes(at.offset, size, `${id}.data`)
    if (entries.has(id)) throw invalid(`type ${id} once`, 'twice')
    if (valueType === undefined) entries.set(id, { data })
    else {
      requireSize(id, valueType, size)
      entries.set(id, { data, valueType })
    }
  }
  return { format: isNvdaod ? 'nvdaod' : 'tlv', entries }
}

/** NVIDIA, Opaque Data Format: magic, profile, version and a byte of padding. */
function readHeader(at: Cursor): void {
  at.bytes(0, MAGIC.length, 'magic')
  const profile = at.uint16(6, 'profile')
  const [major = 0] = at.bytes(8, 4, 'version')
  if (profile !== 0 || major > MAX_MAJOR_VERSION) {
    const actual = `profile ${profile}, version ${major}`
    throw invalid(`profile 0, version ${MAX_MAJOR_VERSION}`, actual)
  }
}

function requireSize(id: number, valueType: number, size: number): void {
  const wanted = VALUE_SIZES[valueType]
  if (!wanted || size % wanted.unit !== 0 || (wanted.exact && size !== wanted.unit)) {
    throw invalid(`type ${id}: a known value type of its size`, `${valueType}, ${size} bytes`)
  }
}

function invalid(expected: string, actual: string): VerifierError {
  const message = `opaqueData: expected ${expected}, got ${actual}`
  return new VerifierError('GPU_REPORT_INVALID', message)
}
