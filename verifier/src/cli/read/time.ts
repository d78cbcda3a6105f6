import { UsageError } from '../usage-error.ts'

/** ISO 8601 with a zone: without one it would be another time on another machine. */
const ISO_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})$/

/** The time of `--at`; undefined where it was not given. @throws UsageError */
export function parseTime(text: string | undefined): Date | undefined {
  if (text === undefined) return undefined
  const isSeconds = /^\d{1,11}$/.test(text)
  const time = isSeconds ? Number(text) * 1000 : ISO_TIME.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(time)) {
    const form = 'Unix seconds or YYYY-MM-DDTHH:MM:SSZ'
    throw new UsageError(`--at: expected ${form}, got ${JSON.stringify(text)}`)
  }
  return new Date(time)
}

/** `YYYY-MM-DDTHH:MM:SSZ` of Unix milliseconds. */
export function isoSeconds(time: number): string {
  return `${new Date(time).toISOString().slice(0, 19)}Z`
}
