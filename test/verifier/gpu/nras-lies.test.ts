import { decodeJwt, exportJWK, generateKeyPair, SignJWT } from 'jose'
import { describe, expect, test } from 'vitest'
import { createP384Key, type Claims, type NrasLies, type SimulatedGpus } from '@jeju/simulator/gpu'
import {
  GpuVerifier,
  nrasAppraiser,
  simulatedGpuTrustAnchor,
  simulatedNras,
  type GpuContext,
  type GpuPolicy,
  type GpuReport,
} from '@jeju/verifier/gpu'
import { sha256, toBareHex, utf8 } from '@jeju/verifier/protocol'
import { takesAnyGpu as policy } from '../../gpu-policy.ts'
import { AT, contextOf, failures, judge, nonce } from './fixture.ts'
import { two } from './lies.ts'

describe('the service of NVIDIA', () => {
  const byNras: GpuPolicy = { ...policy, appraisal: 'nras' }
  const answered = async (
    lies: NrasLies = {},
    change?: (claims: Claims, name: string) => Claims,
    context: Partial<GpuContext> = {},
    gpus: SimulatedGpus = two,
  ): Promise<GpuReport> => {
    const nras = gpus.nrasAnswers(nonce, AT, lies, change)
    return judge(gpus, { ...gpus.evidence(nonce), nras }, { policy: byNras, ...context })
  }
  const first =
    (changed: Claims) =>
    (claims: Claims, name: string): Claims =>
      name === 'GPU-0' ? { ...claims, ...changed } : claims

  test.each([
    ['D2 nras_alg_none_rejected', { header: { alg: 'none' } }, 'NRAS_SIGNATURE_INVALID'],
    ['D2 nras_hs256_rejected', { header: { alg: 'HS256' } }, 'NRAS_SIGNATURE_INVALID'],
    ['D2 nras_es256_rejected', { header: { alg: 'ES256' } }, 'NRAS_SIGNATURE_INVALID'],
    ['D2 a key the set does not hold', { header: { kid: 'other' } }, 'NRAS_SIGNATURE_INVALID'],
    [
      'D2 nras_staging_issuer_rejected',
      { issuer: 'https://nras.attestation-stg.nvidia.com' },
      'NRAS_ISSUER_INVALID',
    ],
    ['D2 nras_local_issuer_rejected', { issuer: 'NVAT-LOCAL-VERIFIER' }, 'NRAS_ISSUER_INVALID'],
    ['a result that is false', { result: false }, 'NRAS_RESULT_FAILED'],
    ['another nonce in the overall token', { overall: { eat_nonce: '00' } }, 'NRAS_NONCE_MISMATCH'],
    ['no nonce in the overall token', { overall: { eat_nonce: undefined } }, 'NRAS_NONCE_MISMATCH'],
    ['no dates', { overall: { exp: undefined } }, 'NRAS_EXPIRED'],
    ['no submodules in the overall token', { overall: { submods: {} } }, 'NRAS_SUBMODULE_MISMATCH'],
    [
      'a digest by another name',
      { overall: { submods: { 'GPU-0': ['DIGEST', ['SHA256', '']], 'GPU-1': [] } } },
      'NRAS_SUBMODULE_MISMATCH',
    ],
  ] as const)('%s', async (_, lies, code) => {
    expect(failures(await answered(lies))).toEqual([`gpu-reference-values ${code}`])
  })

  test('D2 nras_forged_jwt_rejected', async () => {
    const key = createP384Key((_, length) => new Uint8Array(length).fill(7), 'attacker')
    expect(failures(await answered({ key }))).toEqual([
      'gpu-reference-values NRAS_SIGNATURE_INVALID',
    ])
  })

  test('D2 keys of the set that are for another algorithm sign nothing', async () => {
    const [answer = ''] = two.nrasAnswers(nonce, AT)
    const [[, overall], tokens] = JSON.parse(answer) as [[string, string], Record<string, string>]
    for (const alg of ['ES256', 'RS256', 'ES384']) {
      const { publicKey, privateKey } = await generateKeyPair(alg)
      const own = { ...(await exportJWK(publicKey)), kid: alg }
      const sign = (token: string, changes: Claims = {}): Promise<string> =>
        new SignJWT({ ...decodeJwt(token), ...changes })
          .setProtectedHeader({ alg, kid: alg })
          .sign(privateKey)
      const signed = Object.fromEntries(
        await Promise.all(
          Object.entries(tokens).map(async ([name, token]) => [name, await sign(token)] as const),
        ),
      )
      const submods = Object.fromEntries(
        Object.entries(signed).map(([name, token]) => [
          name,
          ['DIGEST', ['SHA-256', toBareHex(sha256(utf8(token)))]],
        ]),
      )
      const nras = [JSON.stringify([['JWT', await sign(overall, { submods })], signed])]
      const { issuer, jwks } = two.nras
      const service = simulatedNras('test', { issuer, jwks: { keys: [...jwks.keys, own] } })
      const verifier = new GpuVerifier(simulatedGpuTrustAnchor('test', two.roots), {
        nras: nrasAppraiser(service),
      })
      const evidence = { ...two.evidence(nonce), nras }
      const report = await verifier.verify(evidence, contextOf({ policy: byNras }))
      const wanted = alg === 'ES384' ? [] : ['gpu-reference-values NRAS_SIGNATURE_INVALID']
      expect(failures(report), alg).toEqual(wanted)
    }
  })

  test('D2 submodules swapped between two answers', async () => {
    const swapSubmodules: NrasLies['swapSubmodules'] = (tokens) => ({
      'GPU-0': tokens['GPU-1'] ?? '',
      'GPU-1': tokens['GPU-0'] ?? '',
    })
    expect(failures(await answered({ swapSubmodules }))).toEqual([
      'gpu-reference-values NRAS_SUBMODULE_MISMATCH',
    ])
  })

  test('D2 nras_count_mismatch_rejected: a device without a submodule, or one twice', async () => {
    const [answer = ''] = two.nrasAnswers(nonce, AT)
    const evidence = two.evidence(nonce)
    const judged = (nras: readonly string[], devices = evidence.devices): Promise<GpuReport> =>
      judge(two, { ...evidence, devices, nras }, { policy: byNras })
    for (const report of [
      await judged([answer], evidence.devices.slice(0, 1)),
      await judged([answer, answer]),
      await answered({}, (claims, name) => first({ ueid: '1' })(claims, name)),
    ]) {
      expect(failures(report)).toEqual(['gpu-reference-values NRAS_SUBMODULE_MISMATCH'])
    }
  })

  test('tokens that are for longer than an hour are an hour old all the same', async () => {
    const exp = Math.floor(AT.getTime() / 1000) + 24 * 3600
    const made = new Date(AT.getTime() - 1.1 * 3600_000)
    const nras = two.nrasAnswers(nonce, made, { overall: { exp } }, (claims) => ({
      ...claims,
      exp,
    }))
    const report = await judge(two, { ...two.evidence(nonce), nras }, { policy: byNras })
    expect(failures(report)).toEqual(['gpu-reference-values NRAS_EXPIRED'])
  })

  test('another nonce in the token of one device, and none', async () => {
    for (const eat_nonce of ['00'.repeat(32), undefined, [toBareHex(nonce)]]) {
      expect(failures(await answered({}, first({ eat_nonce }))), String(eat_nonce)).toEqual([
        'gpu-reference-values NRAS_NONCE_MISMATCH',
      ])
    }
    // Digits in capitals are the same nonce.
    const capitals = first({ eat_nonce: toBareHex(nonce).toUpperCase() })
    expect(failures(await answered({}, capitals))).toEqual([])
  })

  test('an hour later, and before they were made', async () => {
    for (const hours of [1.1, -1]) {
      const nras = two.nrasAnswers(nonce, new Date(AT.getTime() - hours * 3600_000))
      const report = await judge(two, { ...two.evidence(nonce), nras }, { policy: byNras })
      expect(failures(report)).toEqual(['gpu-reference-values NRAS_EXPIRED'])
    }
  })

  test.each([
    ['measurements', { measres: 'fail' }, 'gpu-measurements GPU_MEASUREMENT_MISMATCH'],
    [
      'D5 gpu_debug_flag_rejected',
      { dbgstat: 'enabled' },
      'gpu-confidential-mode GPU_MODE_REFUSED',
    ],
    ['D5 secure boot off', { secboot: false }, 'gpu-confidential-mode GPU_MODE_REFUSED'],
    [
      'a driver RIM not found',
      { 'x-nvidia-gpu-driver-rim-fetched': false },
      'gpu-reference-values NRAS_RESULT_FAILED',
    ],
    [
      'claims left out',
      { 'x-nvidia-gpu-vbios-rim-signature-verified': undefined },
      'gpu-reference-values NRAS_RESULT_FAILED',
    ],
    [
      'a warning',
      { 'x-nvidia-attestation-warning': 'careful' },
      'gpu-reference-values NRAS_RESULT_FAILED',
    ],
    [
      'error details',
      { 'x-nvidia-error-details': { code: 4010 } },
      'gpu-reference-values NRAS_RESULT_FAILED',
    ],
    [
      'another driver',
      { 'x-nvidia-gpu-driver-version': '1.0' },
      'gpu-reference-values NRAS_SUBMODULE_MISMATCH',
    ],
    [
      'another model',
      { hwmodel: 'GH100 A01 GSP BROM' },
      'gpu-reference-values NRAS_SUBMODULE_MISMATCH',
    ],
    [
      'an expired RIM',
      {
        'x-nvidia-gpu-driver-rim-cert-chain': {
          'x-nvidia-cert-status': 'expired',
          'x-nvidia-cert-ocsp-status': 'good',
        },
      },
      'gpu-rim-expiry RIM_EXPIRED',
    ],
    [
      'a revoked device',
      { 'x-nvidia-gpu-attestation-report-cert-chain': { 'x-nvidia-cert-ocsp-status': 'revoked' } },
      'gpu-revocation OCSP_REVOKED',
    ],
  ] as const)('%s', async (_, claims, objection) => {
    expect(failures(await answered({}, first(claims)))).toEqual([objection])
  })

  /** Claims as the service's third interface writes them. */
  const version2 = (claims: Claims): Claims => {
    const common = Object.entries(claims).filter(
      ([name]) =>
        !name.endsWith('-cert-chain') &&
        !name.endsWith('-version-match') &&
        !name.endsWith('fwid-match'),
    )
    return {
      ...Object.fromEntries(common),
      'x-nvidia-gpu-attestation-report-cert-chain-validated': true,
      'x-nvidia-gpu-driver-rim-cert-validated': true,
      'x-nvidia-gpu-vbios-rim-cert-validated': true,
      hwmodel: 'GB100',
    }
  }

  test('claims of version 2 say nothing of OCSP, which is enough where it is not required', async () => {
    expect(failures(await answered({}, version2))).toEqual([])
    const required = { policy: { ...byNras, ocsp: 'required' } as const }
    expect(failures(await answered({}, version2, required))).toEqual([
      'gpu-revocation OCSP_MISSING',
      'gpu-rim-revocation OCSP_MISSING',
    ])
  })

  test.each([
    [
      'a chain of the device',
      'attestation-report-cert-chain-validated',
      'reference-values NRAS_RESULT_FAILED',
    ],
    ['a signer', 'driver-rim-cert-validated', 'rim-expiry RIM_EXPIRED'],
    ['a signature', 'vbios-rim-signature-verified', 'reference-values NRAS_RESULT_FAILED'],
  ] as const)(
    'claims of version 2 with %s that is not valid, or not mentioned',
    async (_, name, objection) => {
      for (const value of [false, null, 'true', undefined]) {
        const changed = { [`x-nvidia-gpu-${name}`]: value }
        const change = (claims: Claims, of: string): Claims => first(changed)(version2(claims), of)
        expect(failures(await answered({}, change)), String(value)).toContain(`gpu-${objection}`)
      }
    },
  )

  test('claims of version 3 must say that a RIM is of the version that the device reports', async () => {
    for (const rim of ['driver', 'vbios']) {
      for (const value of [false, undefined]) {
        const changed = { [`x-nvidia-gpu-${rim}-rim-version-match`]: value }
        expect(failures(await answered({}, first(changed)))).toEqual([
          'gpu-reference-values NRAS_RESULT_FAILED',
        ])
      }
    }
  })

  test('tokens that are not there, or not of their shape', async () => {
    const judged = (nras: readonly string[]): Promise<GpuReport> =>
      judge(two, { ...two.evidence(nonce), nras }, { policy: byNras })
    expect(failures(await judged([]))).toEqual(['gpu-reference-values NRAS_MISSING'])
    for (const text of [
      '',
      '{}',
      '[]',
      '[["JWT","a.b.c"],{}]',
      '[["JWT","a.b.c"],{"GPU-0":"x"}]',
      '[["JWT","a.b.c","d"],{"GPU-0":"a.b.c"}]',
      '[["JWT","a.b.c"],{"GPU-0":"a.b.c","GPU-0":"a.b.c"}]',
    ]) {
      expect(failures(await judged([text])), text).toEqual([
        'gpu-reference-values NRAS_TOKEN_INVALID',
      ])
    }
  })

  test('both appraisers: one that objects is enough', async () => {
    const both = { ...policy, appraisal: 'both' } as const
    expect(failures(await answered({}, first({ measres: 'fail' }), { policy: both }))).toEqual([
      'gpu-measurements GPU_MEASUREMENT_MISMATCH',
    ])
    const rims = new Map<string, Uint8Array>()
    const report = await answered({}, undefined, { policy: both, collateral: { rims } })
    expect(failures(report)).toEqual(['gpu-reference-values RIM_MISSING'])
  })
})
