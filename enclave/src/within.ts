import { setTimeout as delay } from 'node:timers/promises'

/** Waits for work, and no longer than so many milliseconds: what is late goes on, and nobody waits for it. */
export async function withIn(work: Promise<unknown>, ms: number): Promise<'done' | 'late'> {
  const timer = new AbortController()
  const late = delay(ms, 'late' as const, { signal: timer.signal }).catch(() => 'late' as const)
  try {
    return await Promise.race([work.then(() => 'done' as const), late])
  } finally {
    timer.abort()
  }
}
