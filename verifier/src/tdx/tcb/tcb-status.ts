/** Status of a platform level (Intel TCB info v3). */
export const PLATFORM_STATUSES = [
  'UpToDate',
  'SWHardeningNeeded',
  'ConfigurationNeeded',
  'ConfigurationAndSWHardeningNeeded',
  'OutOfDate',
  'OutOfDateConfigurationNeeded',
  'Revoked',
] as const

/** Status of a level of the TDX module or of the quoting enclave. */
export const COMPONENT_STATUSES = ['UpToDate', 'OutOfDate', 'Revoked'] as const

/** What a platform level can say. */
export type PlatformStatus = (typeof PLATFORM_STATUSES)[number]
/** What a level of module or quoting enclave can say. */
export type ComponentStatus = (typeof COMPONENT_STATUSES)[number]

/** What a verification can give out. `Revoked` is a failed check, never a result. */
export const TCB_STATUSES = [
  'UpToDate',
  'SWHardeningNeeded',
  'ConfigurationNeeded',
  'ConfigurationAndSWHardeningNeeded',
  'OutOfDate',
  'OutOfDateConfigurationNeeded',
  'TDRelaunchAdvised',
  'TDRelaunchAdvisedConfigurationNeeded',
] as const

/** Converged status of platform, TDX module and quoting enclave. */
export type TcbStatus = (typeof TCB_STATUSES)[number]

/** A level that matched: its status, since when, and what it lacks. */
export interface TcbLevel<Status extends string> {
  readonly status: Status
  /** Unix milliseconds. */
  readonly tcbDate: number
  readonly advisoryIds: readonly string[]
}
