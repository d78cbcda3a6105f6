import { accepted, days, refused, thrown, type CaseArea, type ForgeCase } from '../forge-case.ts'

/** Times of verification that are none, or at which nothing is in force. */

export const verificationTimes: CaseArea = {
  area: 'time of verification',
  cases: times(),
}

function times(): readonly ForgeCase[] {
  const none = 'a time at which nothing expires would be none'
  const early = { 'pck-chain': 'PCK_CERT_NOT_YET_VALID' } as const
  return [
    thrown('time-nan', none, {}, 'TIME_INVALID', { at: Number.NaN }),
    thrown('time-negative', none, {}, 'TIME_INVALID', { at: -1 }),
    thrown('time-microseconds', none, {}, 'TIME_INVALID', { at: 1_781_524_800_000_000 }),
    refused('time-0', 'nothing is valid yet', {}, early, { at: new Date(0) }),
    refused('time-seconds', 'seconds taken for milliseconds', {}, early, {
      at: new Date(1_781_524_800),
    }),
    refused(
      'time-far-future',
      'nothing is valid any more',
      {},
      { 'pck-chain': 'PCK_CERT_EXPIRED' },
      {
        at: days(36_500),
      },
    ),
    refused(
      'time-after-collateral',
      'the platform is as good as ever, what is said of it has expired',
      {},
      {
        'pck-revocation': 'CRL_EXPIRED',
        'tcb-info': 'COLLATERAL_EXPIRED',
        'qe-identity': 'COLLATERAL_EXPIRED',
      },
      { at: days(30) },
    ),
    accepted('time-late', 'the last day of the collateral', {}, {}, { at: days(28) }),
  ]
}
