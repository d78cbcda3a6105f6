import { createVerify, X509Certificate, createPublicKey, verify } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import { createSimulatedPlatform, launchTd, type SimulatedPlatform } from '@jeju/simulator'
import { fromBareHex, sha256, sha384, concatBytes, utf8, toHex } from '@jeju/verifier/protocol'
import { generateKeyPair, publicPoint, sign } from '../../simulator/src/pki/signing-key.ts'

// What the simulator makes, checked by node:crypto and by hand, without our verifier.

let platform: SimulatedPlatform
const appCompose = utf8('{"name":"a"}')

beforeAll(async () => {
  platform = await createSimulatedPlatform({ at: new Date() })
})

function spkiOfPoint(point: Uint8Array): ReturnType<typeof createPublicKey> {
  const x = Buffer.from(point.subarray(0, 32)).toString('base64url')
  const y = Buffer.from(point.subarray(32)).toString('base64url')
  return createPublicKey({ key: { kty: 'EC', crv: 'P-256', x, y }, format: 'jwk' })
}

describe('a simulated quote', () => {
  test('verifies link by link: root, CA, PCK leaf, QE report, attestation key, body', async () => {
    const td = launchTd(platform, { appCompose })
    const reportData = new Uint8Array(64).fill(9)
    const quote = Buffer.from(await td.quote(reportData))
    expect(quote.subarray(568, 632)).toEqual(Buffer.from(reportData))

    const auth = quote.subarray(636, 636 + quote.readUInt32LE(632))
    const ecdsa = { dsaEncoding: 'ieee-p1363' as const }
    const key = { key: spkiOfPoint(auth.subarray(64, 128)), ...ecdsa }
    expect(verify('sha256', quote.subarray(0, 632), key, auth.subarray(0, 64))).toBe(true)

    const qe = auth.subarray(134)
    const authLength = qe.readUInt16LE(448)
    const named = sha256(concatBytes(auth.subarray(64, 128), qe.subarray(450, 450 + authLength)))
    expect(qe.subarray(320, 352)).toEqual(Buffer.from(named))

    const pem = qe.subarray(450 + authLength + 6).toString('latin1')
    const certificates = pem
      .split(/(?<=-----END CERTIFICATE-----)/)
      .filter((text) => text.includes('BEGIN'))
      .map((text) => new X509Certificate(text.trim()))
    const [leaf, ca, root] = certificates
    if (leaf === undefined || ca === undefined || root === undefined) throw new Error('no chain')
    expect(certificates).toHaveLength(3)
    expect(leaf.verify(ca.publicKey) && ca.verify(root.publicKey)).toBe(true)
    expect(root.verify(root.publicKey)).toBe(true)
    expect(root.raw).toEqual(Buffer.from(platform.rootCertificateDer))
    const leafKey = { key: leaf.publicKey, ...ecdsa }
    expect(verify('sha256', qe.subarray(0, 384), leafKey, qe.subarray(384, 448))).toBe(true)
  })

  test('a seed makes the same machine again, and another seed another one', async () => {
    const at = new Date('2029-02-20T00:00:00Z')
    const record = async (seed: string): Promise<unknown> => {
      const { pki, kms, quotingEnclave, collateralJson } = await createSimulatedPlatform({
        at,
        seed,
      })
      return [
        [pki.root, pki.platformCa, pki.pckLeaf, pki.tcbSigning, kms.ca].map(({ pem }) => pem),
        kms.rootKey,
        await collateralJson(at),
        quotingEnclave.quote(new Uint8Array(584)),
      ]
    }
    const first = await record('one')
    expect(await record('one')).toEqual(first)
    expect(await record('two')).not.toEqual(first)
  })

  test('both forms of a signature verify, as half of Intel’s are high-s', async () => {
    const key = await generateKeyPair()
    const message = utf8('what is signed')
    const point = { key: spkiOfPoint(await publicPoint(key)), dsaEncoding: 'ieee-p1363' as const }
    const [low, high] = (['low-s', 'high-s'] as const).map((form) => sign(key, message, form))
    if (low === undefined || high === undefined) throw new Error('two signatures')
    expect(BigInt(toHex(low.subarray(32)))).toBeLessThan(BigInt(toHex(high.subarray(32))))
    for (const signature of [low, high]) {
      expect(verify('sha256', message, point, signature)).toBe(true)
    }
  })

  test('nobody can mistake its PKI: another organisation, family zero', () => {
    expect(new X509Certificate(platform.rootCertificateDer).subject).toContain(
      'O=Jeju Compute Simulator',
    )
    expect(platform.pki.platform.fmspc).toEqual(new Uint8Array(6))
  })

  test('registers replay from the log, for both releases', () => {
    for (const profile of ['0.5.11', '0.6.0'] as const) {
      const td = launchTd(platform, { appCompose, profile })
      const { measurements } = td
      for (const [imr, wanted] of Object.entries([
        measurements.rtmr0,
        measurements.rtmr1,
        measurements.rtmr2,
        measurements.rtmr3,
      ])) {
        const replayed = td
          .events()
          .filter((event) => event.imr === Number(imr))
          .reduce<Uint8Array>(
            (register, { digest }) => sha384(concatBytes(register, digest)),
            new Uint8Array(48),
          )
        expect(toHex(replayed)).toBe(wanted)
      }
    }
  })

  test('two TDs of one image differ in RTMR3 and instance only', () => {
    const [a, b] = [launchTd(platform, { appCompose }), launchTd(platform, { appCompose })]
    const { rtmr3: rtmr3A, ...restA } = a.measurements
    const { rtmr3: rtmr3B, ...restB } = b.measurements
    expect(restA).toEqual(restB)
    expect(rtmr3A).not.toBe(rtmr3B)
    expect(a.composeHash).toBe(b.composeHash)
    expect(a.instanceId).not.toEqual(b.instanceId)
  })

  test('collateral is signed over its exact text, and its CRLs by their issuers', async () => {
    const bundle = JSON.parse(await platform.collateralJson(new Date())) as Record<string, string>
    const field = (name: string): string => bundle[name] ?? ''
    const [signer] = field('tcb_info_issuer_chain').split(/(?<=-----END CERTIFICATE-----)/)
    const key = new X509Certificate(signer ?? '').publicKey
    for (const name of ['tcb_info', 'qe_identity']) {
      const valid = createVerify('sha256')
        .update(field(name))
        .verify({ key, dsaEncoding: 'ieee-p1363' }, fromBareHex(field(`${name}_signature`)))
      expect(valid).toBe(true)
    }
    expect(JSON.parse(field('tcb_info'))).toMatchObject({ id: 'TDX', fmspc: '000000000000' })
    for (const name of ['root_ca_crl', 'pck_crl']) expect(field(name)).toMatch(/^30[0-9a-f]+$/)
  })
})
