import { createSimulatedGpus, serveNras, type NrasLie } from '@jeju/simulator/gpu'
import { createNrasClient } from '@jeju/verifier/collateral'
import { gpuTrust, GpuVerifier, nrasSource, simulatedGpuTrustAnchor } from '@jeju/verifier/gpu'
import { nodeP384 } from '@jeju/verifier/node'
import { describe, expect, test } from 'vitest'
import type { ProviderDocument } from '../../gateway/src/routes/provider-document.ts'
import { takesAnyGpu } from '../gpu-policy.ts'
import { policyOf } from '../simulated-trust.ts'
import { platform, TestNetwork } from './network/test-network.ts'
import { TestNode } from './network/test-node.ts'

const gpus = createSimulatedGpus({ at: new Date(), seed: 'gateway', count: 2 })
const anchor = simulatedGpuTrustAnchor('test', gpus.roots)

/** What a gateway says of a node with GPUs whose policy wants RIMs and the word of that service. */
async function judged(lie?: NrasLie): Promise<ProviderDocument> {
  const service = await serveNras(gpus, { lie })
  const client = createNrasClient({ fetch, baseUrl: service.url, now: () => new Date() })
  const network = new TestNetwork({
    policy: {
      ...policyOf(new TestNode(platform).td),
      gpu: { ...takesAnyGpu, appraisal: 'both' },
    },
    gpu: gpuTrust({
      verifier: new GpuVerifier(anchor, { signatures: nodeP384 }),
      rims: { rimsFor: () => Promise.resolve(gpus.rims()) },
      nras: nrasSource(client, anchor),
    }),
  })
  network.add({ gpus })
  try {
    await network.update()
    return await network.only()
  } finally {
    await service.close()
  }
}

describe('a policy that wants the word of NVIDIA’s service, too', () => {
  test('admits the node that it speaks for', async () => {
    expect(await judged()).toMatchObject({ admitted: true })
  })

  test.each([
    ['alg-none', /overall token: signed by .*, got ERR_JOSE_/],
    ['other-keys', /overall token: signed by .*, got ERR_JWS_SIGNATURE_VERIFICATION_FAILED/],
    ['wrong-issuer', /overall token: signed by .*unexpected "iss" claim value/],
    ['staging-issuer', /overall token: signed by .*unexpected "iss" claim value/],
    ['other-nonce', /overall token: eat_nonce [0-9a-f]{64}, got/],
    ['other-submodule', /GPU-0: the digest in submods, got/],
    ['missing-device', /2 submodules, one for each device, got 1/],
    ['expired', /overall token: signed by .*, got ERR_JWT_EXPIRED/],
  ] as const)('D2 admits nobody by a service that lies: %s', async (lie, reason) => {
    const { admitted, judgement } = await judged(lie)
    expect(admitted).toBe(false)
    expect(judgement?.reasons).toEqual([expect.stringMatching(reason)])
    expect(judgement?.reasons[0]).toMatch(/^gpu-evidence: expected gpu-reference-values: /)
  })
})
