/**
 * Checks that can be skipped: those of collateral where none was given, and custody of keys, which this version does
 * not judge. They refuse unless a policy accepts it by name.
 */
export const UNMADE_CHECKS = [
  'pck-revocation',
  'tcb-info',
  'qe-identity',
  'tdx-module',
  'tcb-status',
  'key-custody',
] as const

/** One of {@link UNMADE_CHECKS}. */
export type UnmadeCheck = (typeof UNMADE_CHECKS)[number]
