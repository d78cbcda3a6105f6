import type { Bundle } from '@jeju/simulator/forge'
import { accepted, refused, thrown, type CaseArea, type ForgeCase } from '../forge-case.ts'
import { omit } from './change-document.ts'

/** Bundles of another form than the documented one. */

const MEMBERS = [
  'pck_crl_issuer_chain',
  'root_ca_crl',
  'pck_crl',
  'tcb_info_issuer_chain',
  'tcb_info',
  'tcb_info_signature',
  'qe_identity_issuer_chain',
  'qe_identity',
  'qe_identity_signature',
] as const

type Member = (typeof MEMBERS)[number]

const HEX_MEMBERS: readonly Member[] = [
  'root_ca_crl',
  'pck_crl',
  'tcb_info_signature',
  'qe_identity_signature',
]
const SIGNATURES: readonly Member[] = ['tcb_info_signature', 'qe_identity_signature']

const INVALID = 'COLLATERAL_INVALID'

function invalid(id: string, why: string, bundle: (bundle: Bundle) => unknown): ForgeCase {
  return thrown(`bundle-${id}`, why, {}, INVALID, { bundle })
}

function handed(id: string, why: string, bundle: (bundle: Bundle) => unknown): ForgeCase {
  return accepted(`bundle-${id}`, why, {}, {}, { bundle })
}

function bytesOf(hex: string): number[] {
  return [...Buffer.from(hex, 'hex')]
}

export const bundleForm: CaseArea = {
  area: 'form of the bundle',
  cases: [...members(), ...hex(), ...whole()],
}

function members(): readonly ForgeCase[] {
  const why = 'a member missing or of another type'
  return MEMBERS.flatMap((member) => {
    const id = member.replaceAll('_', '-')
    return [
      invalid(`${id}-missing`, why, (bundle) => omit(bundle, member)),
      invalid(`${id}-null`, why, (bundle) => ({ ...bundle, [member]: null })),
      invalid(`${id}-number`, why, (bundle) => ({ ...bundle, [member]: 7 })),
      invalid(`${id}-object`, why, (bundle) => ({ ...bundle, [member]: {} })),
    ]
  })
}

function hex(): readonly ForgeCase[] {
  const garbage = 'lenient readers drop what is no hex'
  const changed = (member: Member, change: (hex: string) => unknown) => (bundle: Bundle) => ({
    ...bundle,
    [member]: change(bundle[member]),
  })
  return [
    ...HEX_MEMBERS.flatMap((member) => {
      const id = member.replaceAll('_', '-')
      return [
        invalid(
          `${id}-zz`,
          garbage,
          changed(member, (text) => `${text}zz`),
        ),
        invalid(
          `${id}-odd`,
          garbage,
          changed(member, (text) => `${text}0`),
        ),
        invalid(
          `${id}-0x`,
          garbage,
          changed(member, (text) => `0x${text}`),
        ),
        invalid(
          `${id}-space`,
          garbage,
          changed(member, (text) => ` ${text}`),
        ),
        handed(
          `${id}-upper-case`,
          'hex has two cases',
          changed(member, (text) => text.toUpperCase()),
        ),
        handed(`${id}-bytes`, 'the other documented form', changed(member, bytesOf)),
      ]
    }),
    ...SIGNATURES.flatMap((member) => {
      const id = member.replaceAll('_', '-')
      const why = 'a signature has 64 bytes'
      return [
        invalid(
          `${id}-short`,
          why,
          changed(member, (text) => text.slice(0, -2)),
        ),
        invalid(
          `${id}-long`,
          why,
          changed(member, (text) => `${text}00`),
        ),
        invalid(
          `${id}-empty`,
          why,
          changed(member, () => ''),
        ),
      ]
    }),
    invalid(
      'byte-256',
      'no byte',
      changed('pck_crl', (text) => [...bytesOf(text), 256]),
    ),
    invalid(
      'byte-negative',
      'no byte',
      changed('pck_crl', (text) => [...bytesOf(text), -1]),
    ),
    invalid(
      'byte-fraction',
      'no byte',
      changed('pck_crl', (text) => [...bytesOf(text), 0.5]),
    ),
    invalid(
      'byte-text',
      'no byte',
      changed('pck_crl', (text) => bytesOf(text).map(String)),
    ),
    invalid(
      'byte-null',
      'no byte',
      changed('pck_crl', () => [null]),
    ),
    invalid(
      'base64',
      'hex, not base64',
      changed('pck_crl', (text) => Buffer.from(text, 'hex').toString('base64')),
    ),
    invalid(
      'lone-surrogate',
      'text that has no bytes',
      changed('tcb_info', () => '"\ud800"'),
    ),
    refused(
      'bundle-crl-empty-array',
      'no bytes are no list',
      {},
      { 'pck-revocation': 'CRL_INVALID' },
      { bundle: changed('pck_crl', () => []) },
    ),
  ]
}

function whole(): readonly ForgeCase[] {
  const why = 'an object, or the JSON text of one'
  const twice = (bundle: Bundle): string => JSON.stringify(bundle).replace('{', '{"pck_crl":"00",')
  return [
    invalid('null', why, () => null),
    invalid('array', why, (bundle) => [bundle]),
    invalid('number', why, () => 7),
    invalid('empty-text', why, () => ''),
    invalid('text-null', why, () => 'null'),
    invalid('text-truncated', why, (bundle) => JSON.stringify(bundle).slice(0, -1)),
    invalid('text-trailing', why, (bundle) => `${JSON.stringify(bundle)}x`),
    invalid('text-of-text', why, (bundle) => JSON.stringify(JSON.stringify(bundle))),
    invalid('text-member-twice', 'two readers could take another one each', twice),
    handed('text', 'as it is exchanged', (bundle) => JSON.stringify(bundle)),
    handed('text-indented', 'as it is exchanged', (bundle) => JSON.stringify(bundle, null, 1)),
    handed('pck-certificate-chain', 'the chain in the quote counts', (bundle) => ({
      ...bundle,
      pck_certificate_chain: 'another',
    })),
    handed('unknown-member', 'let be', (bundle) => ({ ...bundle, x: null })),
  ]
}
