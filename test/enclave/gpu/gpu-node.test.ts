import { launchTd, type AgentGpus } from '@jeju/simulator'
import {
  bindingIdOf,
  decodeEvidence,
  decodeGpuEvidence,
  encodeEvidence,
  encodeGpuEvidence,
  fromBareHex,
  gpuNonce,
  reportData,
  sha256,
  toHex,
  ZERO_DIGEST,
  type EvidenceBundle,
  type Freshness,
} from '@jeju/verifier/protocol'
import { afterAll, describe, expect, test } from 'vitest'
import { registryDomain } from '../setting/deployment.ts'
import {
  buildNode,
  cleanUp,
  startNode,
  statusOf,
  thePlatform,
  until,
} from '../setting/start-node.ts'
import { errorOf } from '../setting/test-client.ts'
import { takesAnyGpu } from '../../gpu-policy.ts'
import {
  evidenceFor,
  failures,
  judge,
  machineGpus,
  NONCE,
  OTHER_NONCE,
  startGpuNode,
  type GpuNode,
} from './gpu-setting.ts'

afterAll(cleanUp)

const challenge = (nonce: string): Freshness => ({ kind: 'challenge', nonce: `0x${nonce}` })

/** What a host that controls everything but the TD could serve instead: a real quote, and other bytes beside it. */
async function served(
  node: GpuNode,
  change: (bundle: EvidenceBundle) => EvidenceBundle,
): Promise<Uint8Array> {
  return encodeEvidence(change(decodeEvidence(await evidenceFor(node.running, NONCE))))
}

describe('a node with GPUs', () => {
  test('is verified: GPUs answer binding and challenge, the quote names their answer', async () => {
    const node = await startGpuNode({ machine: 'blackwell', count: 2 })
    const evidence = await evidenceFor(node.running, NONCE)
    const report = await judge(node, evidence)
    expect(failures(report)).toEqual([])
    const { verdict } = report
    if (verdict.outcome !== 'verified') throw new Error('refused')
    expect(verdict.tier).toBe('simulated')
    expect(verdict.claims.gpu).toMatchObject({ mode: 'MPT', tier: 'simulated' })
    expect(verdict.claims.gpu?.devices).toHaveLength(2)
    const { statement, gpuEvidence } = decodeEvidence(evidence)
    expect(statement.gpuDevicesDigest).not.toBe(ZERO_DIGEST)
    const bindingId = bindingIdOf(statement, registryDomain)
    const nonces = decodeGpuEvidence(gpuEvidence ?? new Uint8Array(0)).devices.map(
      ({ report: r }) => r.slice(4, 36),
    )
    expect(nonces).toEqual([
      gpuNonce(bindingId, challenge(NONCE)),
      gpuNonce(bindingId, challenge(NONCE)),
    ])
  })

  test('registers with evidence of its GPUs, which stays verifiable from the archive', async () => {
    const { running } = await startGpuNode()
    const [call] = running.chain.attestations
    const stored = await running.get(`/v1/evidence/${call?.evidenceHash.slice(2) ?? ''}`)
    const bundle = decodeEvidence(new Uint8Array(await stored.arrayBuffer()))
    expect(bundle.statement.gpuDevicesDigest).toBe(call?.statement.gpuDevicesDigest)
    expect(bundle.gpuEvidence).toBeDefined()
  })

  test('the same machine is the same binding after a restart; other GPUs are another', async () => {
    const { running, agent } = await startGpuNode()
    const again = await running.restart({ gpus: agent })
    expect(again.node.bindingId).toBe(running.node.bindingId)
    const { td, chain, clock, stateDir } = running
    const gpus = { gpus: machineGpus({ first: 7 }) }
    const other = await buildNode({ td, chain, clock, stateDir, gpus })
    expect(other.node.bindingId).not.toBe(running.node.bindingId)
  })

  test('a CPU-only node says so, and passes only where no GPU is required', async () => {
    const running = await startNode()
    const node = { running, gpus: machineGpus(), agent: { gpus: machineGpus() } }
    const evidence = await evidenceFor(running, NONCE)
    expect(decodeEvidence(evidence).statement.gpuDevicesDigest).toBe(ZERO_DIGEST)
    expect(decodeEvidence(evidence).gpuEvidence).toBeUndefined()
    expect(failures(await judge(node, evidence))).toEqual(['gpu-evidence'])
    expect(failures(await judge(node, evidence, { gpu: 'forbidden' }))).toEqual([])
  })
})

describe('GPUs that are not there', () => {
  test('required and missing: no node, and the reason', async () => {
    await expect(buildNode({ gpus: noGpus() })).rejects.toMatchObject({
      name: 'GpuError',
      code: 'GPU_NO_SOURCE',
      message: expect.stringMatching(
        /AttestGpu: status 501.*libnvidia-ml\.so\.1: cannot be loaded/,
      ),
    })
  })

  test('an agent before 0.6 has no AttestGpu', async () => {
    const td = launchTd(await thePlatform(), {
      appCompose: new TextEncoder().encode('{"name":"n"}'),
    })
    await expect(buildNode({ td, gpus: { gpus: machineGpus() } })).rejects.toMatchObject({
      code: 'GPU_NO_SOURCE',
      message: expect.stringMatching(/AttestGpu: status 404/),
    })
  })

  test('lost while it runs: not ready, with the reason, until they are back', async () => {
    const { running, agent } = await startGpuNode()
    agent.lies = { refusal: { status: 400, message: 'GPU is lost' } }
    for (const nonce of [NONCE, OTHER_NONCE]) {
      const answer = await running.get(`/v1/attestation?nonce=${nonce}`)
      expect(await errorOf(answer)).toMatchObject({ status: 503, code: 'gpu_unavailable' })
    }
    const health = (await (await running.get('/health')).json()) as Record<string, unknown>
    expect(health).toMatchObject({ status: 'starting', waiting_for: 'GPU_DRIVER' })
    delete agent.lies
    await until(async () => (await statusOf(running)) === 'ok')
  })
})

describe('D1 relay and splice', () => {
  test('a nonce of another challenge, of another keyset: nothing is served', async () => {
    const node = await startGpuNode()
    const { running, agent } = node
    const { statement } = decodeEvidence(await evidenceFor(running, OTHER_NONCE))
    const otherKeyset = bindingIdOf({ ...statement, keysetDigest: ZERO_DIGEST }, registryDomain)
    const nonces = [
      gpuNonce(bindingIdOf(statement, registryDomain), challenge('ee'.repeat(32))),
      gpuNonce(otherKeyset, challenge(NONCE)),
      fromBareHex(NONCE),
    ]
    for (const nonce of nonces) {
      agent.lies = { nonce }
      const answer = await running.get(`/v1/attestation?nonce=${NONCE}`)
      expect(await errorOf(answer)).toMatchObject({ status: 503, code: 'gpu_unavailable' })
    }
  })

  test('the same, where the node does not look: the verifier does', async () => {
    const node = await startGpuNode()
    const bundle = decodeEvidence(await evidenceFor(node.running, OTHER_NONCE))
    const bindingId = bindingIdOf(bundle.statement, registryDomain)
    const keyset = bindingIdOf({ ...bundle.statement, keysetDigest: ZERO_DIGEST }, registryDomain)
    for (const nonce of [
      gpuNonce(bindingId, challenge(OTHER_NONCE)),
      gpuNonce(keyset, challenge(NONCE)),
      fromBareHex(NONCE),
    ]) {
      const gpuEvidence = encodeGpuEvidence({ devices: node.gpus.evidence(nonce).devices })
      const data = reportData(bindingId, challenge(NONCE), toHex(sha256(gpuEvidence)))
      const quote = await node.running.td.quote(data)
      const evidence = encodeEvidence({ ...bundle, quote, gpuEvidence })
      expect(failures(await judge(node, evidence))).toEqual(['gpu-evidence', 'gpu-nonce'])
    }
  })

  test('gpu_evidence_swap_rejected: the right nonce answered by another machine', async () => {
    const node = await startGpuNode()
    const elsewhere = machineGpus({ first: 40 })
    const swapped = await served(node, (bundle) => {
      const nonce = gpuNonce(bindingIdOf(bundle.statement, registryDomain), challenge(NONCE))
      return { ...bundle, gpuEvidence: encodeGpuEvidence(elsewhere.evidence(nonce)) }
    })
    // The quote names other bytes, and the statement other devices.
    expect(failures(await judge(node, swapped))).toEqual([
      'freshness',
      'gpu-evidence',
      'gpu-devices',
    ])
  })

  test('a relayed device that the agent brings while the node runs is none of the statement', async () => {
    const { running, agent } = await startGpuNode()
    const elsewhere = machineGpus({ first: 40 })
    agent.lies = {
      items: (items) =>
        items.map((item) => {
          const nonce = fromBareHex(item.nonce)
          const [device] = elsewhere.evidence(nonce).devices
          return {
            ...item,
            evidence: Buffer.from(device?.report ?? '').toString('base64'),
            certificate: Buffer.from(device?.certificates ?? '').toString('base64'),
          }
        }),
    }
    const answer = await running.get(`/v1/attestation?nonce=${NONCE}`)
    expect(await errorOf(answer)).toMatchObject({
      code: 'gpu_unavailable',
      message: expect.stringContaining('GPU_DEVICES'),
    })
  })

  test('gpu_claim_wording: what is served never says attached', async () => {
    const node = await startGpuNode()
    const { verdict } = await judge(node, await evidenceFor(node.running, NONCE))
    if (verdict.outcome !== 'verified') throw new Error('refused')
    expect(verdict.claims.gpu?.notProven[0]).toMatch(/attached to this TD: until TDISP/)
  })
})

describe('D3 GPU evidence dropped or canned', () => {
  test('gpu_missing_rejected: left out of the bundle', async () => {
    const node = await startGpuNode()
    const dropped = await served(node, withoutGpus)
    for (const gpu of [
      takesAnyGpu,
      { ...takesAnyGpu, presence: 'optional' },
      'forbidden',
    ] as const) {
      expect(failures(await judge(node, dropped, { gpu }))).toEqual(['freshness', 'gpu-evidence'])
    }
  })

  test('gpu_missing_rejected: left out of statement and bundle', async () => {
    const node = await startGpuNode()
    const dropped = await served(node, (bundle) => ({
      ...withoutGpus(bundle),
      statement: { ...bundle.statement, gpuDevicesDigest: ZERO_DIGEST },
    }))
    expect(failures(await judge(node, dropped))).toEqual([
      'statement-binding',
      'freshness',
      'gpu-evidence',
    ])
  })

  test('canned_evidence_rejected: an old answer is refused by the node itself', async () => {
    const { running, agent } = await startGpuNode()
    agent.lies = {
      nonce: fromBareHex('931d8dd0add203ac3d8b4fbde75e115278eefcdceac5b87671a748f32364dfcb'),
    }
    const answer = await running.get(`/v1/attestation?nonce=${NONCE}`)
    expect(await errorOf(answer)).toMatchObject({ code: 'gpu_unavailable' })
  })
})

describe('D6 switches', () => {
  test('nvswitch_missing_rejected: no node without its switches', async () => {
    const gpus = machineGpus({ machine: 'hopper-ppcie' })
    await expect(buildNode({ gpus: { gpus } })).rejects.toMatchObject({
      name: 'GpuError',
      code: 'GPU_SWITCHES',
    })
  })
})

describe('D7 one device twice', () => {
  test('gpu_device_reuse_rejected: by the node, and by the verifier', async () => {
    const gpus = machineGpus({ machine: 'blackwell', count: 2 })
    const agent = { gpus, lies: { items: (items: readonly unknown[]) => [items[0], items[0]] } }
    await expect(buildNode({ gpus: agent })).rejects.toMatchObject({ code: 'GPU_DEVICES' })
    const node = await startGpuNode({ machine: 'blackwell', count: 2 })
    const doubled = await served(node, (bundle) => {
      const { devices } = decodeGpuEvidence(bundle.gpuEvidence ?? new Uint8Array(0))
      return { ...bundle, gpuEvidence: encodeGpuEvidence({ devices: [...devices, ...devices] }) }
    })
    expect(failures(await judge(node, doubled))).toEqual([
      'freshness',
      'gpu-evidence',
      'gpu-set',
      'gpu-devices',
    ])
  })

  test('claims name each device by what survives a driver, so that two nodes with one GPU are seen', async () => {
    const first = await startGpuNode()
    const second = await startGpuNode()
    const identities = await Promise.all(
      [first, second].map(async (node) => {
        const { verdict } = await judge(node, await evidenceFor(node.running, NONCE))
        if (verdict.outcome !== 'verified') throw new Error('refused')
        return verdict.claims.gpu?.devices.map(({ identity }) => identity)
      }),
    )
    expect(identities[0]).toEqual(identities[1])
    expect(first.running.node.bindingId).not.toBe(second.running.node.bindingId)
  })
})

function withoutGpus(bundle: EvidenceBundle): EvidenceBundle {
  const changed = { ...bundle }
  delete (changed as { gpuEvidence?: Uint8Array }).gpuEvidence
  return changed
}

/** An agent whose image has no collector. */
function noGpus(): AgentGpus {
  return { gpus: machineGpus(), lies: { refusal: { status: 501, message: 'none' } } }
}
