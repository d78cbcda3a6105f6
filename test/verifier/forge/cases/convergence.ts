import type { Forgery } from '@jeju/simulator/forge'
import type { TcbStatus } from '@jeju/verifier'
import { accepted, refused, type CaseArea, type ForgeCase } from '../forge-case.ts'
import { firstLevel, qeIdentity } from './change-document.ts'
import { withModule } from './tdx-module.ts'

/** Status of platform × TDX module × quoting enclave (Intel's convergence), as a table and not as a rule. */

const UP = 'UpToDate'
const OLD = 'OutOfDate'
const REVOKED = 'Revoked'

/** What it comes to when module and enclave are up to date, and when one of them is out of date. */
const TABLE: readonly (readonly [platform: string, current: TcbStatus, old: TcbStatus])[] = [
  ['UpToDate', 'UpToDate', 'OutOfDate'],
  ['SWHardeningNeeded', 'SWHardeningNeeded', 'OutOfDate'],
  ['ConfigurationNeeded', 'ConfigurationNeeded', 'OutOfDateConfigurationNeeded'],
  [
    'ConfigurationAndSWHardeningNeeded',
    'ConfigurationAndSWHardeningNeeded',
    'OutOfDateConfigurationNeeded',
  ],
  ['OutOfDate', 'OutOfDate', 'OutOfDate'],
  ['OutOfDateConfigurationNeeded', 'OutOfDateConfigurationNeeded', 'OutOfDateConfigurationNeeded'],
]

const COMPONENTS = [UP, OLD, REVOKED]

/** Each part has a date and an advisory of its own: the least date and all advisories come out. */
const PLATFORM = { tcbDate: '2025-03-01T00:00:00Z', advisoryIDs: ['SIM-SA-PLATFORM'] }
const MODULE = { tcbDate: '2025-02-01T00:00:00Z', advisoryIDs: ['SIM-SA-MODULE', 'SIM-SA-SHARED'] }
const QE = { tcbDate: '2025-01-01T00:00:00Z', advisoryIDs: ['SIM-SA-QE', 'SIM-SA-SHARED'] }
const ADVISORIES = ['SIM-SA-MODULE', 'SIM-SA-PLATFORM', 'SIM-SA-QE', 'SIM-SA-SHARED']

function statuses(platform: string, module: string, qe: string): Forgery {
  const level = firstLevel(() => ({ ...PLATFORM, tcbStatus: platform }))
  const identity = withModule(({ tcbLevels: [first, ...rest], ...others }) => ({
    ...others,
    tcbLevels: [{ ...first, ...MODULE, tcbStatus: module }, ...rest],
  }))
  const enclave = qeIdentity(({ tcbLevels: [first, ...rest] }) => ({
    tcbLevels: [{ ...first, ...QE, tcbStatus: qe }, ...rest],
  }))
  return {
    tcbInfo: {
      value: (info) => {
        const changed = level.tcbInfo?.value?.(info)
        return identity.value?.(changed as typeof info)
      },
    },
    ...enclave,
  }
}

export const convergence: CaseArea = {
  area: 'convergence of platform, module and QE',
  cases: [...table(), ...revoked(), ...dates()],
}

function table(): readonly ForgeCase[] {
  return TABLE.flatMap(([platform, current, old]) =>
    [UP, OLD].flatMap((module) =>
      [UP, OLD].map((qe) =>
        accepted(
          idOf(platform, module, qe),
          'an old part makes the whole old; what else the platform needs stays said',
          statuses(platform, module, qe),
          {
            status: module === OLD || qe === OLD ? old : current,
            tcbDate: QE.tcbDate,
            advisoryIDs: ADVISORIES,
          },
        ),
      ),
    ),
  )
}

function revoked(): readonly ForgeCase[] {
  return [...TABLE.map(([platform]) => platform), REVOKED].flatMap((platform) =>
    COMPONENTS.flatMap((module) =>
      COMPONENTS.filter((qe) => [platform, module, qe].includes(REVOKED)).map((qe) =>
        refused(
          idOf(platform, module, qe),
          'a revoked part makes the whole revoked, whatever else there is',
          statuses(platform, module, qe),
          { 'tcb-status': 'TCB_REVOKED' },
        ),
      ),
    ),
  )
}

/** The least date, wherever it comes from. */
function dates(): readonly ForgeCase[] {
  const early = '2023-01-01T00:00:00Z'
  const why = 'the TCB is as old as its oldest part'
  return [
    accepted(
      'date-of-platform',
      why,
      firstLevel(() => ({ tcbDate: early })),
      {
        tcbDate: early,
      },
    ),
    accepted(
      'date-of-module',
      why,
      {
        tcbInfo: withModule(({ tcbLevels: [first, ...rest], ...others }) => ({
          ...others,
          tcbLevels: [{ ...first, tcbDate: early }, ...rest],
        })),
      },
      { tcbDate: early },
    ),
    accepted(
      'date-of-qe',
      why,
      qeIdentity(({ tcbLevels: [first, ...rest] }) => ({
        tcbLevels: [{ ...first, tcbDate: early }, ...rest],
      })),
      { tcbDate: early },
    ),
  ]
}

function idOf(...parts: readonly string[]): string {
  return `converge-${parts.map((part) => part.toLowerCase()).join('-')}`
}
