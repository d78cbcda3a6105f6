import type { Check } from './check.ts'

/** One readable line a check: `ok`, `FAILED` or `skipped`, its name, and what was seen. */
export function describeChecks(checks: readonly Check[]): readonly string[] {
  return checks.map((check) => {
    switch (check.status) {
      case 'passed':
        return `ok       ${check.name}`
      case 'failed':
        return `FAILED   ${check.name}: expected ${check.expected}, got ${check.actual}`
      case 'skipped':
        return `skipped  ${check.name}: ${check.because}`
    }
  })
}
