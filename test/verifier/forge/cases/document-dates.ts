import type { Forgery } from '@jeju/simulator/forge'
import type { CheckFailureCode } from '@jeju/verifier'
import {
  accepted,
  FORGE_TIME,
  refused,
  seconds,
  type CaseArea,
  type ForgeCase,
} from '../forge-case.ts'

/** When TCB info and QE identity are in force, and how that is written. */

const at = (date: Date): string => date.toISOString().replace('.000Z', 'Z')
const NOW = at(FORGE_TIME)

const REFUSED: readonly (readonly [string, CheckFailureCode, Record<string, unknown>])[] = [
  ['expired', 'COLLATERAL_EXPIRED', { nextUpdate: at(seconds(-1)) }],
  ['future', 'COLLATERAL_NOT_YET_VALID', { issueDate: at(seconds(1)) }],
  ['next-update-garbage', 'COLLATERAL_FORMAT', { nextUpdate: 'later' }],
  ['next-update-empty', 'COLLATERAL_FORMAT', { nextUpdate: '' }],
  ['next-update-null', 'COLLATERAL_FORMAT', { nextUpdate: null }],
  ['next-update-number', 'COLLATERAL_FORMAT', { nextUpdate: 4_102_444_800 }],
  ['next-update-offset', 'COLLATERAL_FORMAT', { nextUpdate: '2026-07-14T12:00:00+00:00' }],
  ['next-update-no-zone', 'COLLATERAL_FORMAT', { nextUpdate: '2026-07-14T12:00:00' }],
  ['next-update-fraction', 'COLLATERAL_FORMAT', { nextUpdate: '2026-07-14T12:00:00.000Z' }],
  ['next-update-30-february', 'COLLATERAL_FORMAT', { nextUpdate: '2027-02-30T12:00:00Z' }],
  ['next-update-date-only', 'COLLATERAL_FORMAT', { nextUpdate: '2026-07-14' }],
  ['issue-date-garbage', 'COLLATERAL_FORMAT', { issueDate: 'before' }],
  ['issue-date-offset', 'COLLATERAL_FORMAT', { issueDate: '2026-06-14T14:00:00+02:00' }],
]

const ACCEPTED: readonly (readonly [string, Record<string, unknown>])[] = [
  ['begins-now', { issueDate: NOW }],
  ['ends-now', { nextUpdate: NOW }],
]

export const documentDates: CaseArea = {
  area: 'dates of TCB info and QE identity',
  cases: (['tcbInfo', 'qeIdentity'] as const).flatMap((document) => casesOf(document)),
}

function casesOf(document: 'tcbInfo' | 'qeIdentity'): readonly ForgeCase[] {
  const name = document === 'tcbInfo' ? 'tcb-info' : 'qe-identity'
  const dated = (dates: Record<string, unknown>): Forgery => ({
    [document]: { value: (json: object) => ({ ...json, ...dates }) },
  })
  return [
    ...REFUSED.map(([id, code, dates]) =>
      refused(
        `${name}-${id}`,
        'in force at the time of verification, in the one form that is served',
        dated(dates),
        { [name]: code },
      ),
    ),
    ...ACCEPTED.map(([id, dates]) =>
      accepted(`${name}-${id}`, 'both ends belong to its time', dated(dates)),
    ),
  ]
}
