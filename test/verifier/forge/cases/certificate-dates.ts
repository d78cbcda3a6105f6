import { element, TAG } from '@jeju/simulator/forge'
import { utf8 } from '@jeju/verifier/protocol'
import { accepted, days, refused, seconds, type CaseArea, type ForgeCase } from '../forge-case.ts'
import { changed, IN_CHAIN } from './change-certificate.ts'

/** When the certificates of a PCK chain are valid, and how that is written. */

const CERTIFICATE = { 'pck-chain': 'PCK_CERT_INVALID' } as const

export const certificateDates: CaseArea = {
  area: 'PCK chain: dates',
  cases: dates(),
}

function dates(): readonly ForgeCase[] {
  const cases = IN_CHAIN.flatMap((name) => [
    refused(
      `${name}-expired`,
      'each certificate must be valid at the time of verification',
      changed(name, () => ({ notAfter: seconds(-1) })),
      { 'pck-chain': 'PCK_CERT_EXPIRED' },
    ),
    refused(
      `${name}-not-yet-valid`,
      'each certificate must be valid at the time of verification',
      changed(name, () => ({ notBefore: seconds(1) })),
      { 'pck-chain': 'PCK_CERT_NOT_YET_VALID' },
    ),
    accepted(
      `${name}-first-second`,
      'notBefore belongs to the validity',
      changed(name, () => ({ notBefore: seconds(0) })),
    ),
    accepted(
      `${name}-last-second`,
      'notAfter belongs to the validity',
      changed(name, () => ({ notAfter: seconds(0) })),
    ),
  ])
  const written: readonly (readonly [string, number, string])[] = [
    ['without-seconds', TAG.utcTime, '2707150000Z'],
    ['with-offset', TAG.utcTime, '270715000000+0000'],
    ['30-february', TAG.utcTime, '270230000000Z'],
    ['of-letters', TAG.utcTime, 'zzzzzzzzzzzzZ'],
    ['with-fraction', TAG.generalizedTime, '20270715000000.5Z'],
    ['octets', TAG.octetString, '270715000000Z'],
  ]
  return [
    ...cases,
    accepted(
      'leaf-until-2051',
      'years from 2050 on are a GeneralizedTime',
      changed('leaf', () => ({ notAfter: days(365 * 25) })),
    ),
    ...written.map(([id, tag, text]) =>
      refused(
        `leaf-time-${id}`,
        'a time has one form',
        changed('leaf', () => ({ notAfter: element(tag, utf8(text)) })),
        CERTIFICATE,
      ),
    ),
  ]
}
