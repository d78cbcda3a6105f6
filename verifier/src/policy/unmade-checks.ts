/** Checks this version names but does not make. They are reported as skipped, and refuse unless a policy accepts it. */
export const UNMADE_CHECKS = [
  'pck-revocation',
  'tcb-info',
  'qe-identity',
  'tcb-status',
  'key-custody',
] as const

/** One of {@link UNMADE_CHECKS}. */
export type UnmadeCheck = (typeof UNMADE_CHECKS)[number]
