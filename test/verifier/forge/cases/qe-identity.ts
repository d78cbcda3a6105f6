import type { Forgery, QeIdentityJson } from '@jeju/simulator/forge'
import type { CheckFailureCode } from '@jeju/verifier'
import { accepted, OLD_QE, refused, type CaseArea, type ForgeCase } from '../forge-case.ts'
import { qeIdentity as changed, without } from './change-document.ts'

/** Members of the QE identity away from its schema, or from the quoting enclave; always signed. */

const MEMBERS = [
  'id',
  'version',
  'issueDate',
  'nextUpdate',
  'tcbEvaluationDataNumber',
  'miscselect',
  'miscselectMask',
  'attributes',
  'attributesMask',
  'mrsigner',
  'isvprodid',
  'tcbLevels',
] as const

const level = (changes: Record<string, unknown>): Forgery =>
  changed(({ tcbLevels: [first, ...rest] }) => ({ tcbLevels: [{ ...first, ...changes }, ...rest] }))

const VALUES: readonly (readonly [string, Forgery, CheckFailureCode?])[] = [
  ['id-qe', changed(() => ({ id: 'QE' }))],
  ['id-lower-case', changed(() => ({ id: 'td_qe' }))],
  ['version-1', changed(() => ({ version: 1 })), 'COLLATERAL_VERSION_UNSUPPORTED'],
  ['version-3', changed(() => ({ version: 3 })), 'COLLATERAL_VERSION_UNSUPPORTED'],
  ['version-text', changed(() => ({ version: '2' }))],
  ['misc-mask-short', changed(() => ({ miscselectMask: 'FF' }))],
  ['misc-mask-empty', changed(() => ({ miscselectMask: '' }))],
  ['attributes-short', changed(() => ({ attributes: '11' }))],
  ['mask-short', changed(() => ({ attributesMask: 'FB' }))],
  ['mask-empty', changed(() => ({ attributesMask: '' }))],
  ['mask-long', changed(({ attributesMask }) => ({ attributesMask: `${attributesMask}00` }))],
  ['mask-no-hex', changed(() => ({ attributesMask: `0x${'0'.repeat(30)}` }))],
  ['signer-short', changed(() => ({ mrsigner: '44' }))],
  ['signer-empty', changed(() => ({ mrsigner: '' }))],
  ['prod-id-text', changed(() => ({ isvprodid: '2' }))],
  ['prod-id-65538', changed(() => ({ isvprodid: 65_538 }))],
  ['levels-empty', changed(() => ({ tcbLevels: [] }))],
  ['level-svn-text', level({ tcb: { isvsvn: '4' } })],
  ['level-svn-null', level({ tcb: { isvsvn: null } })],
  ['level-svn-missing', level({ tcb: {} })],
  ['level-svn-65536', level({ tcb: { isvsvn: 65_536 } })],
  ['level-status-of-platform', level({ tcbStatus: 'SWHardeningNeeded' })],
  ['level-status-missing', level({ tcbStatus: undefined })],
  ['level-advisories-text', level({ advisoryIDs: 'INTEL-SA-00001' })],
  ['signer-other', changed(() => ({ mrsigner: '45'.repeat(32) })), 'QE_IDENTITY_MISMATCH'],
  ['prod-id-other', changed(() => ({ isvprodid: 1 })), 'QE_IDENTITY_MISMATCH'],
  ['misc-other', changed(() => ({ miscselect: '01000000' })), 'QE_IDENTITY_MISMATCH'],
  [
    'attributes-other',
    changed(() => ({ attributes: '15000000000000000000000000000000' })),
    'QE_IDENTITY_MISMATCH',
  ],
  [
    'attributes-outside-mask',
    changed(() => ({ attributes: '110000000000000000000000000000e7' })),
    'QE_IDENTITY_MISMATCH',
  ],
]

export const qeIdentityMembers: CaseArea = {
  area: 'QE identity: schema and match',
  cases: [...refusals(), ...acceptances()],
}

function refusals(): readonly ForgeCase[] {
  const missing = MEMBERS.map((member) =>
    refused(
      `qe-identity-without-${member.toLowerCase()}`,
      'what is missing has no default',
      without('qeIdentity', member),
      { 'qe-identity': 'COLLATERAL_FORMAT' },
    ),
  )
  const values = VALUES.map(([id, forgery, code = 'COLLATERAL_FORMAT']) =>
    refused(
      `qe-identity-${id}`,
      code === 'QE_IDENTITY_MISMATCH'
        ? 'the identity of another enclave; its values are compared unmasked'
        : 'a value outside the schema means nothing',
      forgery,
      { 'qe-identity': code },
    ),
  )
  return [...missing, ...values]
}

function acceptances(): readonly ForgeCase[] {
  const reversed = ({ tcbLevels }: QeIdentityJson): Record<string, unknown> => ({
    tcbLevels: tcbLevels.toReversed(),
  })
  return [
    accepted(
      'qe-identity-levels-unsorted',
      'the best level that matches counts',
      changed(reversed),
    ),
    accepted(
      'qe-identity-signer-lower-case',
      'both cases are served',
      changed(({ mrsigner }) => ({ mrsigner: mrsigner.toLowerCase() })),
    ),
    accepted(
      'qe-identity-number-lower',
      'the smaller number of both documents counts',
      changed(() => ({ tcbEvaluationDataNumber: 17 })),
      { tcbEvaluationDataNumber: 17 },
    ),
    accepted(
      'qe-identity-level-old',
      'a level above the enclave is passed over',
      level({ tcb: { isvsvn: 5 } }),
      OLD_QE,
    ),
    refused(
      'qe-identity-no-level',
      'every level is above the enclave: no status, so no acceptance',
      changed(({ tcbLevels: [first] }) => ({ tcbLevels: [{ ...first, tcb: { isvsvn: 5 } }] })),
      { 'tcb-status': 'QE_TCB_NOT_SUPPORTED' },
    ),
  ]
}
