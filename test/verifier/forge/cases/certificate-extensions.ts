import {
  basicConstraints,
  element,
  keyUsage,
  OID_BASIC_CONSTRAINTS,
  OID_KEY_USAGE,
  SGX_EXTENSION_OID,
  TAG,
  USAGE_CA,
  type ExtensionFields,
  type Forgery,
} from '@jeju/simulator/forge'
import { accepted, refused, type CaseArea, type ForgeCase } from '../forge-case.ts'
import {
  changed,
  IN_CHAIN,
  UNKNOWN_EXTENSION,
  withExtension,
  withoutExtension,
  type InChain,
} from './change-certificate.ts'

/** What the certificates of a PCK chain may do, and what else they say. */

const CERTIFICATE = { 'pck-chain': 'PCK_CERT_INVALID' } as const

export const certificateExtensions: CaseArea = {
  area: 'PCK chain: constraints and extensions',
  cases: [...constraints(), ...extensions()],
}

function constraints(): readonly ForgeCase[] {
  const rows: readonly (readonly [string, Forgery])[] = [
    ['intermediate-no-ca', withExtension('intermediate', basicConstraints(false))],
    ['intermediate-without-constraints', withoutExtension('intermediate', OID_BASIC_CONSTRAINTS)],
    ['intermediate-no-key-cert-sign', withExtension('intermediate', keyUsage(0x02))],
    ['intermediate-no-crl-sign', withExtension('intermediate', keyUsage(0x04))],
    ['intermediate-without-usage', withoutExtension('intermediate', OID_KEY_USAGE)],
    ['intermediate-path-length-1', withExtension('intermediate', basicConstraints(1))],
    ['intermediate-path-unlimited', withExtension('intermediate', basicConstraints('unlimited'))],
    ['root-no-ca', withExtension('root', basicConstraints(false))],
    ['root-no-key-cert-sign', withExtension('root', keyUsage(0x02))],
    ['leaf-ca', withExtension('leaf', basicConstraints(0))],
    ['leaf-key-cert-sign', withExtension('leaf', keyUsage(0xc4))],
    ['leaf-no-digital-signature', withExtension('leaf', keyUsage(0x40))],
    ['leaf-usage-of-ca', withExtension('leaf', keyUsage(USAGE_CA))],
    ['leaf-without-usage', withoutExtension('leaf', OID_KEY_USAGE)],
    ['leaf-usage-none', withExtension('leaf', keyUsage(0))],
    [
      'leaf-usage-octets',
      withExtension('leaf', {
        ...keyUsage(0x80),
        value: element(TAG.octetString, Uint8Array.of(0x80)),
      }),
    ],
  ]
  return rows.map(([id, forgery]) =>
    refused(id, 'an authority signs certificates, an end entity signs data', forgery, CERTIFICATE),
  )
}

function extensions(): readonly ForgeCase[] {
  const plain = { ...UNKNOWN_EXTENSION, critical: false }
  const last = (name: InChain, extension: ExtensionFields): Forgery =>
    changed(name, (fields) => ({ extensions: [...fields.extensions, extension] }))
  return [
    ...IN_CHAIN.flatMap((name) => [
      refused(
        `${name}-unknown-critical`,
        'what is critical must be understood',
        withExtension(name, UNKNOWN_EXTENSION),
        CERTIFICATE,
      ),
      accepted(
        `${name}-unknown-extension`,
        'what is not critical may be left',
        withExtension(name, plain),
      ),
    ]),
    refused(
      'leaf-critical-stated-false',
      'DER leaves a default out',
      withExtension('leaf', { ...UNKNOWN_EXTENSION, critical: 'stated false' }),
      CERTIFICATE,
    ),
    refused(
      'leaf-extension-twice',
      'two readers could take another one each',
      last('leaf', keyUsage(0xc0)),
      CERTIFICATE,
    ),
    refused(
      'leaf-sgx-extension-twice',
      'two readers could see two platforms',
      changed('leaf', (fields) => ({
        extensions: [
          ...fields.extensions,
          ...fields.extensions.filter(({ oid }) => oid === SGX_EXTENSION_OID),
        ],
      })),
      CERTIFICATE,
    ),
    refused(
      'leaf-constraints-tail',
      'bytes behind the value of an extension',
      withExtension('leaf', {
        ...basicConstraints(false),
        value: Uint8Array.of(...basicConstraints(false).value, 0),
      }),
      CERTIFICATE,
    ),
    refused(
      'leaf-constraints-state-default',
      'DER leaves cA=FALSE out',
      withExtension('leaf', {
        ...basicConstraints(false),
        value: Uint8Array.of(0x30, 0x03, 0x01, 0x01, 0x00),
      }),
      CERTIFICATE,
    ),
  ]
}
