import { toHex } from '../bytes/hex.ts'
import { failed, passed, type Check } from '../report/check.ts'
import type { TdReport } from './quote.ts'

/** TDATTRIBUTES bits (Intel TDX Module 1.5 ABI, 348551); all others are reserved. */
const SEPT_VE_DISABLE = 1n << 28n
const MIGRATABLE = 1n << 29n
const TUD_MASK = 0xffn
const KNOWN_ATTRIBUTES =
  TUD_MASK | // debug and profiling
  (1n << 16n) | // ICSSD
  (1n << 27n) | // LASS
  SEPT_VE_DISABLE |
  MIGRATABLE |
  (1n << 30n) | // PKS
  (1n << 31n) | // KL
  (1n << 62n) | // TPA
  (1n << 63n) // PERFMON

/** XFAM bits that are defined: x87, SSE, AVX, AVX-512, PT, PKU, CET, UINTR, LBR, AMX. */
const KNOWN_XFAM = 0x0006dbe7n
const X87_AND_SSE = 3n

/** `td-attributes`: the strict default of attack A8. Failures name the bits. */
export function checkTdAttributes(report: TdReport): Check<'td-attributes'> {
  const name = 'td-attributes'
  const attributes = littleEndian(report.tdAttributes)
  const xfam = littleEndian(report.xfam)
  const faults = [
    (attributes & TUD_MASK) !== 0n && 'DEBUG or profiling (bits 0 to 7) set',
    (attributes & ~KNOWN_ATTRIBUTES) !== 0n && 'reserved TDATTRIBUTES bits set',
    (attributes & MIGRATABLE) !== 0n && 'MIGRATABLE set',
    (attributes & SEPT_VE_DISABLE) === 0n && 'SEPT_VE_DISABLE clear',
    (xfam & X87_AND_SSE) !== X87_AND_SSE && 'XFAM[1:0] not 3',
    (xfam & ~KNOWN_XFAM) !== 0n && 'reserved XFAM bits set',
    report.mrSignerSeam.some((byte) => byte !== 0) && 'MRSIGNERSEAM not zero',
    report.seamAttributes.some((byte) => byte !== 0) && 'SEAMATTRIBUTES not zero',
  ].filter((fault) => fault !== false)
  return faults.length === 0
    ? passed(name, { tdAttributes: toHex(report.tdAttributes), xfam: toHex(report.xfam) })
    : failed(name, 'a production TD', faults.join('; '))
}

function littleEndian(bytes: Uint8Array): bigint {
  return BigInt(toHex(bytes.slice().reverse()))
}
