/** A report of any kind. */
interface Checked {
  readonly checks: readonly { readonly name: string; readonly status: string }[]
}

/** Names of the checks that failed; none where there is no report. */
export function failedChecks(report: Checked | null | undefined): readonly string[] {
  const failed = report?.checks.filter(({ status }) => status === 'failed') ?? []
  return failed.map(({ name }) => name)
}

/** Names of the checks that did not pass: failed, or not made. */
export function objections({ checks }: Checked): readonly string[] {
  return checks.filter(({ status }) => status !== 'passed').map(({ name }) => name)
}
