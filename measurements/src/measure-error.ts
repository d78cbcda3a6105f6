/** Why a measurement cannot be made or is not the published one. */
export const MEASURE_ERROR_CODES = [
  'MEASURE_USAGE', // the command line
  'MEASURE_INPUT', // a file that was given, or an input of this folder, is not of its documented form
  'IMAGE_PACKAGE_MISSING', // a package of the lock is not installed: run `npm ci` on Linux x64
  'IMAGE_PACKAGE_VERSION', // the installed package is not the version of the lock
  'IMAGE_RUNTIME_MISSING', // a pinned runtime file is not at hand: run `npm run measure -- fetch`
  'IMAGE_RUNTIME_MISMATCH', // what was fetched is not what is pinned
  'IMAGE_ENTRY', // a file that the archive format cannot hold, or that stands twice
  'IMAGE_SOURCE', // a source file that does not compile
  'IMAGE_NOT_REPRODUCIBLE', // two builds of one tree differ
  'COMPOSE_HOLES', // the compose text has other holes than there are values
  'COMPOSE_REFUSED', // the lint objects to the compose file
  'BOOT_INCOMPLETE', // registers cannot be computed from what was given
  'ALLOW_LIST_EMPTY', // the release names no registers that the chain could list
  'MEASURE_DIFFERS', // recorded measurements are not those of this tree
] as const

/** One of {@link MEASURE_ERROR_CODES}. */
export type MeasureErrorCode = (typeof MEASURE_ERROR_CODES)[number]

/** A measurement that was not made. The message says place, expected, actual. */
export class MeasureError extends Error {
  override readonly name = 'MeasureError'
  readonly code: MeasureErrorCode

  constructor(code: MeasureErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
