import { describe, expect, test } from 'vitest'
import {
  GpuVerifier,
  nrasAppraiser,
  nvidiaNras,
  nvidiaTrustAnchor,
  simulatedGpuTrustAnchor,
  simulatedNras,
} from '@jeju/verifier/gpu'
import { sha256, toBareHex } from '@jeju/verifier/protocol'
import { takesAnyGpu as policy } from '../../gpu-policy.ts'
import { AT, contextOf, failures, gpusOf, nonce } from './fixture.ts'

const refused: unknown = expect.objectContaining({ code: 'TRUST_ANCHOR_INVALID' })

describe('roots', () => {
  test('the pinned ones are those NVIDIA publishes', () => {
    const { deviceRoot, rimRoot, tier } = nvidiaTrustAnchor()
    expect(tier).toBe('nvidia')
    expect(toBareHex(sha256(deviceRoot.der))).toBe(
      '102bf659d5419614c9d8e6aecebc80454eb26b1df6a769ac720b9a690b167b48',
    )
    expect(toBareHex(sha256(rimRoot.der))).toBe(
      '12977b5115acb0381179279fffeb5a8c4d264971ebb32298023a465fa41df5d1',
    )
  })

  test('NVIDIA’s are never simulated, and a name is needed', () => {
    const { deviceRoot, rimRoot } = nvidiaTrustAnchor()
    const own = gpusOf().roots
    for (const roots of [
      { ...own, deviceRoot: deviceRoot.der },
      { ...own, rimRoot: rimRoot.der },
      { ...own, rimRoot: deviceRoot.der },
      { ...own, deviceRoot: new Uint8Array(9) },
    ]) {
      expect(() => simulatedGpuTrustAnchor('test', roots)).toThrow(refused)
    }
    expect(() => simulatedGpuTrustAnchor('', own)).toThrow(refused)
  })

  test('an object that only looks like an anchor is refused', () => {
    expect(() => new GpuVerifier({ ...nvidiaTrustAnchor() })).toThrow(refused)
    const { jwks } = gpusOf().nras
    expect(() => nrasAppraiser({ ...nvidiaNras(jwks) })).toThrow(refused)
  })

  test('nor is one that only looks like an appraiser, and says that everything passed', () => {
    const { jwks } = gpusOf().nras
    const honest = nrasAppraiser(nvidiaNras(jwks))
    const appraise: typeof honest.appraise = () => Promise.resolve([])
    for (const nras of [{ ...honest }, { ...honest, appraise }]) {
      expect(() => new GpuVerifier(nvidiaTrustAnchor(), { nras })).toThrow(refused)
    }
    // Nor can one that was made be changed afterwards.
    expect(() => Object.assign(honest, { appraise })).toThrow(TypeError)
    expect(() => new GpuVerifier(nvidiaTrustAnchor(), { nras: honest })).not.toThrow()
  })

  test('simulated devices are nobody’s under the roots of NVIDIA', async () => {
    const report = await new GpuVerifier(nvidiaTrustAnchor()).verify(
      gpusOf().evidence(nonce),
      contextOf(),
    )
    expect(failures(report)).toEqual(['gpu-certificate-chain GPU_CHAIN_UNTRUSTED'])
  })
})

describe('services', () => {
  test('NVIDIA’s issuer is never simulated, and a name is needed', () => {
    const { jwks } = gpusOf().nras
    const issuer = 'https://nras.attestation.nvidia.com'
    expect(() => simulatedNras('test', { issuer, jwks })).toThrow(refused)
    expect(() => simulatedNras('', { issuer: 'other', jwks })).toThrow(refused)
    expect(() => nvidiaNras({} as never)).toThrow(refused)
  })

  test('tokens of another issuer are not NVIDIA’s, even by a key of its set', async () => {
    const gpus = gpusOf()
    const verifier = new GpuVerifier(simulatedGpuTrustAnchor('test', gpus.roots), {
      nras: nrasAppraiser(nvidiaNras(gpus.nras.jwks)),
    })
    const judge = (issuer?: string): ReturnType<GpuVerifier['verify']> =>
      verifier.verify(
        {
          ...gpus.evidence(nonce),
          nras: gpus.nrasAnswers(nonce, AT, issuer === undefined ? {} : { issuer }),
        },
        contextOf({ policy: { ...policy, appraisal: 'nras' } }),
      )
    expect(failures(await judge())).toEqual(['gpu-reference-values NRAS_ISSUER_INVALID'])
    const genuine = await judge('https://nras.attestation.nvidia.com')
    // One simulated root is enough to say so.
    expect(genuine.claims).toMatchObject({ tier: 'simulated', appraisal: ['nras'] })
  })

  test('a policy asks for tokens, and nobody has keys', async () => {
    const gpus = gpusOf()
    const verifier = new GpuVerifier(simulatedGpuTrustAnchor('test', gpus.roots))
    const evidence = { ...gpus.evidence(nonce), nras: gpus.nrasAnswers(nonce, AT) }
    for (const appraisal of ['nras', 'both'] as const) {
      const report = await verifier.verify(
        evidence,
        contextOf({ policy: { ...policy, appraisal } }),
      )
      expect(failures(report)).toEqual(['gpu-reference-values NRAS_MISSING'])
    }
  })
})
