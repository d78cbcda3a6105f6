import { components, tcbSvn, type Forgery } from '@jeju/simulator/forge'
import type { TcbStatus } from '@jeju/verifier'
import {
  accepted,
  OLD_MODULE,
  OLD_PLATFORM,
  refused,
  UP_TO_DATE,
  type CaseArea,
  type ExpectedTcb,
  type ForgeCase,
} from '../forge-case.ts'
import { qeIdentity, tcbInfo } from './change-document.ts'

/** TDX 1.5: status at launch × status now, as a table. */

const STATUSES = [
  'UpToDate',
  'SWHardeningNeeded',
  'ConfigurationNeeded',
  'ConfigurationAndSWHardeningNeeded',
  'OutOfDate',
  'OutOfDateConfigurationNeeded',
] as const
type Status = (typeof STATUSES)[number]

/** What an old launch comes to, by the status now; any other launch keeps its status. */
const OLD_LAUNCH: Readonly<
  Record<'OutOfDate' | 'OutOfDateConfigurationNeeded', Readonly<Record<Status, TcbStatus>>>
> = {
  OutOfDate: {
    UpToDate: 'TDRelaunchAdvised',
    SWHardeningNeeded: 'TDRelaunchAdvised',
    ConfigurationNeeded: 'TDRelaunchAdvisedConfigurationNeeded',
    ConfigurationAndSWHardeningNeeded: 'TDRelaunchAdvisedConfigurationNeeded',
    OutOfDate: 'OutOfDate',
    OutOfDateConfigurationNeeded: 'OutOfDate',
  },
  OutOfDateConfigurationNeeded: {
    UpToDate: 'TDRelaunchAdvisedConfigurationNeeded',
    SWHardeningNeeded: 'TDRelaunchAdvisedConfigurationNeeded',
    ConfigurationNeeded: 'TDRelaunchAdvisedConfigurationNeeded',
    ConfigurationAndSWHardeningNeeded: 'TDRelaunchAdvisedConfigurationNeeded',
    OutOfDate: 'OutOfDateConfigurationNeeded',
    OutOfDateConfigurationNeeded: 'OutOfDateConfigurationNeeded',
  },
}

const LAUNCH = { tcbDate: '2024-06-01T00:00:00Z', advisoryIDs: ['SIM-SA-LAUNCH'] }
const CURRENT = { tcbDate: '2025-04-01T00:00:00Z', advisoryIDs: ['SIM-SA-NOW'] }
/** Component 2 at launch and now: between them the platform changes its level. */
const svns = { teeTcbSvn: tcbSvn(5, 1, 3), teeTcbSvn2: tcbSvn(5, 1, 4) }

function levels(launch: string, current: string): Forgery {
  return {
    quote: { layout: 'v5', body: svns },
    ...tcbInfo(({ tcbLevels: [first] }) => ({
      tcbLevels: [
        { ...first, ...CURRENT, tcbStatus: current, tcb: tcbOf(4) },
        { ...first, ...LAUNCH, tcbStatus: launch, tcb: tcbOf(3) },
      ],
    })),
  }
}

function tcbOf(component2: number): unknown {
  return {
    sgxtcbcomponents: components(...new Uint8Array(16).fill(3)),
    pcesvn: 13,
    tdxtcbcomponents: components(5, 1, component2),
  }
}

export const relaunch: CaseArea = {
  area: 'launch and current TCB of TDX 1.5',
  cases: [...table(), ...revoked(), ...modules()],
}

function table(): readonly ForgeCase[] {
  return STATUSES.flatMap((launch) =>
    STATUSES.map((current) => {
      const status: TcbStatus =
        launch === 'OutOfDate' || launch === 'OutOfDateConfigurationNeeded'
          ? OLD_LAUNCH[launch][current]
          : launch
      return accepted(
        `relaunch-${launch.toLowerCase()}-${current.toLowerCase()}`,
        'an old launch under what is new by now is mended by launching again',
        levels(launch, current),
        { ...LAUNCH, status, current: { ...CURRENT, status: current } },
      )
    }),
  )
}

function revoked(): readonly ForgeCase[] {
  const pairs = [
    ['Revoked', 'UpToDate'],
    ['UpToDate', 'Revoked'],
    ['Revoked', 'Revoked'],
    ['OutOfDate', 'Revoked'],
  ] as const
  return pairs.map(([launch, current]) =>
    refused(
      `relaunch-${launch.toLowerCase()}-${current.toLowerCase()}`,
      'revoked at launch or now',
      levels(launch, current),
      { 'tcb-status': 'TCB_REVOKED' },
    ),
  )
}

function modules(): readonly ForgeCase[] {
  const svn = (launch: Uint8Array, current: Uint8Array): Forgery => ({
    quote: { layout: 'v5', body: { teeTcbSvn: launch, teeTcbSvn2: current } },
  })
  const good = tcbSvn(5, 1, 3)
  const old = tcbSvn(3, 1, 3)
  const qeOld = qeIdentity(({ tcbLevels: [first] }) => ({
    tcbLevels: [{ ...first, tcbStatus: 'OutOfDate' }],
  }))
  const oldQe: ExpectedTcb = { ...UP_TO_DATE, status: 'OutOfDate' }
  return [
    accepted('launch-module-old', 'the module was replaced under a running TD', svn(old, good), {
      ...OLD_MODULE,
      status: 'TDRelaunchAdvised',
      current: UP_TO_DATE,
    }),
    accepted(
      'current-module-old',
      'the status is that of the launch; both are reported',
      svn(good, old),
      { current: OLD_MODULE },
    ),
    accepted('both-modules-old', 'launching again would mend nothing', svn(old, old), {
      ...OLD_MODULE,
      current: OLD_MODULE,
    }),
    accepted(
      'both-qe-old',
      'the quoting enclave is the same at launch and now',
      { quote: { layout: 'v5' }, ...qeOld },
      { ...oldQe, current: oldQe },
    ),
    accepted(
      'current-module-version-3',
      'the module now has another major version',
      svn(good, tcbSvn(3, 3, 3)),
      { current: UP_TO_DATE },
    ),
    accepted(
      'current-module-version-0',
      'now in the scheme of TDX 1.0, where components 0 and 1 count for the platform',
      svn(good, tcbSvn(5, 0, 3)),
      { current: OLD_PLATFORM },
    ),
    refused(
      'current-module-unknown',
      'a module now that nobody describes',
      svn(good, tcbSvn(5, 7, 3)),
      { 'tcb-status': 'TDX_MODULE_UNKNOWN' },
    ),
    refused(
      'launch-module-unknown',
      'a module at launch that nobody describes',
      svn(tcbSvn(5, 7, 3), good),
      { 'tdx-module': 'TDX_MODULE_UNKNOWN' },
    ),
    refused(
      'current-module-no-level',
      'an error in either is an error',
      svn(good, tcbSvn(2, 1, 3)),
      { 'tcb-status': 'TDX_MODULE_TCB_NOT_SUPPORTED' },
    ),
    refused(
      'current-platform-no-level',
      'an error in either is an error',
      svn(good, tcbSvn(5, 1, 1)),
      {
        'tcb-status': 'TCB_NOT_SUPPORTED',
      },
    ),
    refused(
      'launch-platform-no-level',
      'an error in either is an error',
      svn(tcbSvn(5, 1, 1), good),
      {
        'tcb-status': 'TCB_NOT_SUPPORTED',
      },
    ),
  ]
}
