/** What a platform level can say besides `Revoked`. */
const LIVE_STATUSES = [
  'UpToDate',
  'SWHardeningNeeded',
  'ConfigurationNeeded',
  'ConfigurationAndSWHardeningNeeded',
  'OutOfDate',
  'OutOfDateConfigurationNeeded',
] as const
type LiveStatus = (typeof LIVE_STATUSES)[number]

/** What a platform level can say (Intel TCB info v3). */
export type PlatformStatus = LiveStatus | 'Revoked'

/** All of {@link PlatformStatus}. */
export const PLATFORM_STATUSES: readonly PlatformStatus[] = [...LIVE_STATUSES, 'Revoked']

/** Status of a level of the TDX module or of the quoting enclave. */
export const COMPONENT_STATUSES = ['UpToDate', 'OutOfDate', 'Revoked'] as const

/** What a level of module or quoting enclave can say. */
export type ComponentStatus = (typeof COMPONENT_STATUSES)[number]

/** Converged status of platform, TDX module and quoting enclave. `Revoked` is a failed check, never a result. */
export type TcbStatus = LiveStatus | 'TDRelaunchAdvised' | 'TDRelaunchAdvisedConfigurationNeeded'

/** All of {@link TcbStatus}. */
export const TCB_STATUSES: readonly TcbStatus[] = [
  ...LIVE_STATUSES,
  'TDRelaunchAdvised',
  'TDRelaunchAdvisedConfigurationNeeded',
]

/** A level that matched: its status, since when, and what it lacks. */
export interface TcbLevel<Status extends string> {
  readonly status: Status
  /** Unix milliseconds. */
  readonly tcbDate: number
  readonly advisoryIds: readonly string[]
}
