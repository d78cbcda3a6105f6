/** How long to wait after failures, in milliseconds. */
export interface BackoffTimes {
  readonly firstMs: number
  readonly maxMs: number
}

/**
 * Wait before the next attempt, doubled with each failure, somewhere in the upper half of it: replicas that lost the
 * same service do not all come back at once.
 */
export function backoffMs(failures: number, { firstMs, maxMs }: BackoffTimes): number {
  const whole = Math.min(firstMs * 2 ** Math.max(0, failures - 1), maxMs)
  return whole / 2 + Math.random() * (whole / 2)
}
