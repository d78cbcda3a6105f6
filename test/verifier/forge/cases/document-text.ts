import type { ForgedSignature, Forgery } from '@jeju/simulator/forge'
import type { CheckFailureCode, QuoteCheckName } from '@jeju/verifier'
import { accepted, refused, thrown, type CaseArea, type ForgeCase } from '../forge-case.ts'
import { served, text } from './change-document.ts'

/** The text of TCB info and QE identity, and the signature over it. */

const DOCUMENTS = ['tcbInfo', 'qeIdentity'] as const
type DocumentName = (typeof DOCUMENTS)[number]
const CHECKS = { tcbInfo: 'tcb-info', qeIdentity: 'qe-identity' } as const

const DEEP = 100_000
const MIB = 1024 * 1024
const pretty = (json: string): string => JSON.stringify(JSON.parse(json), null, 2)
const reversed = (json: string): string => {
  const members = Object.entries(JSON.parse(json) as Record<string, unknown>)
  return JSON.stringify(Object.fromEntries(members.toReversed()))
}
/** Puts members behind the first brace. */
const inserted = (members: string) => (json: string) => json.replace('{', `{${members},`)

const SIGNED: readonly (readonly [string, CheckFailureCode, (json: string) => string])[] = [
  ['byte-order-mark', 'COLLATERAL_FORMAT', (json) => `\uFEFF${json}`],
  ['empty', 'COLLATERAL_FORMAT', () => ''],
  ['null', 'COLLATERAL_FORMAT', () => 'null'],
  ['array', 'COLLATERAL_FORMAT', (json) => `[${json}]`],
  ['string', 'COLLATERAL_FORMAT', (json) => JSON.stringify(json)],
  ['truncated', 'COLLATERAL_FORMAT', (json) => json.slice(0, -1)],
  ['trailing-brace', 'COLLATERAL_FORMAT', (json) => `${json}}`],
  ['two-documents', 'COLLATERAL_FORMAT', (json) => json + json],
  ['trailing-comma', 'COLLATERAL_FORMAT', (json) => json.replace(/\}$/, ',}')],
  ['comment', 'COLLATERAL_FORMAT', (json) => `/**/${json}`],
  ['single-quotes', 'COLLATERAL_FORMAT', (json) => json.replaceAll('"', "'")],
  ['fraction', 'COLLATERAL_FORMAT', (json) => json.replace(/"version":(\d)/, '"version":$1.0')],
  ['exponent', 'COLLATERAL_FORMAT', (json) => json.replace(/"version":(\d)/, '"version":$1e0')],
  ['depth-17', 'COLLATERAL_FORMAT', inserted(`"x":${'['.repeat(16)}${']'.repeat(16)}`)],
  ['depth-100000', 'COLLATERAL_FORMAT', inserted(`"x":${'['.repeat(DEEP)}${']'.repeat(DEEP)}`)],
  ['duplicate-version', 'COLLATERAL_DUPLICATE_MEMBER', inserted('"version":9')],
  ['duplicate-levels', 'COLLATERAL_DUPLICATE_MEMBER', inserted('"tcbLevels":[]')],
  ['duplicate-escaped', 'COLLATERAL_DUPLICATE_MEMBER', inserted('"\\u0069d":"x"')],
  ['duplicate-unknown', 'COLLATERAL_DUPLICATE_MEMBER', inserted('"x":1,"x":2')],
  [
    'duplicate-nested',
    'COLLATERAL_DUPLICATE_MEMBER',
    (json) => json.replace('"tcbStatus"', '"tcbStatus":"UpToDate","tcbStatus"'),
  ],
]

const AFTER_SIGNING: readonly (readonly [string, (json: string) => string])[] = [
  ['space-added', (json) => json.replace('{', '{ ')],
  ['line-break-behind', (json) => `${json}\n`],
  ['pretty-printed', pretty],
  ['members-reordered', reversed],
  ['status-changed', (json) => json.replaceAll('"OutOfDate"', '"UpToDate"')],
  [
    'lower-case-hex',
    (json) => json.replace(/"(FA4E00000001|4{64})"/, (hex) => `${hex.slice(0, -2)}0"`),
  ],
]

const ACCEPTED: readonly (readonly [string, string, (json: string) => string])[] = [
  ['pretty-printed-signed', 'the signed bytes count, whatever their form', pretty],
  ['members-reordered-signed', 'the order of members says nothing', reversed],
  ['unknown-member', 'Intel adds some', inserted('"x":{"y":[null,true,"z"]}')],
  [
    'member-proto',
    'an unknown member that must touch no prototype',
    inserted('"__proto__":{"id":"x"}'),
  ],
  ['member-constructor', 'another one', inserted('"constructor":{"prototype":{"id":"x"}}')],
  ['depth-16', 'as deep as is read', inserted(`"x":${'['.repeat(15)}${']'.repeat(15)}`)],
]

const INVALID: readonly ForgedSignature[] = [
  'flipped',
  'zero',
  'r-zero',
  's-zero',
  's-order',
  'ones',
]

export const documentText: CaseArea = {
  area: 'text and signature of TCB info and QE identity',
  cases: DOCUMENTS.flatMap((document) => casesOf(document)),
}

function casesOf(document: DocumentName): readonly ForgeCase[] {
  const name = document === 'tcbInfo' ? 'tcb-info' : 'qe-identity'
  const objection = (
    code: CheckFailureCode,
  ): Partial<Record<QuoteCheckName, CheckFailureCode>> => ({
    [CHECKS[document]]: code,
  })
  const unsigned = objection('COLLATERAL_SIGNATURE_INVALID')
  const why = 'no reader may see another document than the one that was signed'
  const form = (signature: ForgedSignature): Forgery => ({ [document]: { signature } })
  return [
    ...SIGNED.map(([id, code, change]) =>
      refused(`${name}-text-${id}`, why, text(document, change), objection(code)),
    ),
    ...AFTER_SIGNING.map(([id, change]) =>
      refused(`${name}-served-${id}`, why, served(document, change), unsigned),
    ),
    ...ACCEPTED.map(([id, because, change]) =>
      accepted(`${name}-text-${id}`, because, text(document, change)),
    ),
    ...INVALID.map((signature) =>
      refused(
        `${name}-signature-${signature}`,
        'no signature has this value',
        form(signature),
        unsigned,
      ),
    ),
    accepted(
      `${name}-text-1-mib`,
      'as long as is read',
      text(document, (json) => json.padEnd(MIB)),
    ),
    thrown(
      `${name}-text-over-1-mib`,
      'longer than any document',
      text(document, (json) => json.padEnd(MIB + 1)),
      'COLLATERAL_INVALID',
    ),
    accepted(`${name}-signature-low-s`, 'both forms are valid', form('low-s')),
    accepted(`${name}-signature-high-s`, 'both forms are valid', form('high-s')),
    ...(['attacker', 'leaf', 'intermediate', 'root'] as const).map((signedBy) =>
      refused(
        `${name}-by-${signedBy}`,
        'signed by another key than that of the chain beside it',
        { [document]: { signedBy } },
        unsigned,
      ),
    ),
    refused(
      `${name}-of-other-document`,
      'the other document, with its own signature',
      {},
      objection('COLLATERAL_FORMAT'),
      {
        bundle: (bundle) =>
          document === 'tcbInfo'
            ? {
                ...bundle,
                tcb_info: bundle.qe_identity,
                tcb_info_signature: bundle.qe_identity_signature,
              }
            : {
                ...bundle,
                qe_identity: bundle.tcb_info,
                qe_identity_signature: bundle.tcb_info_signature,
              },
      },
    ),
  ]
}
