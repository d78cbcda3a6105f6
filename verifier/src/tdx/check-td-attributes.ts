import { toHex } from '../bytes/hex.ts'
import { failed, passed, type Check } from '../report/check.ts'
import type { TdReport } from './quote.ts'
import { tdFlags, type TdFlag } from './td-flags.ts'

/**
 * `td-attributes`: the strict default of attack A8. Failures name the bits. MRSIGNERSEAM and SEAMATTRIBUTES are
 * asked here too, since without collateral nobody else asks.
 */
export function checkTdAttributes(report: TdReport): Check<'td-attributes'> {
  const name = 'td-attributes'
  const flags = tdFlags(report)
  const named = (matches: (flag: TdFlag) => boolean): string =>
    flags
      .filter(matches)
      .map((flag) => flag.name)
      .join(', ')
  const untrusted = named(({ kind }) => kind === 'untrusted')
  const reserved = named((flag) => flag.kind === 'reserved' && !isXfam(flag))
  const reservedXfam = named((flag) => flag.kind === 'reserved' && isXfam(flag))
  const has = (flag: string): boolean => flags.some((candidate) => candidate.name === flag)
  const faults = [
    untrusted !== '' && `DEBUG or profiling (bits 0 to 7) set: ${untrusted}`,
    reserved !== '' && `reserved TDATTRIBUTES set: ${reserved}`,
    reservedXfam !== '' && `reserved XFAM set: ${reservedXfam}`,
    has('MIGRATABLE') && 'MIGRATABLE set',
    has('SEPT_VE_DISABLE=0') && 'SEPT_VE_DISABLE clear',
    has('XFAM[1:0]≠3') && 'XFAM[1:0] not 3',
    has('MRSERVICETD≠0') && 'MRSERVICETD not zero',
    report.mrSignerSeam.some((byte) => byte !== 0) && 'MRSIGNERSEAM not zero',
    report.seamAttributes.some((byte) => byte !== 0) && 'SEAMATTRIBUTES not zero',
  ].filter((fault) => fault !== false)
  return faults.length === 0
    ? passed(name, { tdAttributes: toHex(report.tdAttributes), xfam: toHex(report.xfam) })
    : failed(name, 'a production TD', faults.join('; '))
}

function isXfam({ name }: TdFlag): boolean {
  return name.startsWith('XFAM')
}
