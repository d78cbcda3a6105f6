/** Days of the months of a year that is not a leap year. */
const MONTH_DAYS: readonly number[] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

/**
 * Unix milliseconds of a moment in UTC; undefined where there is none such. `Date.UTC` is lenient: to it 30 February
 * is 2 March, and minute 60 the next hour.
 */
export function utcTime(
  year: number,
  month: number,
  day: number,
  hour: number,
  minute: number,
  second: number,
): number | undefined {
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  const days = month === 2 && isLeap ? 29 : (MONTH_DAYS[month - 1] ?? 0)
  // Years before 100 would be taken as those of the twentieth century.
  const isReal = year >= 100 && year <= 9999 && day >= 1 && day <= days && hour >= 0 && hour <= 23
  if (!isReal || !(minute >= 0 && minute <= 59 && second >= 0 && second <= 59)) return undefined
  return Date.UTC(year, month - 1, day, hour, minute, second)
}
