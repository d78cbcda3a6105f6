import {
  basicConstraints,
  chainOf,
  keyUsage,
  nameOf,
  type CertificateChange,
  type CertificateFields,
  type ForgedPki,
  type Forgery,
} from '@jeju/simulator/forge'
import { accepted, refused, seconds, thrown, type CaseArea, type ForgeCase } from '../forge-case.ts'
import { UNKNOWN_EXTENSION, withExtension } from './change-certificate.ts'

/** Who signs TCB info and QE identity. */

const KIB = 1024
const INVALID = 'COLLATERAL_SIGNER_INVALID'
const BOTH = { 'tcb-info': INVALID, 'qe-identity': INVALID } as const

export const collateralSigner: CaseArea = {
  area: 'signers of TCB info and QE identity',
  cases: [...certificates(), ...others(), ...chains()],
}

function signer(change: CertificateChange): Forgery {
  return { certificates: { signer: change } }
}

function fields(changes: (fields: CertificateFields) => Partial<CertificateFields>): Forgery {
  return signer({ fields: (usual) => ({ ...usual, ...changes(usual) }) })
}

function certificates(): readonly ForgeCase[] {
  const why = 'a TCB Signing certificate by the root, and no other'
  const rows: readonly (readonly [string, Forgery])[] = [
    ['expired', fields(() => ({ notAfter: seconds(-1) }))],
    ['not-yet-valid', fields(() => ({ notBefore: seconds(1) }))],
    ['cn', fields(() => ({ subject: nameOf('Intel SGX TCB Signing 2') }))],
    ['cn-of-leaf', fields(() => ({ subject: nameOf('Intel SGX PCK Certificate') }))],
    ['issuer-name', fields(() => ({ issuer: nameOf('Intel SGX PCK Platform CA') }))],
    ['ca', withExtension('signer', basicConstraints(0))],
    ['key-cert-sign', withExtension('signer', keyUsage(0xc4))],
    ['no-digital-signature', withExtension('signer', keyUsage(0x40))],
    ['unknown-critical', withExtension('signer', UNKNOWN_EXTENSION)],
    ['by-intermediate', signer({ signedBy: 'intermediate' })],
    ['by-itself', signer({ signedBy: 'signer' })],
    ['of-attacker', signer({ key: 'attacker', signedBy: 'attacker' })],
    ['trailing-byte', signer({ der: (der) => Uint8Array.of(...der, 0) })],
    ['signature-zero', signer({ signature: 'zero' })],
  ]
  return [
    ...rows.map(([id, forgery]) => refused(`signer-${id}`, why, forgery, BOTH)),
    accepted(
      'signer-first-second',
      'notBefore belongs to the validity',
      fields(() => ({ notBefore: seconds(0) })),
    ),
    accepted(
      'signer-last-second',
      'notAfter belongs to the validity',
      fields(() => ({ notAfter: seconds(0) })),
    ),
    accepted('signer-high-s', 'both forms are valid', signer({ signature: 'high-s' })),
  ]
}

function others(): readonly ForgeCase[] {
  const by = (
    signedBy: 'leaf' | 'intermediate' | 'root',
    chain: (pki: ForgedPki) => string,
  ): Forgery => ({
    chains: { tcbInfo: chain, qeIdentity: chain },
    tcbInfo: { signedBy },
    qeIdentity: { signedBy },
  })
  const pckKey = 'a key taken out of one machine must not speak for all'
  return [
    refused(
      'signed-by-leaf',
      pckKey,
      by('leaf', (pki) => chainOf(pki, 'leaf', 'root')),
      BOTH,
    ),
    refused(
      'signed-by-leaf-whole-chain',
      pckKey,
      by('leaf', (pki) => chainOf(pki, 'leaf', 'intermediate', 'root')),
      BOTH,
    ),
    refused(
      'signed-by-leaf-under-intermediate',
      pckKey,
      by('leaf', (pki) => chainOf(pki, 'leaf', 'intermediate')),
      BOTH,
    ),
    refused(
      'signed-by-intermediate',
      'the PCK CA signs certificates',
      by('intermediate', (pki) => chainOf(pki, 'intermediate', 'root')),
      BOTH,
    ),
    refused(
      'signed-by-root',
      'the root signs certificates',
      by('root', (pki) => chainOf(pki, 'root', 'root')),
      BOTH,
    ),
    refused(
      'signed-by-pki-of-attacker',
      'the same names under another root (attack B12)',
      {},
      BOTH,
      {
        bundle: (bundle, forge) => {
          const theirs = forge.make({
            certificates: { root: { key: 'attacker' }, signer: { key: 'attacker' } },
          }).bundle
          const { root_ca_crl, pck_crl, pck_crl_issuer_chain } = bundle
          return { ...theirs, root_ca_crl, pck_crl, pck_crl_issuer_chain }
        },
      },
    ),
  ]
}

function chains(): readonly ForgeCase[] {
  const rows: readonly (readonly [string, (pki: ForgedPki) => string])[] = [
    ['empty', () => ''],
    ['without-root', (pki) => chainOf(pki, 'signer')],
    ['root-alone', (pki) => chainOf(pki, 'root')],
    ['order', (pki) => chainOf(pki, 'root', 'signer')],
    ['three', (pki) => chainOf(pki, 'signer', 'intermediate', 'root')],
    ['root-twice', (pki) => chainOf(pki, 'signer', 'root', 'root')],
    ['text', (pki) => `signer\n${chainOf(pki, 'signer', 'root')}`],
    ['nul', (pki) => `${chainOf(pki, 'signer', 'root')}\0`],
  ]
  const why = 'exactly signer and root, in the order they are served'
  return [
    ...rows.flatMap(([id, chain]) => [
      refused(`tcb-info-chain-${id}`, why, { chains: { tcbInfo: chain } }, { 'tcb-info': INVALID }),
      refused(
        `qe-identity-chain-${id}`,
        why,
        { chains: { qeIdentity: chain } },
        { 'qe-identity': INVALID },
      ),
    ]),
    refused(
      'tcb-info-chain-over-16-kib',
      'no chain of two certificates is so long',
      { chains: { tcbInfo: (pki) => chainOf(pki, 'signer', 'root').padEnd(16 * KIB + 1, '\n') } },
      { 'tcb-info': INVALID },
    ),
    thrown(
      'tcb-info-chain-over-64-kib',
      'nor is it read at all',
      { chains: { tcbInfo: (pki) => chainOf(pki, 'signer', 'root').padEnd(64 * KIB + 1, '\n') } },
      'COLLATERAL_INVALID',
    ),
    accepted('signer-chain-crlf', 'another spelling of the same certificates', {
      chains: {
        tcbInfo: (pki) => chainOf(pki, 'signer', 'root').replaceAll('\n', '\r\n'),
        qeIdentity: (pki) => chainOf(pki, 'signer', 'root').trimEnd(),
      },
    }),
  ]
}
