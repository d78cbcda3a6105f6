import { describe, expect, test } from 'vitest'
import { intelTrustAnchor, simulatedTrustAnchor } from '@jeju/verifier'
import { sha256, toHex } from '@jeju/verifier/protocol'
import { parseCertificate } from '../../../verifier/src/x509/certificate.ts'
import { P256Verifier } from '../../../verifier/src/x509/p256.ts'
import { haveVectors, vectorBytes } from '../vectors.ts'

const code = (expected: string): unknown => expect.objectContaining({ code: expected })

/** As Intel publishes it with the root certificate of its provisioning certification service. */
const FINGERPRINT = '0x44a0196b2b99f889b8e149e95b807a350e7424964399e885a7cbb8ccfab674d3'

describe('B13 vendor_root_fingerprint', () => {
  test('the pinned root is the published certificate, valid and signed by itself', async () => {
    const anchor = intelTrustAnchor()
    expect(anchor.tier).toBe('tdx')
    expect(toHex(sha256(anchor.certificate))).toBe(FINGERPRINT)
    expect(anchor.certificate).toHaveLength(659)
    const certificate = parseCertificate(anchor.certificate)
    expect(certificate.commonName).toBe('Intel SGX Root CA')
    expect(certificate.notBefore).toBe(Date.parse('2018-05-21T10:45:10Z'))
    expect(certificate.notAfter).toBe(Date.parse('2049-12-31T23:59:59Z'))
    expect(certificate.pathLength).toBe(1)
    const { publicKey, signature, tbs } = certificate
    expect(await new P256Verifier().verify(publicKey, signature, tbs)).toBe(true)
  })

  test.runIf(haveVectors)('and the recorded file', () => {
    expect(intelTrustAnchor().certificate).toEqual(vectorBytes('onchain', 'pki', 'root-ca.der'))
  })
})

test('B12 the root of Intel is never simulated, and a simulated root has a name', () => {
  const { certificate } = intelTrustAnchor()
  expect(() => simulatedTrustAnchor('mine', certificate)).toThrow(code('TRUST_ANCHOR_INVALID'))
  const other = Uint8Array.of(1, 2, 3)
  expect(() => simulatedTrustAnchor('', other)).toThrow(code('TRUST_ANCHOR_INVALID'))
  expect(simulatedTrustAnchor('mine', other)).toMatchObject({ tier: 'simulated', name: 'mine' })
})

test('an anchor keeps its own copy, and its tier cannot be changed', () => {
  const der = Uint8Array.of(1, 2, 3)
  const anchor = simulatedTrustAnchor('mine', der)
  der[0] = 9
  expect(anchor.certificate[0]).toBe(1)
  expect(Reflect.set(anchor, 'tier', 'tdx')).toBe(false)
  intelTrustAnchor().certificate.fill(0)
  expect(toHex(sha256(intelTrustAnchor().certificate))).toBe(FINGERPRINT)
})
