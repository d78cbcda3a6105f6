import { describe, expect, test } from 'vitest'
import type { Claims } from '@jeju/simulator/gpu'
import {
  GpuVerifier,
  nrasAppraiser,
  nvidiaTrustAnchor,
  parseSpdmReport,
  simulatedNras,
  type GpuReport,
} from '@jeju/verifier/gpu'
import { takesAnyGpu as policy } from '../../gpu-policy.ts'
import { haveGpuVectors, vectorJson } from '../vectors.ts'
import { contextOf, gpusOf } from './fixture.ts'
import { devicesOf, statusOf } from './recorded.ts'

/** What NVIDIA's service said of recorded devices, signed anew: the keys of that day were kept by nobody. */
const AT = new Date('2025-06-11T01:00:00Z')
const { nras } = gpusOf()

/** Claims of a file, without what every token has. */
function claimsOf(file: string): Readonly<Record<string, Claims>> {
  const recorded = vectorJson('nvidia', 'misc', file) as Readonly<Record<string, Claims>>
  const own = ['iss', 'iat', 'nbf', 'exp', 'jti']
  return Object.fromEntries(
    Object.entries(recorded).map(([name, claims]) => [
      name,
      Object.fromEntries(Object.entries(claims).filter(([claim]) => !own.includes(claim))),
    ]),
  )
}

function judged(
  evidence: string,
  submodules: Readonly<Record<string, Claims>>,
): Promise<GpuReport> {
  const devices = devicesOf(evidence)
  const { nonce } = parseSpdmReport(devices[0]?.report ?? new Uint8Array(0))
  const { issuer, jwks } = nras
  const verifier = new GpuVerifier(nvidiaTrustAnchor(), {
    nras: nrasAppraiser(simulatedNras('signed anew', { issuer, jwks })),
  })
  return verifier.verify(
    { devices, nras: [nras.answer({ nonce, at: AT, submodules })] },
    contextOf({
      at: AT,
      nonce,
      isRecorded: true,
      policy: { ...policy, appraisal: 'nras', ocsp: 'required' },
    }),
  )
}

describe.runIf(haveGpuVectors)('recorded claims', () => {
  test('of a Hopper GPU pass every check, and make no real verdict', async () => {
    const report = await judged(
      'trustee-hopper-case1',
      claimsOf('nvat-hopperClaimsv3_decoded.json'),
    )
    expect(Object.values(statusOf(report)).filter((status) => status !== 'passed')).toEqual([])
    expect(report.claims).toMatchObject({ tier: 'simulated', appraisal: ['nras'] })
  })

  test('of a switch pass every check of its own', async () => {
    const report = await judged('nvat-switch_evidence_ls10', claimsOf('nvat-switch_decoded.json'))
    expect(statusOf(report)).toMatchObject({
      'gpu-revocation': 'passed',
      'gpu-reference-values': 'passed',
      'gpu-rim-expiry': 'passed',
      'gpu-rim-revocation': 'passed',
      'gpu-measurements': 'passed',
      'gpu-confidential-mode': 'passed',
    })
  })

  const [honest = {}] = haveGpuVectors
    ? Object.values(claimsOf('nvat-hopperClaimsv3_decoded.json'))
    : []
  const facts = Object.entries(honest).filter(([, value]) => value === true)
  test.each(facts)('without %s nothing passes', async (name) => {
    for (const value of [undefined, false, null]) {
      const { claims } = await judged('trustee-hopper-case1', {
        'GPU-0': { ...honest, [name]: value },
      })
      // Older firmware reports no id, and the service then says nothing of one.
      const mayLack = value === undefined && name.endsWith('fwid-match')
      expect(claims === undefined, String(value)).toBe(!mayLack)
    }
  })
})
