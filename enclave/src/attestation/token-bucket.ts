/** Lets so many through at once, and so many a second after that. */
export interface TokenBucket {
  /** Whether one more may pass now. */
  take(): boolean
}

/** A full bucket; `now` in milliseconds. */
export function createTokenBucket(size: number, perSecond: number, now: () => number): TokenBucket {
  let tokens = size
  let last = now()
  return {
    take: () => {
      const at = now()
      tokens = Math.min(size, tokens + (Math.max(0, at - last) / 1000) * perSecond)
      last = at
      if (tokens < 1) return false
      tokens--
      return true
    },
  }
}
