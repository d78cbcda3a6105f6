import {
  components,
  tcbSvn,
  type Forgery,
  type ModuleIdentityJson,
  type TcbInfoJson,
} from '@jeju/simulator/forge'
import {
  accepted,
  OLD_MODULE,
  OLD_PLATFORM,
  refused,
  type CaseArea,
  type ForgeCase,
} from '../forge-case.ts'
import { without } from './change-document.ts'

/** The TDX module by its version, its signer and its attributes. */

const MISMATCH = { 'tdx-module': 'TDX_MODULE_MISMATCH' } as const
const UNKNOWN = { 'tdx-module': 'TDX_MODULE_UNKNOWN' } as const

/** Changes the identity of the module the quote names. */
export function withModule(
  change: (identity: ModuleIdentityJson) => unknown,
): NonNullable<Forgery['tcbInfo']> {
  return {
    value: (info: TcbInfoJson) => ({
      ...info,
      tdxModuleIdentities: info.tdxModuleIdentities.map((identity) =>
        identity.id === 'TDX_01' ? change(identity) : identity,
      ),
    }),
  }
}

export const tdxModule: CaseArea = {
  area: 'TDX module',
  cases: [...identities(), ...versions()],
}

function identities(): readonly ForgeCase[] {
  const attributes = Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0)
  return [
    refused(
      'mr-signer-seam',
      'a module signed by somebody else',
      { quote: { body: { mrSignerSeam: new Uint8Array(48).fill(1) } } },
      MISMATCH,
    ),
    refused(
      'mr-signer-seam-last-byte',
      'every byte counts',
      { quote: { body: { mrSignerSeam: Uint8Array.of(...new Uint8Array(47), 1) } } },
      MISMATCH,
    ),
    refused(
      'identity-signer',
      'an identity of another signer',
      { tcbInfo: withModule((identity) => ({ ...identity, mrsigner: '01'.repeat(48) })) },
      MISMATCH,
    ),
    refused(
      'seam-attributes',
      'no attribute is defined',
      { quote: { body: { seamAttributes: attributes } } },
      MISMATCH,
    ),
    refused(
      'seam-attributes-in-identity',
      'not even where the identity names it',
      {
        quote: { body: { seamAttributes: attributes } },
        tcbInfo: withModule((identity) => ({ ...identity, attributes: '0100000000000000' })),
      },
      MISMATCH,
    ),
    refused(
      'seam-attributes-outside-mask',
      'not even where the mask leaves it out',
      {
        quote: { body: { seamAttributes: attributes } },
        tcbInfo: withModule((identity) => ({ ...identity, attributesMask: '00'.repeat(8) })),
      },
      MISMATCH,
    ),
    refused(
      'identity-attributes',
      'an attribute that the module lacks',
      { tcbInfo: withModule((identity) => ({ ...identity, attributes: '0100000000000000' })) },
      MISMATCH,
    ),
    refused(
      'no-identities',
      'a module that nobody describes has no status',
      without('tcbInfo', 'tdxModuleIdentities'),
      UNKNOWN,
    ),
    refused(
      'identities-empty',
      'a module that nobody describes has no status',
      { tcbInfo: { value: (info) => ({ ...info, tdxModuleIdentities: [] }) } },
      UNKNOWN,
    ),
    accepted('tdx-module-unused', 'with an identity, `tdxModule` is of no account', {
      tcbInfo: {
        value: (info) => ({
          ...info,
          tdxModule: { ...info.tdxModule, mrsigner: '01'.repeat(48) },
        }),
      },
    }),
  ]
}

function versions(): readonly ForgeCase[] {
  const svn = (...svns: readonly number[]): Forgery => ({
    quote: { body: { teeTcbSvn: tcbSvn(...svns) } },
  })
  const renamed = (id: string): Forgery => ({
    ...svn(5, 10, 3),
    tcbInfo: withModule((identity) => ({ ...identity, id })),
  })
  const lowered = (changed: Partial<TcbInfoJson['tdxModule']>): Forgery => ({
    ...svn(5, 0, 3),
    tcbInfo: {
      value: (info) => ({
        ...info,
        tdxModule: { ...info.tdxModule, ...changed },
        tcbLevels: info.tcbLevels.map((level) => ({
          ...level,
          tcb: { ...level.tcb, tdxtcbcomponents: components(5, 0, 3) },
        })),
      }),
    },
  })
  return [
    accepted('module-version-3', 'judged by its own identity', svn(3, 3, 3)),
    refused('module-version-7', 'a version that nobody describes', svn(5, 7, 3), UNKNOWN),
    accepted('module-version-10', 'two upper-case hex digits', renamed('TDX_0A')),
    refused('module-id-lower-case', 'TDX_0a is not TDX_0A', renamed('TDX_0a'), UNKNOWN),
    refused('module-id-decimal', 'the digits are hex', renamed('TDX_10'), UNKNOWN),
    accepted(
      'module-svn-4',
      'between two levels of the module: the older one',
      svn(4, 1, 3),
      OLD_MODULE,
    ),
    accepted('module-svn-255', 'newer than the newest level', svn(255, 1, 3)),
    refused(
      'module-svn-2',
      'older than the oldest level: no status, so no acceptance',
      svn(2, 1, 3),
      { 'tcb-status': 'TDX_MODULE_TCB_NOT_SUPPORTED' },
    ),
    accepted(
      'tdx10-scheme-old',
      'version 0: components 0 and 1 count for the platform, no identity does',
      svn(5, 0, 3),
      OLD_PLATFORM,
    ),
    accepted('tdx10-scheme', 'version 0 under levels of its own', lowered({})),
    refused(
      'tdx10-scheme-signer',
      'version 0 is held against `tdxModule`',
      lowered({ mrsigner: '01'.repeat(48) }),
      MISMATCH,
    ),
  ]
}
