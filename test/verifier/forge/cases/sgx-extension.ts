import {
  boolean,
  element,
  encodeSgxFields,
  integer,
  octets,
  SGX_EXTENSION_OID,
  sgxFields,
  TAG,
  USUAL_PLATFORM,
  type Forgery,
  type SgxField,
  type SgxPlatform,
} from '@jeju/simulator/forge'
import { accepted, OLD_PLATFORM, refused, type CaseArea, type ForgeCase } from '../forge-case.ts'
import { withExtension, withoutExtension } from './change-certificate.ts'

/** What a PCK certificate says of its platform. */

const INVALID = { 'pck-chain': 'PCK_SGX_EXTENSION_INVALID' } as const
const FIELDS = sgxFields(USUAL_PLATFORM)

function encoded(value: Uint8Array): Forgery {
  return withExtension('leaf', { oid: SGX_EXTENSION_OID, critical: false, value })
}

function fields(all: readonly SgxField[]): Forgery {
  return encoded(encodeSgxFields(all))
}

const without = (arcs: string): Forgery => fields(FIELDS.filter((field) => field.arcs !== arcs))
const replaced = (arcs: string, value: Uint8Array): Forgery =>
  fields(FIELDS.map((field) => (field.arcs === arcs ? { arcs, value } : field)))
const doubled = (arcs: string, value: Uint8Array): Forgery => fields([...FIELDS, { arcs, value }])
const platform = (changes: Partial<SgxPlatform>): Forgery =>
  fields(sgxFields({ ...USUAL_PLATFORM, ...changes }))

const bytes = (length: number): Uint8Array => octets(new Uint8Array(length).fill(3))
const svns = (index: number, svn: number): Uint8Array =>
  USUAL_PLATFORM.components.map((usual, at) => (at === index ? svn : usual))

export const sgxExtension: CaseArea = {
  area: 'PCK chain: SGX extension',
  cases: [...faults(), ...values(), ...otherPlatforms()],
}

function faults(): readonly ForgeCase[] {
  const once = 'each field exactly once: two readers could take another one each'
  const length = 'each field has its length'
  return [
    ...['1', '2.1', '2.16', '2.17', '2.18', '3', '4', '5'].map((arcs) =>
      refused(`sgx-without-${arcs}`, once, without(arcs), INVALID),
    ),
    refused('sgx-fmspc-twice', once, doubled('4', octets(new Uint8Array(6))), INVALID),
    refused('sgx-pceid-twice', once, doubled('3', bytes(2)), INVALID),
    refused('sgx-component-twice', once, doubled('2.1', integer(9)), INVALID),
    refused('sgx-pcesvn-twice', once, doubled('2.17', integer(99)), INVALID),
    refused('sgx-same-fmspc-twice', once, doubled('4', octets(USUAL_PLATFORM.fmspc)), INVALID),
    ...(
      [
        ['1', 15],
        ['2.18', 15],
        ['3', 1],
        ['3', 3],
        ['4', 5],
        ['4', 7],
        ['6', 15],
      ] as const
    ).map(([arcs, count]) =>
      refused(`sgx-${arcs}-of-${count}-bytes`, length, replaced(arcs, bytes(count)), INVALID),
    ),
    refused('sgx-unknown-field', 'no other field exists', doubled('8', integer(1)), INVALID),
    refused('sgx-unknown-tcb-field', 'no other field exists', doubled('2.19', integer(1)), INVALID),
    refused('sgx-unknown-setting', 'no other field exists', doubled('7.4', boolean(true)), INVALID),
    refused(
      'sgx-missing',
      'a leaf that names no platform',
      withoutExtension('leaf', SGX_EXTENSION_OID),
      INVALID,
    ),
    refused('sgx-empty', 'an extension without value', encoded(new Uint8Array(0)), INVALID),
    refused(
      'sgx-trailing-byte',
      'bytes behind the value',
      encoded(Uint8Array.of(...encodeSgxFields(FIELDS), 0)),
      INVALID,
    ),
    refused(
      'sgx-critical',
      'Intel marks it as not critical, and so no reader lists it among what it understands',
      withExtension('leaf', {
        oid: SGX_EXTENSION_OID,
        critical: true,
        value: encodeSgxFields(FIELDS),
      }),
      { 'pck-chain': 'PCK_CERT_INVALID' },
    ),
  ]
}

function values(): readonly ForgeCase[] {
  const range = 'an SVN has eight bits, that of the PCE sixteen, and none is negative'
  const type = 'another type than the field has'
  return [
    refused('sgx-component-256', range, replaced('2.5', integer(256)), INVALID),
    refused('sgx-component-minus-1', range, replaced('2.5', integer(-1)), INVALID),
    refused('sgx-pcesvn-65536', range, replaced('2.17', integer(65_536)), INVALID),
    refused('sgx-pcesvn-minus-1', range, replaced('2.17', integer(-1)), INVALID),
    refused(
      'sgx-component-not-minimal',
      'an INTEGER has one form',
      replaced('2.5', element(TAG.integer, Uint8Array.of(0, 3))),
      INVALID,
    ),
    refused('sgx-component-octets', type, replaced('2.5', bytes(1)), INVALID),
    refused('sgx-fmspc-integer', type, replaced('4', integer(1)), INVALID),
    refused(
      'sgx-fmspc-text',
      type,
      replaced('4', element(TAG.utf8String, new Uint8Array(6).fill(0x30))),
      INVALID,
    ),
    refused(
      'sgx-type-3',
      'standard, scalable, scalable with integrity: no fourth',
      replaced('5', element(TAG.enumerated, Uint8Array.of(3))),
      INVALID,
    ),
    refused('sgx-type-integer', type, replaced('5', integer(1)), INVALID),
    refused(
      'sgx-boolean-1',
      'DER knows one true',
      replaced('7.1', element(TAG.boolean, Uint8Array.of(1))),
      INVALID,
    ),
    refused(
      'sgx-cpusvn-above-components',
      'readers match on one or on the other: they must say the same',
      replaced('2.18', octets(svns(0, 9))),
      INVALID,
    ),
    refused(
      'sgx-components-above-cpusvn',
      'readers match on one or on the other: they must say the same',
      replaced('2.1', integer(9)),
      INVALID,
    ),
    accepted('sgx-without-instance', 'the Processor CA states none', without('6')),
    accepted(
      'sgx-without-configuration',
      'the Processor CA states none',
      fields(FIELDS.filter(({ arcs }) => !arcs.startsWith('7'))),
    ),
    accepted('sgx-partial-configuration', 'each setting is optional', without('7.2')),
  ]
}

function otherPlatforms(): readonly ForgeCase[] {
  const unmatched = { 'tcb-status': 'TCB_NOT_SUPPORTED' } as const
  const none = 'lower than every level: no status, so no acceptance'
  return [
    refused(
      'platform-fmspc',
      'TCB info of another family',
      platform({ fmspc: Uint8Array.of(0xfa, 0x4e, 0, 0, 0, 2) }),
      { 'tcb-info': 'COLLATERAL_FMSPC_MISMATCH' },
    ),
    refused('platform-pceid', 'TCB info of another PCE', platform({ pceId: Uint8Array.of(1, 0) }), {
      'tcb-info': 'COLLATERAL_PCEID_MISMATCH',
    }),
    accepted(
      'platform-component-old',
      'one component behind: the second level',
      platform({ components: svns(15, 2) }),
      OLD_PLATFORM,
    ),
    accepted(
      'platform-pcesvn-old',
      'the PCE behind: the second level',
      platform({ pceSvn: 12 }),
      OLD_PLATFORM,
    ),
    accepted(
      'platform-newer',
      'newer than the newest level',
      platform({ components: svns(7, 255), pceSvn: 65_535 }),
    ),
    refused('platform-component-none', none, platform({ components: svns(7, 1) }), unmatched),
    refused('platform-pcesvn-0', none, platform({ pceSvn: 0 }), unmatched),
  ]
}
