import { createSimulatedGpus } from '@jeju/simulator/gpu'
import { GpuVerifier, simulatedGpuTrustAnchor } from '@jeju/verifier/gpu'
import { nodeP384 } from '@jeju/verifier/node'
import { isAtLeast } from '@jeju/verifier/routing'
import { describe, expect, test } from 'vitest'
import type { Admission } from '../../gateway/src/admission/admit.ts'
import { leaseOf } from '../../gateway/src/admission/lease.ts'
import { takesAnyGpu } from '../gpu-policy.ts'
import { policyOf } from '../simulated-trust.ts'
import { platform, TestNetwork } from './network/test-network.ts'
import { TestNode } from './network/test-node.ts'

interface Listed {
  readonly claims: {
    readonly gpu_attested: { readonly status: string }
    readonly extra: { readonly agent_id: string }
  }
}

describe('D7 two_gateways_one_device: GPUs that the chain has as those of another binding', () => {
  const gpus = createSimulatedGpus({ at: new Date(), seed: 'gateway' })
  const anchor = simulatedGpuTrustAnchor('test', gpus.roots)
  const networkOf = (presence: 'required' | 'optional'): TestNetwork =>
    new TestNetwork({
      policy: { ...policyOf(new TestNode(platform).td), gpu: { ...takesAnyGpu, presence } },
      gpu: {
        judgementFor: () =>
          Promise.resolve({ verifier: new GpuVerifier(anchor, { signatures: nodeP384 }) }),
      },
    })
  const record = (network: TestNetwork, node: TestNode, devices: 'held' | 'not_held'): void => {
    const { bindingId, agentId } = node
    const validUntil = BigInt(Math.floor(network.nowMs / 1000) + 24 * 3600)
    const binding = { valid: true, agentId, validUntil, tier: 'simulated', devices } as const
    network.chain.bindings.set(bindingId, binding)
  }
  /** What the gateway says of the GPUs of each lease, by agent. */
  const gpuClaims = async (network: TestNetwork): Promise<Readonly<Record<string, string>>> => {
    const response = await network.gateway.app.request('/v1/aci/sessions')
    const { sessions }: { sessions: readonly Listed[] } = await response.json()
    return Object.fromEntries(
      sessions.map(({ claims }) => [claims.extra.agent_id, claims.gpu_attested.status]),
    )
  }

  test('are refused with a code where the policy requires GPUs', async () => {
    const network = networkOf('required')
    const node = network.add({ gpus })
    record(network, node, 'not_held')
    await network.update()
    const { admitted, judgement } = await network.only()
    expect(admitted).toBe(false)
    expect(judgement?.reasons).toEqual([
      expect.stringMatching(
        /^gpu-on-chain: GPU_NOT_HELD: expected GPUs .*, got tier simulated, devices not_held$/,
      ),
    ])
  })

  test('count no more from when they go to another binding, and block nobody', async () => {
    const network = networkOf('optional')
    const [thief, owner] = [network.add({ agentId: 0n, gpus }), network.add({ agentId: 1n, gpus })]
    record(network, thief, 'not_held')
    record(network, owner, 'held')
    await network.update()
    // Both serve, one of them as a node without.
    expect((await network.providers()).map(({ admitted }) => admitted)).toEqual([true, true])
    // Under a simulated root nothing is said of GPUs that count.
    expect(await gpuClaims(network)).toEqual({ 0: 'refuted', 1: 'unknown' })

    record(network, owner, 'not_held')
    record(network, thief, 'held')
    // One lease ends at once, and is judged anew; the other is judged again for more.
    network.pass(1)
    await network.update()
    await network.update()
    expect(await gpuClaims(network)).toEqual({ 0: 'unknown', 1: 'refuted' })
  })

  test('make no tier above that of a node without: min_tier is not met', () => {
    const node = new TestNode(platform, { gpus })
    const { signer, keysetDigest } = node.statement
    const claims = {
      bindingId: node.bindingId,
      statement: { agentId: 0n, signer, keysetDigest },
      keyset: { not_after: 2 ** 40, tls_public_keys: [], e2ee_public_keys: [] },
      catalog: { models: [] },
      composeHash: '0x00',
      gpu: { devices: [{ identity: `0x${'ab'.repeat(32)}` }] },
    }
    const leaseWith = (countsGpus: boolean) =>
      leaseOf(
        node.state(),
        // What a genuine root would make of it: tests have simulated hardware only.
        {
          outcome: 'admitted',
          report: { checks: [] },
          verdict: { tier: 'tdx', claims },
          bindingValidUntil: 2n ** 40n,
          evidence: new Uint8Array(0),
          platform: 'ab',
          countsGpus,
        } as unknown as Extract<Admission, { outcome: 'admitted' }>,
        new Date(),
      )
    expect([true, false].map((counts) => leaseWith(counts).tier)).toEqual(['tdx_gpu', 'tdx'])
    expect(isAtLeast(leaseWith(false).tier, 'tdx_gpu')).toBe(false)
    const claimOf = (counts: boolean) => leaseWith(counts).session.listed['claims']
    expect(claimOf(true)).toMatchObject({ gpu_attested: { status: 'asserted' } })
    expect(claimOf(false)).toMatchObject({ gpu_attested: { status: 'refuted' } })
  })
})
