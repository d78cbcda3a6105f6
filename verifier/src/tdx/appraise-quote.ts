import { toHex, type Hex } from '../bytes/hex.ts'
import type { QuotePolicy } from './quote-policy.ts'
import type { GenuineQuote } from './quote-report.ts'
import type { TdReport } from './quote.ts'
import type { QuoteTcb } from './tcb/evaluate-tcb.ts'
import { OPTIONAL_ATTRIBUTES, tdFlags } from './td-flags.ts'

/** A rule of a policy that a genuine quote does not meet. */
export interface PolicyFailure {
  readonly rule: string
  readonly expected: string
  readonly actual: string
}

/** Whether a genuine quote is wanted, with every reason against it (RATS: appraisal of evidence). */
export interface Appraisal {
  readonly ok: boolean
  readonly failures: readonly PolicyFailure[]
}

/** Holds a genuine quote against a policy. `at` decides what is still tolerated. */
export function appraiseQuote(genuine: GenuineQuote, policy: QuotePolicy, at: Date): Appraisal {
  const { body } = genuine.quote
  const failures = [
    ...appraiseTcb(genuine.tcb, policy.tcb, at),
    ...appraiseTd(body, policy.td),
    ...appraiseMeasurements(body, policy.measurements),
  ]
  return Object.freeze({ ok: failures.length === 0, failures })
}

/** The TCB part: status, advisories, dates and numbers. */
export function appraiseTcb(
  tcb: QuoteTcb,
  policy: QuotePolicy['tcb'],
  at: Date,
): readonly PolicyFailure[] {
  const failures: PolicyFailure[] = []
  if (!policy.statuses.includes(tcb.status) && !isTolerated(tcb, policy, at)) {
    const tolerated = policy.tolerated.map(({ status }) => status)
    const expected = [...policy.statuses, ...tolerated.map((status) => `tolerated ${status}`)]
    const actual = [tcb.status, ...tcb.advisoryIds].join(' ')
    failures.push({ rule: 'tcb.statuses', expected: expected.join(' or ') || 'none', actual })
  }
  const { minEvaluationDataNumber, minTcbDate } = policy
  if (tcb.tcbEvaluationDataNumber < minEvaluationDataNumber) {
    failures.push({
      rule: 'tcb.minEvaluationDataNumber',
      expected: `at least ${minEvaluationDataNumber}`,
      actual: String(tcb.tcbEvaluationDataNumber),
    })
  }
  if (minTcbDate !== 'any' && tcb.tcbDate < Date.parse(minTcbDate)) {
    failures.push({
      rule: 'tcb.minTcbDate',
      expected: `${minTcbDate} or later`,
      actual: new Date(tcb.tcbDate).toISOString(),
    })
  }
  return failures
}

/** Another status is taken until a stated day, while every advisory it comes with is one that was named. */
function isTolerated(tcb: QuoteTcb, policy: QuotePolicy['tcb'], at: Date): boolean {
  return policy.tolerated.some(
    ({ status, advisoryIDs, until }) =>
      status === tcb.status &&
      at.getTime() <= Date.parse(until) &&
      tcb.advisoryIds.every((id) => advisoryIDs.includes(id)),
  )
}

function appraiseTd(report: TdReport, policy: QuotePolicy['td']): readonly PolicyFailure[] {
  const allowed: readonly string[] = [
    ...policy.attributes,
    ...(policy.septVeDisable === 'any' ? ['SEPT_VE_DISABLE=0'] : []),
  ]
  const failures: PolicyFailure[] = tdFlags(report)
    .filter(({ name, kind }) => {
      if (name === 'MRSERVICETD≠0') return false
      return kind !== 'other' || !allowed.includes(name)
    })
    .map(({ name }) => ({
      rule: 'td.attributes',
      expected: `none but ${OPTIONAL_ATTRIBUTES.filter((one) => allowed.includes(one)).join(', ') || 'SEPT_VE_DISABLE'}`,
      actual: name,
    }))
  const serviceTd = report.td15 && toHex(report.td15.mrServiceTd)
  if (serviceTd !== undefined && !/^0x0*$/.test(serviceTd)) {
    failures.push(...requireListed('td.mrServiceTd', serviceTd, policy.mrServiceTds))
  }
  return failures
}

function appraiseMeasurements(
  report: TdReport,
  policy: QuotePolicy['measurements'],
): readonly PolicyFailure[] {
  const [rtmr0, rtmr1, rtmr2] = report.rtmrs.map(toHex)
  const failures = [
    ...requireListed('measurements.mrSeams', toHex(report.mrSeam), policy.mrSeams),
    ...requireListed('measurements.mrConfigIds', toHex(report.mrConfigId), policy.mrConfigIds),
  ]
  const { osImages } = policy
  if (osImages === 'any') return failures
  const mrtd = toHex(report.mrTd)
  const isListed = osImages.some(
    (image) =>
      image.mrtd === mrtd &&
      image.rtmr0 === rtmr0 &&
      image.rtmr1 === rtmr1 &&
      image.rtmr2 === rtmr2,
  )
  if (isListed) return failures
  const expected = `one of ${osImages.length} listed images`
  return [...failures, { rule: 'measurements.osImages', expected, actual: `MRTD ${mrtd}` }]
}

function requireListed(
  rule: string,
  actual: Hex,
  listed: readonly Hex[] | 'any',
): readonly PolicyFailure[] {
  if (listed === 'any' || listed.includes(actual)) return []
  return [{ rule, expected: `one of ${listed.length} listed`, actual }]
}
