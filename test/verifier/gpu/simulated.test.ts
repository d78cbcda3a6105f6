import { describe, expect, test } from 'vitest'
import { GPU_CHECKS } from '@jeju/verifier/gpu'
import { takesAnyGpu as policy } from '../../gpu-policy.ts'
import { AT, failures, gpusOf, judge, nonce, skippedNames } from './fixture.ts'

describe('honest machines are verified, by each appraiser', () => {
  const machines = [
    ['one Hopper', {}],
    ['one Hopper, NVDAOD', { format: 'nvdaod' }],
    ['eight Blackwells', { machine: 'blackwell', count: 8 }],
    ['eight Hoppers and four switches', { machine: 'hopper-ppcie' }],
  ] as const
  for (const [name, options] of machines) {
    for (const appraisal of ['local', 'nras', 'both'] as const) {
      test(`${name}: ${appraisal}`, async () => {
        const gpus = gpusOf(options)
        const evidence = {
          ...gpus.evidence(nonce),
          ocsp: gpus.ocsp(AT),
          nras: gpus.nrasAnswers(nonce, AT),
        }
        const report = await judge(gpus, evidence, {
          policy: { ...policy, appraisal, ocsp: 'required' },
        })
        expect(failures(report)).toEqual([])
        expect(skippedNames(report)).toEqual([])
        expect(report.checks.map(({ name: check }) => check)).toEqual(GPU_CHECKS)
        expect(report.claims).toMatchObject({ tier: 'simulated' })
        expect(report.claims?.devices).toHaveLength(gpus.devices.length)
      })
    }
  }
})
