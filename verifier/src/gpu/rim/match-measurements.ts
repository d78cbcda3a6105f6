import { equalBytes } from '../../bytes/bytes.ts'
import { CheckFailure } from '../../report/check-failure.ts'
import type { DeviceFacts } from '../spdm/device-facts.ts'
import { VALUE_TYPE_SVN, type OpaqueData } from '../spdm/opaque-data.ts'
import type { RimContent } from './rim-content.ts'

/** Index that counts only where the first video decoder is on. */
const NVDEC0_INDEX = 35
/** Index of a VBIOS RIM whose value follows the driver, and is signed anew under the same id. */
const DRIVER_GENERATION_INDEX = 9

/** A RIM with the id it was asked for by. */
export interface NamedRim {
  readonly id: string
  readonly content: RimContent
}

/** Outcome of a comparison, by index of the RIMs, which counts from 0. */
export interface MeasurementMatch {
  readonly matched: readonly number[]
  readonly skipped: readonly number[]
  readonly mismatched: readonly { readonly index: number; readonly rim: string }[]
}

/**
 * Compares a report with the union of its RIMs: every active index must have a measurement equal to one of the
 * alternatives. Measurements without golden value say nothing.
 * @throws CheckFailure where two RIMs claim one index, or the device does not say whether index 35 counts
 */
export function matchMeasurements(
  measurements: ReadonlyMap<number, Uint8Array>,
  facts: DeviceFacts,
  rims: readonly NamedRim[],
): MeasurementMatch {
  const matched: number[] = []
  const skipped: number[] = []
  const mismatched: { readonly index: number; readonly rim: string }[] = []
  const claimedBy = new Map<number, string>()
  for (const { id, content } of rims) {
    for (const [index, alternatives] of content.golden) {
      const other = claimedBy.get(index)
      if (other !== undefined) {
        const actual = `index ${index} in ${other} and ${id}`
        throw new CheckFailure('RIM_INDEX_CONFLICT', 'one RIM for each measurement', actual)
      }
      claimedBy.set(index, id)
      const found = measurements.get(index + 1)
      if (index === NVDEC0_INDEX && !nvdec0Of(facts)) skipped.push(index)
      else if (found && alternatives.some((golden) => equalBytes(golden, found))) {
        matched.push(index)
      } else mismatched.push({ index, rim: id })
    }
  }
  const ascending = (a: number, b: number): number => a - b
  return { matched: matched.toSorted(ascending), skipped, mismatched }
}

function nvdec0Of({ nvdec0 }: DeviceFacts): boolean {
  if (nvdec0 !== undefined) return nvdec0
  const expected = 'NVDEC0_STATUS, which decides about index 35'
  throw new CheckFailure('GPU_MEASUREMENT_MISMATCH', expected, 'none')
}

/** Every measurement matched, and something was compared. @throws CheckFailure */
export function requireMatch({ matched, mismatched }: MeasurementMatch): void {
  if (mismatched.length === 0 && matched.length > 0) return
  const places = mismatched.map(({ index, rim }) => `${index} of ${rim}`).join(', ')
  const isStale = mismatched.length === 1 && mismatched[0]?.index === DRIVER_GENERATION_INDEX
  const hint = isStale ? '; the VBIOS RIM may be outdated: it is signed anew under its id' : ''
  const actual = `${matched.length} match; not equal: ${places}${hint}`
  throw new CheckFailure('GPU_MEASUREMENT_MISMATCH', 'every golden measurement', actual)
}

/** Security version numbers not below the floors of the RIMs. @throws CheckFailure */
export function requireSvns({ entries }: OpaqueData, rims: readonly NamedRim[]): void {
  for (const { id, content } of rims) {
    for (const [type, minSvn] of content.minSvns) {
      const entry = entries.get(type)
      const [low = 0, high = 0] = entry?.data ?? []
      const svn = entry?.valueType === VALUE_TYPE_SVN ? low | (high << 8) : -1
      if (svn < minSvn) {
        const expected = `opaque data ${type} at SVN ${minSvn} or later (${id})`
        throw new CheckFailure('GPU_MEASUREMENT_MISMATCH', expected, svn < 0 ? 'none' : String(svn))
      }
    }
  }
}
