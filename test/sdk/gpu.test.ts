import { createSimulatedGpus } from '@jeju/simulator/gpu'
import {
  gpuTrust,
  GpuVerifier,
  nvidiaTrustAnchor,
  simulatedGpuTrustAnchor,
} from '@jeju/verifier/gpu'
import { expect, test } from 'vitest'
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
