import { CheckFailure } from '../report/check-failure.ts'
import { failed, passed, skipped, type Check } from '../report/check.ts'
import type { KnownDevice } from './device/known-device.ts'
import type { AppraisalCheckName } from './gpu-report.ts'
import type { GpuPolicy } from './gpu-policy.ts'

/** The checks of one appraiser of reference values: each of {@link AppraisalCheckName} once. */
export type Appraisal = readonly Check<AppraisalCheckName>[]

/**
 * The mode is one that the policy takes. Neither the developer tools' flag nor the confidential computing one is in a
 * report: a GPU with either another way has other measurements, or gives none.
 * @throws CheckFailure
 */
export function requireMode({ device, facts }: KnownDevice, { modes }: GpuPolicy): string {
  if (device.kind === 'gpu' && !modes.some((mode) => mode === facts.mode)) {
    const expected = `mode ${modes.join(' or ')}`
    throw new CheckFailure('GPU_MODE_REFUSED', expected, facts.mode)
  }
  return facts.mode
}

/** Both appraisers asked: a check holds where it holds for both. */
export function bothAppraisals(local: Appraisal, nras: Appraisal): Appraisal {
  return local.map((check) => {
    const { name } = check
    const other = nras.find((candidate) => candidate.name === name) ?? skipped(name, 'not made')
    if (check.status !== 'passed') return check
    if (other.status !== 'passed') return other
    return passed(name, { local: check.evidence, nras: other.evidence })
  })
}

/** Checks that nobody could make, by one reason that fails and names the appraiser. */
export function noAppraisal(
  names: readonly AppraisalCheckName[],
  failing: AppraisalCheckName,
  { expected, actual, code }: CheckFailure,
): Appraisal {
  return names.map((name) =>
    name === failing
      ? failed(name, expected, actual, code)
      : skipped(name, 'nobody appraised the measurements'),
  )
}
