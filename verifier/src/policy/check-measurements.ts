import { toHex, type Hex } from '../bytes/hex.ts'
import { failed, passed, skipped, type Check } from '../report/check.ts'
import type { TdReport } from '../tdx/quote.ts'
import type { AppraisalPolicy } from './policy.ts'

/** `compose-allowed`: the policy lists the measured compose hash. An empty list allows nothing (attack A5). */
export function checkComposeAllowed(
  compose: Check<'compose-hash'>,
  composeHash: Hex,
  policy: AppraisalPolicy,
): Check<'compose-allowed'> {
  const name = 'compose-allowed'
  if (compose.status !== 'passed') return skipped(name, 'the compose file is not the measured one')
  return policy.composeHashes.includes(composeHash)
    ? passed(name, { composeHash })
    : failed(name, `one of ${policy.composeHashes.length} listed: ${list(policy)}`, composeHash)
}

const MAX_LISTED = 4

function list({ composeHashes }: AppraisalPolicy): string {
  const shown = composeHashes.slice(0, MAX_LISTED).join(', ')
  return composeHashes.length > MAX_LISTED ? `${shown}, …` : shown
}

/** `os-image-allowed`: the policy lists MRTD and RTMR0 to 2 together. */
export function checkOsImageAllowed(
  report: TdReport,
  policy: AppraisalPolicy,
): Check<'os-image-allowed'> {
  const name = 'os-image-allowed'
  const [rtmr0, rtmr1, rtmr2] = report.rtmrs
  const actual = {
    mrtd: toHex(report.mrTd),
    rtmr0: toHex(rtmr0),
    rtmr1: toHex(rtmr1),
    rtmr2: toHex(rtmr2),
  }
  const listed = policy.osImages.some(
    (image) =>
      image.mrtd === actual.mrtd &&
      image.rtmr0 === actual.rtmr0 &&
      image.rtmr1 === actual.rtmr1 &&
      image.rtmr2 === actual.rtmr2,
  )
  return listed
    ? passed(name, actual)
    : failed(name, `one of ${policy.osImages.length} listed images`, `MRTD ${actual.mrtd}`)
}
