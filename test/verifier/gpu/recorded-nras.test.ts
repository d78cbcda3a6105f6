import { describe, expect, test } from 'vitest'
import {
  GpuVerifier,
  nrasAppraiser,
  nvidiaNras,
  nvidiaTrustAnchor,
  parseSpdmReport,
} from '@jeju/verifier/gpu'
import { sha256, toBareHex, utf8 } from '@jeju/verifier/protocol'
import { parseNrasAnswer } from '../../../verifier/src/gpu/nras/nras-answer.ts'
import { haveGpuVectors, vectorText } from '../vectors.ts'
import { takesAnyGpu as policy } from '../../gpu-policy.ts'
import { contextOf, gpusOf } from './fixture.ts'
import { devicesOf, statusOf } from './recorded.ts'

function payloadOf(token: string): Readonly<Record<string, unknown>> {
  const [, payload = ''] = token.split('.')
  return JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>
}

describe.runIf(haveGpuVectors)('a recorded answer of NVIDIA’s service', () => {
  const text = haveGpuVectors ? vectorText('nvidia', 'nras', 'nvat-hopper-v4.response.json') : ''

  test('is read, and the digest of its submodule is right', () => {
    const { overall, submodules } = parseNrasAnswer(text)
    const token = submodules.get('GPU-0') ?? ''
    expect([...submodules.keys()]).toEqual(['GPU-0'])
    expect(payloadOf(overall)['submods']).toEqual({
      'GPU-0': ['DIGEST', ['SHA-256', toBareHex(sha256(utf8(token)))]],
    })
  })

  test('is worth nothing without the keys of its day', async () => {
    const devices = devicesOf('trustee-hopper-case1')
    const nonce = parseSpdmReport(devices[0]?.report ?? new Uint8Array(0)).nonce
    const verifier = new GpuVerifier(nvidiaTrustAnchor(), {
      nras: nrasAppraiser(nvidiaNras(gpusOf().nras.jwks)),
    })
    const report = await verifier.verify(
      { devices, nras: [text] },
      contextOf({
        at: new Date('2025-06-11T01:00:00Z'),
        nonce,
        isRecorded: true,
        policy: { ...policy, appraisal: 'nras' },
      }),
    )
    expect(statusOf(report)).toMatchObject({
      'gpu-report-signature': 'passed',
      'gpu-reference-values': 'NRAS_SIGNATURE_INVALID',
      'gpu-measurements': 'skipped',
    })
  })
})
