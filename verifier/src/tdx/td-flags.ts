import type { TdReport } from './quote.ts'

/** Names of TDATTRIBUTES bits (Intel TDX Module 1.5 ABI, 348551); all others are reserved. */
const ATTRIBUTE_NAMES: ReadonlyMap<number, string> = new Map([
  [0, 'DEBUG'],
  [4, 'HGS_PLUS_PROF'],
  [5, 'PERF_PROF'],
  [6, 'PMT_PROF'],
  [16, 'ICSSD'],
  [27, 'LASS'],
  [28, 'SEPT_VE_DISABLE'],
  [29, 'MIGRATABLE'],
  [30, 'PKS'],
  [31, 'KL'],
  [62, 'TPA'],
  [63, 'PERFMON'],
])

const SEPT_VE_DISABLE_BIT = 28
/** Bits 0 to 7, debug and profiling: any of them makes the TD untrusted. */
const UNTRUSTED_BITS = 8
/** XFAM bits that are defined: x87, SSE, AVX, AVX-512, PT, PKU, CET, UINTR, LBR, AMX. */
const KNOWN_XFAM = 0x0006_dbe7n

/** Attributes a policy may take or leave. */
export const OPTIONAL_ATTRIBUTES = ['ICSSD', 'LASS', 'PKS', 'KL', 'TPA', 'PERFMON'] as const
/** One of {@link OPTIONAL_ATTRIBUTES}. */
export type OptionalAttribute = (typeof OPTIONAL_ATTRIBUTES)[number]

/** What stands out in a TD report. */
export interface TdFlag {
  readonly name: string
  /** `untrusted`: debug or profiling; `reserved`: a bit nobody here knows; `other`: for a policy to judge. */
  readonly kind: 'untrusted' | 'reserved' | 'other'
}

/** Everything about a TD that is not as in the plainest production TD, by name. */
export function tdFlags(report: TdReport): readonly TdFlag[] {
  return [
    ...attributeFlags(littleEndian(report.tdAttributes)),
    ...xfamFlags(littleEndian(report.xfam)),
    ...(report.td15?.mrServiceTd.some((byte) => byte !== 0) === true
      ? [{ name: 'MRSERVICETD≠0', kind: 'other' } as const]
      : []),
  ]
}

function attributeFlags(attributes: bigint): readonly TdFlag[] {
  const flags: TdFlag[] = bitsOf(attributes).flatMap((bit): readonly TdFlag[] => {
    if (bit === SEPT_VE_DISABLE_BIT) return []
    const known = ATTRIBUTE_NAMES.get(bit)
    if (bit < UNTRUSTED_BITS) return [{ name: known ?? `TUD bit ${bit}`, kind: 'untrusted' }]
    return known === undefined
      ? [{ name: `reserved bit ${bit}`, kind: 'reserved' }]
      : [{ name: known, kind: 'other' }]
  })
  const isDisabled = ((attributes >> BigInt(SEPT_VE_DISABLE_BIT)) & 1n) === 1n
  return isDisabled ? flags : [...flags, { name: 'SEPT_VE_DISABLE=0', kind: 'other' }]
}

function xfamFlags(xfam: bigint): readonly TdFlag[] {
  const flags: TdFlag[] = bitsOf(xfam & ~KNOWN_XFAM).map((bit) => ({
    name: `XFAM bit ${bit}`,
    kind: 'reserved',
  }))
  return (xfam & 3n) === 3n ? flags : [...flags, { name: 'XFAM[1:0]≠3', kind: 'other' }]
}

function bitsOf(value: bigint): readonly number[] {
  return Array.from({ length: 64 }, (_, bit) => bit).filter(
    (bit) => ((value >> BigInt(bit)) & 1n) === 1n,
  )
}

function littleEndian(bytes: Uint8Array): bigint {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getBigUint64(0, true)
}
