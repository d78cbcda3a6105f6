/** A report that is made anew when it is older than its time. */
export interface CachedReport<Report> {
  get(): Promise<Report>
}

/** How long a report without a nonce is served: it proves no freshness to anybody (attack C1). */
export const NONCELESS_LIFE_MS = 300_000

/** Keeps the last report that could be made; callers who come while one is made get that one. `now` in milliseconds. */
export function cachedReport<Report>(
  make: () => Promise<Report>,
  now: () => number,
): CachedReport<Report> {
  let made: { readonly report: Report; readonly at: number } | undefined
  let underWay: Promise<Report> | undefined
  return {
    get: () => {
      if (made !== undefined && now() - made.at < NONCELESS_LIFE_MS) {
        return Promise.resolve(made.report)
      }
      underWay ??= make()
        .then((report) => {
          made = { report, at: now() }
          return report
        })
        .finally(() => (underWay = undefined))
      return underWay
    },
  }
}
