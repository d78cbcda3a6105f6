import { describe, expect, test } from 'vitest'
import { createP384Key, type OcspRequest } from '@jeju/simulator/gpu'
import type { GpuReport } from '@jeju/verifier/gpu'
import { sha256, utf8 } from '@jeju/verifier/protocol'
import {
  USAGE_CERT,
  type CertificateExtension,
  type P384Identity,
} from '../../../simulator/src/gpu/p384-certificate.ts'
import { objectId, sequence } from '../../../simulator/src/pki/der-writer.ts'
import { takesAnyGpu as policy } from '../../gpu-policy.ts'
import { AT, failures } from './fixture.ts'
import { hopper, lied } from './lies.ts'

const usages = (value: Uint8Array): CertificateExtension => ({
  oid: '2.5.29.37',
  critical: false,
  value,
})
const ocspSigning = usages(sequence(objectId('1.3.6.1.5.5.7.3.9')))
const noUsages = usages(objectId('1.3.6.1.5.5.7.3.9'))
const unknown = { oid: '1.2.3.4', critical: true, value: sequence() }

/** Provisioner and identity above the first GPU. */
function ownAuthorities(): { readonly ica: P384Identity; readonly identity: P384Identity } {
  const [, , ica, identity] = hopper.devices[0]?.certificates.chain ?? []
  if (!ica || !identity) throw new Error('no chain')
  return { ica, identity }
}

/** The provisioner by name, with a key of somebody else. */
function stranger(): P384Identity {
  const { ica } = ownAuthorities()
  const key = createP384Key((_, length) => new Uint8Array(length).fill(7), 'stranger')
  return { ...ica, key }
}

describe('status of certificates', () => {
  const answered = (change: (request: OcspRequest) => OcspRequest): Promise<GpuReport> =>
    lied({}, hopper, {
      policy: { ...policy, ocsp: 'required' },
      collateral: { ocsp: hopper.ocsp(AT, change) },
    })
  const brom = (): unknown => hopper.devices[0]?.certificates.brom
  const aboutBrom =
    (change: Partial<OcspRequest>) =>
    (request: OcspRequest): OcspRequest =>
      request.certificate === brom() ? { ...request, ...change } : request

  test.each([
    ['revoked', { status: 'revoked' }, 'OCSP_REVOKED'],
    ['on hold', { status: 'on-hold' }, 'OCSP_ON_HOLD'],
    ['unknown', { status: 'unknown' }, 'OCSP_UNKNOWN'],
    ['stale', { at: new Date(AT.getTime() - 2 * 24 * 3600 * 1000) }, 'OCSP_STALE'],
    ['of tomorrow', { at: new Date(AT.getTime() + 24 * 3600 * 1000) }, 'OCSP_STALE'],
    [
      'by a certificate for something else',
      { usage: '1.3.6.1.5.5.7.3.1' },
      'OCSP_SIGNATURE_INVALID',
    ],
  ] as const)('%s', async (_, change, code) => {
    expect(failures(await answered(aboutBrom(change)))).toEqual([`gpu-revocation ${code}`])
  })

  test('by a responder of another issuer', async () => {
    const responderIssuer = hopper.rimPki.root
    expect(failures(await answered(aboutBrom({ responderIssuer })))).toEqual([
      'gpu-revocation OCSP_SIGNATURE_INVALID',
    ])
  })

  test('about a certificate of another issuer with the same serial number', async () => {
    const issuer = hopper.rimPki.root
    expect(failures(await answered(aboutBrom({ issuer })))).toEqual(['gpu-revocation OCSP_MISSING'])
  })

  test('about an issuer of that name with another key, or of another name with that key', async () => {
    const { ica, identity } = ownAuthorities()
    for (const issuer of [
      { ...ica, key: identity.key },
      { ...ica, name: identity.name },
    ]) {
      const change = aboutBrom({ issuer, responderIssuer: ica })
      expect(failures(await answered(change))).toEqual(['gpu-revocation OCSP_MISSING'])
    }
  })

  const day = 24 * 3600 * 1000
  test.each<readonly [string, () => Partial<OcspRequest>]>([
    ['past its end', () => ({ responder: { until: new Date(AT.getTime() - day) } })],
    ['before its beginning', () => ({ responder: { from: new Date(AT.getTime() + day) } })],
    ['that is an authority', () => ({ responder: { ca: {} } })],
    ['for signing certificates', () => ({ responder: { usage: USAGE_CERT } })],
    ['without extended usage', () => ({ responder: { extensions: [] } })],
    [
      'with a critical extension that nobody knows',
      () => ({ responder: { extensions: [ocspSigning, unknown] } }),
    ],
    ['whose extended usage is no list', () => ({ responder: { extensions: [noUsages] } })],
    ['whose certificate another key signed', () => ({ responderIssuer: stranger() })],
    ['whose answer another key signed', () => ({ signWith: stranger().key })],
  ])('by a responder %s', async (_, change) => {
    expect(failures(await answered(aboutBrom(change())))).toEqual([
      'gpu-revocation OCSP_SIGNATURE_INVALID',
    ])
  })

  test.each([
    ['a refusal', { responseStatus: 6 }],
    ['another kind of answer', { responseType: '1.3.6.1.5.5.7.48.1.2' }],
  ])('%s is no answer', async (_, change) => {
    expect(failures(await answered(aboutBrom(change)))).toEqual(['gpu-revocation OCSP_INVALID'])
  })

  test('CertIDs by SHA-1 are read too', async () => {
    expect(failures(await answered((request) => ({ ...request, hash: 'sha1' })))).toEqual([])
  })

  test('a revoked signer of RIMs', async () => {
    const revoked = (request: OcspRequest): OcspRequest =>
      request.certificate === hopper.rimPki.signer ? { ...request, status: 'revoked' } : request
    expect(failures(await answered(revoked))).toEqual(['gpu-rim-revocation OCSP_REVOKED'])
  })

  test('the nonce that was sent', async () => {
    const sent = sha256(utf8('ocsp'))
    const ocspNonce = (ocsp: readonly Uint8Array[]): Promise<GpuReport> =>
      lied({}, hopper, { collateral: { ocsp, ocspNonce: sent } })
    const echoed = hopper.ocsp(AT, (request) => ({ ...request, nonce: sent }))
    expect(failures(await ocspNonce(echoed))).toEqual([])
    const other = hopper.ocsp(AT, (request) => ({ ...request, nonce: new Uint8Array(32) }))
    for (const ocsp of [other, hopper.ocsp(AT)]) {
      expect(failures(await ocspNonce(ocsp))).toEqual([
        'gpu-revocation OCSP_NONCE_MISMATCH',
        'gpu-rim-revocation OCSP_NONCE_MISMATCH',
      ])
    }
  })

  test('none where the policy wants them, and bytes that are no answer', async () => {
    expect(failures(await lied({}, hopper, { policy: { ...policy, ocsp: 'required' } }))).toEqual([
      'gpu-revocation OCSP_MISSING',
      'gpu-rim-revocation OCSP_MISSING',
    ])
    const garbled = { collateral: { ocsp: [new Uint8Array(3)] } }
    expect(failures(await lied({}, hopper, garbled))).toEqual(['gpu-revocation OCSP_INVALID'])
  })

  test('an answer that is there counts, whatever the policy wants', async () => {
    const ocsp = hopper.ocsp(AT, aboutBrom({ status: 'revoked' }))
    expect(failures(await lied({}, hopper, { collateral: { ocsp } }))).toEqual([
      'gpu-revocation OCSP_REVOKED',
    ])
  })
})
