import { components, type Forgery } from '@jeju/simulator/forge'
import type { CheckFailureCode } from '@jeju/verifier'
import { accepted, OLD_PLATFORM, refused, type CaseArea, type ForgeCase } from '../forge-case.ts'
import { firstLevel, omit, tcbInfo, without } from './change-document.ts'
import { withModule } from './tdx-module.ts'

/** Members of TCB info away from its schema; always signed. */

const MEMBERS = [
  'id',
  'version',
  'issueDate',
  'nextUpdate',
  'fmspc',
  'pceId',
  'tcbType',
  'tcbEvaluationDataNumber',
  'tdxModule',
  'tcbLevels',
] as const

type Rows = readonly (readonly [string, Forgery, CheckFailureCode?])[]

const VALUES: Rows = [
  ['id-sgx', tcbInfo(() => ({ id: 'SGX' }))],
  ['id-lower-case', tcbInfo(() => ({ id: 'tdx' }))],
  ['version-2', tcbInfo(() => ({ version: 2 })), 'COLLATERAL_VERSION_UNSUPPORTED'],
  ['version-4', tcbInfo(() => ({ version: 4 })), 'COLLATERAL_VERSION_UNSUPPORTED'],
  ['version-text', tcbInfo(() => ({ version: '3' }))],
  ['version-array', tcbInfo(() => ({ version: [3] }))],
  ['type-1', tcbInfo(() => ({ tcbType: 1 }))],
  ['type-text', tcbInfo(() => ({ tcbType: '0' }))],
  ['fmspc-short', tcbInfo(() => ({ fmspc: 'FA4E000000' }))],
  ['fmspc-no-hex', tcbInfo(() => ({ fmspc: 'FA4E0000000G' }))],
  ['fmspc-other', tcbInfo(() => ({ fmspc: 'FA4E00000002' })), 'COLLATERAL_FMSPC_MISMATCH'],
  ['pceid-other', tcbInfo(() => ({ pceId: '0001' })), 'COLLATERAL_PCEID_MISMATCH'],
  ['pceid-short', tcbInfo(() => ({ pceId: '00' }))],
  ['number-text', tcbInfo(() => ({ tcbEvaluationDataNumber: '19' }))],
  ['number-negative', tcbInfo(() => ({ tcbEvaluationDataNumber: -1 }))],
  ['number-33-bits', tcbInfo(() => ({ tcbEvaluationDataNumber: 2 ** 32 }))],
  ['levels-empty', tcbInfo(() => ({ tcbLevels: [] }))],
  ['levels-object', tcbInfo(() => ({ tcbLevels: {} }))],
  ['levels-null', tcbInfo(() => ({ tcbLevels: [null] }))],
  ['levels-65', tcbInfo(({ tcbLevels }) => ({ tcbLevels: many(65, tcbLevels) }))],
  ['status-unknown', firstLevel(() => ({ tcbStatus: 'Fine' }))],
  ['status-lower-case', firstLevel(() => ({ tcbStatus: 'uptodate' }))],
  ['status-null', firstLevel(() => ({ tcbStatus: null }))],
  ['status-missing', firstLevel(() => ({ tcbStatus: undefined }))],
  ['status-relaunch', firstLevel(() => ({ tcbStatus: 'TDRelaunchAdvised' }))],
  ['date-missing', firstLevel(() => ({ tcbDate: undefined }))],
  ['date-number', firstLevel(() => ({ tcbDate: 20_250_514 }))],
  ['advisories-text', firstLevel(() => ({ advisoryIDs: 'INTEL-SA-00001' }))],
  ['advisories-numbers', firstLevel(() => ({ advisoryIDs: [1] }))],
  ['advisories-null', firstLevel(() => ({ advisoryIDs: null }))],
  ['pcesvn-missing', withTcb({ pcesvn: undefined })],
  ['pcesvn-text', withTcb({ pcesvn: '13' })],
  ['pcesvn-65536', withTcb({ pcesvn: 65_536 })],
  ['sgx-components-missing', withTcb({ sgxtcbcomponents: undefined })],
  ['sgx-components-15', withTcb({ sgxtcbcomponents: components(3).slice(1) })],
  ['sgx-components-17', withTcb({ sgxtcbcomponents: [...components(3), { svn: 0 }] })],
  ['tdx-components-missing', withTcb({ tdxtcbcomponents: undefined })],
  ['tdx-components-15', withTcb({ tdxtcbcomponents: components(5, 1).slice(1) })],
  ['tdx-components-17', withTcb({ tdxtcbcomponents: [...components(5, 1), { svn: 0 }] })],
  ...[null, '3', -1, 65_536, true, [3], undefined].map((svn): Rows[number] => [
    `svn-${JSON.stringify(svn)?.replaceAll(/\W/g, '') ?? 'missing'}${svn === -1 ? '-negative' : ''}${Array.isArray(svn) ? '-array' : ''}`,
    withTcb({ sgxtcbcomponents: [{ svn }, ...components(3).slice(1)] }),
  ]),
  [
    'module-signer-short',
    tcbInfo(({ tdxModule }) => ({ tdxModule: { ...tdxModule, mrsigner: '00' } })),
  ],
  ['module-array', tcbInfo(({ tdxModule }) => ({ tdxModule: [tdxModule] }))],
  ['identity-without-levels', { tcbInfo: withModule((identity) => omit(identity, 'tcbLevels')) }],
  [
    'identity-levels-empty',
    { tcbInfo: withModule((identity) => ({ ...identity, tcbLevels: [] })) },
  ],
  [
    'identity-mask-short',
    { tcbInfo: withModule((identity) => ({ ...identity, attributesMask: 'FF' })) },
  ],
  [
    'identity-status-of-platform',
    {
      tcbInfo: withModule((identity) => ({
        ...identity,
        tcbLevels: identity.tcbLevels.map((level) => ({
          ...level,
          tcbStatus: 'ConfigurationNeeded',
        })),
      })),
    },
  ],
  [
    'identity-twice',
    tcbInfo(({ tdxModuleIdentities: all }) => ({ tdxModuleIdentities: [...all, ...all] })),
  ],
]

export const tcbInfoMembers: CaseArea = {
  area: 'TCB info: schema',
  cases: [...refusals(), ...acceptances()],
}

function refusals(): readonly ForgeCase[] {
  const missing = MEMBERS.map((member) =>
    refused(
      `tcb-info-without-${member.toLowerCase()}`,
      'what is missing has no default',
      without('tcbInfo', member),
      { 'tcb-info': 'COLLATERAL_FORMAT' },
    ),
  )
  const values = VALUES.map(([id, forgery, code = 'COLLATERAL_FORMAT']) =>
    refused(`tcb-info-${id}`, 'a value outside the schema means nothing', forgery, {
      'tcb-info': code,
    }),
  )
  return [...missing, ...values]
}

function acceptances(): readonly ForgeCase[] {
  return [
    accepted(
      'tcb-info-fmspc-lower-case',
      'both cases are served',
      tcbInfo(() => ({ fmspc: 'fa4e00000001' })),
    ),
    accepted(
      'tcb-info-number-lower',
      'the smaller number of both documents counts',
      tcbInfo(() => ({ tcbEvaluationDataNumber: 18 })),
      { tcbEvaluationDataNumber: 18 },
    ),
    accepted(
      'tcb-info-levels-64',
      'as many as are read',
      tcbInfo(({ tcbLevels }) => ({ tcbLevels: many(64, tcbLevels) })),
    ),
    accepted(
      'tcb-info-levels-unsorted',
      'the best level that matches counts, wherever it stands',
      tcbInfo(({ tcbLevels }) => ({ tcbLevels: tcbLevels.toReversed() })),
    ),
    accepted(
      'tcb-info-svn-256',
      'a level that no platform reaches is passed over',
      withTcb({ sgxtcbcomponents: [{ svn: 256 }, ...components(3).slice(1)] }),
      OLD_PLATFORM,
    ),
    accepted(
      'tcb-info-module-components',
      'components 0 and 1 are the module, which has its own identity',
      withTcb({ tdxtcbcomponents: components(200, 200, 3) }),
    ),
    accepted(
      'tcb-info-component-members',
      'components carry a category and a type',
      withTcb({
        sgxtcbcomponents: Array.from({ length: 16 }, () => ({
          svn: 3,
          category: 'BIOS',
          type: 'Early Microcode Update',
        })),
      }),
    ),
    accepted(
      'tcb-info-advisories-twice',
      'each advisory once, sorted',
      firstLevel(() => ({ advisoryIDs: ['SIM-SA-00009', 'SIM-SA-00008', 'SIM-SA-00009'] })),
      { advisoryIDs: ['SIM-SA-00008', 'SIM-SA-00009'] },
    ),
  ]
}

function many<Level>(count: number, [first, ...rest]: readonly Level[]): readonly Level[] {
  const last = rest.at(-1)
  if (first === undefined || last === undefined) throw new RangeError('two levels are needed')
  return [first, ...Array.from({ length: count - 1 }, () => last)]
}

function withTcb(changes: Record<string, unknown>): Forgery {
  return firstLevel(({ tcb }) => ({ tcb: { ...tcb, ...changes } }))
}
