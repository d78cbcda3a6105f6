import { COMMON_NAME, nameOf, type Forgery } from '@jeju/simulator/forge'
import { accepted, refused, type CaseArea, type ForgeCase } from '../forge-case.ts'
import { changed, type InChain } from './change-certificate.ts'

/** Names, serial numbers and keys of the certificates of a PCK chain. */

const CERTIFICATE = { 'pck-chain': 'PCK_CERT_INVALID' } as const

export const certificateNames: CaseArea = {
  area: 'PCK chain: names and numbers',
  cases: [...names(), ...rest()],
}

function names(): readonly ForgeCase[] {
  const subject = (name: InChain, commonName: string): Forgery =>
    changed(name, () => ({ subject: nameOf(commonName) }))
  const two = [...nameOf('Intel SGX PCK Certificate'), [COMMON_NAME, 'another']] as const
  const why = 'the name is the role'
  return [
    refused('leaf-cn', why, subject('leaf', 'Intel SGX PCK Certificate 2'), CERTIFICATE),
    refused('leaf-cn-space', why, subject('leaf', 'Intel SGX PCK Certificate '), CERTIFICATE),
    refused('leaf-cn-nul', why, subject('leaf', 'Intel SGX PCK Certificate\0'), CERTIFICATE),
    refused('leaf-cn-bom', why, subject('leaf', '\uFEFFIntel SGX PCK Certificate'), CERTIFICATE),
    refused('leaf-cn-case', why, subject('leaf', 'Intel SGX PCK certificate'), CERTIFICATE),
    refused(
      'leaf-cn-twice',
      why,
      changed('leaf', () => ({ subject: two })),
      CERTIFICATE,
    ),
    refused(
      'leaf-cn-none',
      why,
      changed('leaf', (fields) => ({ subject: fields.subject.slice(1) })),
      CERTIFICATE,
    ),
    refused(
      'leaf-issuer-name',
      'issued by another name than the intermediate has',
      changed('leaf', () => ({ issuer: nameOf('Intel SGX PCK Processor CA') })),
      CERTIFICATE,
    ),
    refused(
      'leaf-issuer-order',
      'the same attributes in another order are another name',
      changed('leaf', (fields) => ({ issuer: fields.issuer.toReversed() })),
      CERTIFICATE,
    ),
    refused('intermediate-cn', why, subject('intermediate', 'Intel SGX PCK CA'), CERTIFICATE),
    refused(
      'intermediate-issuer-name',
      'issued by another name than the root has',
      changed('intermediate', () => ({ issuer: nameOf('Intel SGX Root CA 2') })),
      CERTIFICATE,
    ),
    refused('root-cn', why, subject('root', 'Intel SGX Root'), CERTIFICATE),
    accepted('processor-ca', 'the other CA of PCK certificates', {
      certificates: {
        intermediate: {
          fields: (fields) => ({ ...fields, subject: nameOf('Intel SGX PCK Processor CA') }),
        },
        leaf: {
          fields: (fields) => ({ ...fields, issuer: nameOf('Intel SGX PCK Processor CA') }),
        },
      },
    }),
  ]
}

function rest(): readonly ForgeCase[] {
  const version = [0, 1, 3].map((version) =>
    refused(
      `leaf-version-${version + 1}`,
      'extensions are those of version 3',
      changed('leaf', () => ({ version })),
      CERTIFICATE,
    ),
  )
  const serials = [
    ['negative', Uint8Array.of(0x80, 1)],
    ['not-minimal', Uint8Array.of(0, 1)],
    ['empty', new Uint8Array(0)],
    ['21-bytes', new Uint8Array(21).fill(1)],
  ] as const
  return [
    ...version,
    ...serials.map(([id, serial]) =>
      refused(
        `leaf-serial-${id}`,
        'revocation looks serial numbers up: each has one form',
        changed('leaf', () => ({ serial })),
        CERTIFICATE,
      ),
    ),
    refused(
      'leaf-key-of-nobody',
      'a point off the curve as key of the leaf',
      changed('leaf', () => ({ publicKey: new Uint8Array(64).fill(1) })),
      { 'qe-report-signature': 'QE_REPORT_SIGNATURE_INVALID' },
    ),
  ]
}
