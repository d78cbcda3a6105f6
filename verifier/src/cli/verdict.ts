/**
 * What is said of one input. `incomplete`: no check failed, but some could not be made. `unreachable`: there was
 * nothing to judge. `malformed`: nobody can parse it.
 */
export type CliVerdict = 'accepted' | 'incomplete' | 'rejected' | 'unreachable' | 'malformed'

/** Exit codes by verdict; of several inputs the largest is given. */
const EXIT_CODES: Readonly<Record<CliVerdict, number>> = {
  accepted: 0,
  incomplete: 10,
  rejected: 10,
  unreachable: 20,
  malformed: 30,
}

/** Exit code for a command line that cannot be run. */
export const EXIT_USAGE = 2
/** Exit code for a fault of this program. */
export const EXIT_INTERNAL = 1

/** The exit code that speaks for all verdicts of a call. */
export function exitCodeOf(verdicts: Iterable<CliVerdict>): number {
  let code = 0
  for (const verdict of verdicts) code = Math.max(code, EXIT_CODES[verdict])
  return code
}
