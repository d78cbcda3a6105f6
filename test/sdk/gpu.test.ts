import { createSimulatedGpus } from '@jeju/simulator/gpu'
import {
  gpuTrust,
  GpuVerifier,
  nvidiaTrustAnchor,
  simulatedGpuTrustAnchor,
} from '@jeju/verifier/gpu'
import { describe, expect, test } from 'vitest'
import { policyOf } from '../simulated-trust.ts'
import { takesAnyGpu } from '../gpu-policy.ts'
import { chat, CHAT_URL, Market } from './market/market.ts'

const gpus = createSimulatedGpus({ at: new Date(), seed: 'sdk' })
const rims = gpus.rims()
const gpu = gpuTrust({
  verifier: new GpuVerifier(simulatedGpuTrustAnchor('test', gpus.roots)),
  rims: { rimsFor: () => Promise.resolve(rims) },
})

test('a node with GPUs is verified where the policy takes them, and the claims name them', async () => {
  const market = new Market([{ gpus }])
  const policy = { ...policyOf(market.nodes[0].td), gpu: takesAnyGpu }
  const response = await market.fetchWith({ policy, gpu })(CHAT_URL, chat())
  await response.text()
  const [verified] = market.eventsOf('provider-verified')
  expect(verified?.claims.gpu?.devices.length).toBeGreaterThan(0)
  expect(market.eventsOf('receipt-verified')).toHaveLength(1)
})

describe('D7 two_gateways_one_device: GPUs that the chain has as those of another binding', () => {
  const record = (
    market: Market,
    tier: 'none' | 'simulated' | 'tdx',
    devices: 'held' | 'not_held',
  ) => {
    const { bindingId, agentId, statement } = market.nodes[0]
    const binding = { valid: true, agentId, signer: statement.signer, tier, devices }
    market.chain.bindings.set(bindingId, binding)
  }

  test('are refused with a code where the policy requires GPUs', async () => {
    const market = new Market([{ gpus }])
    record(market, 'simulated', 'not_held')
    const policy = { ...policyOf(market.nodes[0].td), gpu: takesAnyGpu }
    await expect(market.fetchWith({ policy, gpu })(CHAT_URL, chat())).rejects.toMatchObject({
      failedChecks: ['gpu-on-chain'],
      report: {
        checks: expect.arrayContaining([
          {
            name: 'gpu-on-chain',
            status: 'failed',
            code: 'GPU_NOT_HELD',
            expected: expect.stringContaining("as this binding's"),
            actual: 'tier simulated, devices not_held',
          },
        ]),
      },
    })
    expect(market.gateway.chats).toHaveLength(0)
    // Leaving out the verifier leads round nothing where there is one.
    record(market, 'none', 'not_held')
    await expect(market.fetchWith({ policy, gpu })(CHAT_URL, chat())).rejects.toMatchObject({
      failedChecks: ['gpu-on-chain'],
    })
  })

  test('do not count where it does not: the node is one without', async () => {
    const market = new Market([{ gpus }])
    record(market, 'simulated', 'not_held')
    const optional = { ...takesAnyGpu, presence: 'optional' } as const
    const policy = { ...policyOf(market.nodes[0].td), gpu: optional }
    await (await market.fetchWith({ policy, gpu })(CHAT_URL, chat())).text()
    const [verified] = market.eventsOf('provider-verified')
    expect(verified?.claims.gpu).toBeUndefined()
    expect(verified?.onChain).toMatchObject([
      { name: 'binding-on-chain', status: 'passed' },
      { name: 'gpu-on-chain', status: 'skipped', because: expect.stringContaining('not_held') },
    ])
  })

  test('a session with GPUs ends when they go to another binding', async () => {
    const market = new Market([{ gpus }])
    record(market, 'simulated', 'held')
    const policy = { ...policyOf(market.nodes[0].td), gpu: takesAnyGpu }
    const fetch = market.fetchWith({ policy, gpu })
    await (await fetch(CHAT_URL, chat())).text()
    await (await fetch(CHAT_URL, chat())).text()
    expect(market.eventsOf('provider-verified')).toHaveLength(1)
    expect(market.eventsOf('provider-verified')[0]?.claims.gpu).toBeDefined()
    record(market, 'simulated', 'not_held')
    await expect(fetch(CHAT_URL, chat())).rejects.toMatchObject({ failedChecks: ['gpu-on-chain'] })
    expect(market.gateway.chats).toHaveLength(2)
  })
})

test('D3 GPUs that do not end in the roots of NVIDIA are refused where those are trusted', async () => {
  const market = new Market([{ gpus }])
  const policy = { ...policyOf(market.nodes[0].td), gpu: takesAnyGpu }
  const nvidia = gpuTrust({
    verifier: new GpuVerifier(nvidiaTrustAnchor()),
    rims: { rimsFor: () => Promise.resolve(new Map()) },
  })
  await expect(market.fetchWith({ policy, gpu: nvidia })(CHAT_URL, chat())).rejects.toMatchObject({
    failedChecks: ['gpu-evidence'],
    report: {
      reasons: [{ check: 'gpu-evidence', text: expect.stringContaining('gpu-certificate-chain') }],
    },
  })
  expect(market.gateway.chats).toHaveLength(0)
})

test('a policy that takes no GPU refuses a node with one, and one that needs a GPU a node without', async () => {
  const withGpu = new Market([{ gpus }])
  await expect(withGpu.fetch(CHAT_URL, chat())).rejects.toMatchObject({
    failedChecks: ['gpu-evidence'],
  })
  const without = new Market()
  const policy = { ...policyOf(without.nodes[0].td), gpu: takesAnyGpu }
  await expect(without.fetchWith({ policy })(CHAT_URL, chat())).rejects.toMatchObject({
    failedChecks: ['gpu-evidence'],
  })
})
