import { beforeAll, describe, expect, test } from 'vitest'
import type { SimulatedPlatform, SimulatedTd } from '@jeju/simulator'
import type { GpuLies, SimulatedGpus } from '@jeju/simulator/gpu'
import {
  intelTrustAnchor,
  verifyEvidence,
  type GpuRequirement,
  type Report,
  type VerificationContext,
} from '@jeju/verifier'
import { GPU_CHECKS } from '@jeju/verifier/gpu'
import {
  bindingIdOf,
  concatBytes,
  deviceIdentityOf,
  encodeGpuEvidence,
  gpuDevicesDigest,
  gpuNonce,
  reportData,
  sha256,
  toHex,
  utf8,
  ZERO_DIGEST,
  type Freshness,
  type GpuEvidence,
  type Hex,
  type NodeStatement,
} from '@jeju/verifier/protocol'
import { policyOf } from '../../simulated-trust.ts'
import { takesAnyGpu } from '../../gpu-policy.ts'
import { gpusOf, verifierOf } from '../gpu/fixture.ts'
import { challenge, contextFor, evidenceOf, machine, registry, statementOf } from './fixture.ts'

let platform: SimulatedPlatform
let td: SimulatedTd
let gpus: SimulatedGpus

beforeAll(async () => {
  ;({ platform, td } = await machine())
  gpus = gpusOf({ machine: 'blackwell', count: 2 })
})

/** What a test changes of a node with GPUs. */
interface NodeChanges {
  readonly lies?: GpuLies
  readonly statement?: Partial<NodeStatement>
  /** The challenge that GPUs answer, and the binding; those of the node unless given. */
  readonly gpuFreshness?: Freshness
  readonly gpuBinding?: Hex
  readonly evidence?: (evidence: GpuEvidence) => GpuEvidence
  /** Bytes in the bundle instead of those that were quoted. */
  readonly served?: (bytes: Uint8Array) => Uint8Array
  readonly context?: Partial<VerificationContext>
  readonly policy?: GpuRequirement
}

/** Judges a node whose GPUs answer its binding and the challenge, and whose quote names their evidence. */
async function judgeNode(changes: NodeChanges = {}): Promise<Report> {
  const digest = digestOf(gpus.evidence(new Uint8Array(32)))
  const statement = { ...statementOf(td), gpuDevicesDigest: digest, ...changes.statement }
  const bindingId = bindingIdOf(statement, registry)
  const nonce = gpuNonce(changes.gpuBinding ?? bindingId, changes.gpuFreshness ?? challenge)
  const honest = gpus.evidence(nonce, changes.lies)
  const bytes = encodeGpuEvidence(changes.evidence?.(honest) ?? honest)
  const evidence = await evidenceOf(td, {
    statement,
    reportData: reportData(bindingId, challenge, toHex(sha256(bytes))),
    bundle: { gpuEvidence: changes.served?.(bytes) ?? bytes },
  })
  return verifyEvidence(evidence, {
    ...contextFor(platform, td),
    policy: { ...policyOf(td), gpu: changes.policy ?? takesAnyGpu },
    gpu: { verifier: verifierOf(gpus) },
    ...changes.context,
  })
}

function digestOf({ devices }: GpuEvidence): Hex {
  return gpuDevicesDigest(devices.map(({ certificates }) => deviceIdentityOf(certificates)))
}

/** Failed checks of the node, then those of its GPUs. */
function failed({ checks, gpuChecks = [] }: Report): readonly string[] {
  return [...checks, ...gpuChecks].flatMap(({ name, status }) =>
    status === 'failed' ? [name] : [],
  )
}

describe('a node with GPUs', () => {
  test('is verified, and says what is not proven', async () => {
    const report = await judgeNode()
    expect(failed(report)).toEqual([])
    expect(report.gpuChecks?.map(({ name }) => name)).toEqual(GPU_CHECKS)
    if (report.verdict.outcome !== 'verified') throw new Error('refused')
    expect(report.verdict.tier).toBe('simulated')
    expect(report.verdict.claims.gpu).toMatchObject({ mode: 'MPT', tier: 'simulated' })
    expect(report.verdict.claims.gpu?.devices).toHaveLength(2)
  })

  test('D1 gpu_claim_wording: attachment is named as not proven, in claims and in the check', async () => {
    const report = await judgeNode()
    if (report.verdict.outcome !== 'verified') throw new Error('refused')
    const [attachment] = report.verdict.claims.gpu?.notProven ?? []
    expect(attachment).toMatch(/attached to this TD: until TDISP/)
    const check = report.checks.find(({ name }) => name === 'gpu-evidence')
    expect(check).toMatchObject({ evidence: { notProven: expect.arrayContaining([attachment]) } })
  })

  test('D1 gpu_evidence_swap_rejected: evidence other than the quoted', async () => {
    const other = gpusOf({ machine: 'blackwell', count: 2, seed: 'other' })
    const served = (): Uint8Array => encodeGpuEvidence(other.evidence(new Uint8Array(32)))
    expect(failed(await judgeNode({ served }))).toContain('freshness')
  })

  test('D6 evidence_bytes_hashed_verbatim: the same evidence encoded otherwise', async () => {
    // A map head one byte longer than needed: the same CBOR to a lenient reader.
    const served = (bytes: Uint8Array): Uint8Array =>
      concatBytes(Uint8Array.of(0xb8, (bytes[0] ?? 0) & 0x1f), bytes.slice(1))
    expect(failed(await judgeNode({ served }))).toEqual(['freshness', 'gpu-evidence'])
  })

  test('a GPU nonce of another challenge, another binding, another keyset', async () => {
    const other: Freshness = { kind: 'challenge', nonce: `0x${'c8'.repeat(32)}` }
    const keyset = { ...statementOf(td), keysetDigest: ZERO_DIGEST }
    for (const changes of [
      { gpuFreshness: other },
      { gpuBinding: `0x${'01'.repeat(32)}` as const },
      { gpuBinding: bindingIdOf(keyset, registry) },
    ]) {
      expect(failed(await judgeNode(changes))).toEqual(['gpu-evidence', 'gpu-nonce'])
    }
  })

  test('D3 canned_evidence_rejected', async () => {
    const canned = Buffer.from(
      '931d8dd0add203ac3d8b4fbde75e115278eefcdceac5b87671a748f32364dfcb',
      'hex',
    )
    const report = await judgeNode({ lies: { nonce: new Uint8Array(canned) } })
    expect(failed(report)).toEqual(['gpu-evidence', 'gpu-nonce'])
    const check = report.checks.find(({ name }) => name === 'gpu-evidence')
    expect(check).toMatchObject({ code: 'GPU_NONCE_CANNED' })
  })

  test('D3 gpu_missing_rejected, D8 detection_is_not_attestation: required, and neither devices nor evidence', async () => {
    const evidence = await evidenceOf(td)
    const judged = (gpu: GpuRequirement): Promise<Report> =>
      verifyEvidence(evidence, {
        ...contextFor(platform, td),
        policy: { ...policyOf(td), gpu },
        gpu: { verifier: verifierOf(gpus) },
      })
    const missing = await judged(takesAnyGpu)
    expect(failed(missing)).toEqual(['gpu-evidence'])
    const check = missing.checks.find(({ name }) => name === 'gpu-evidence')
    expect(check).toMatchObject({ code: 'GPU_MISSING' })
    for (const gpu of ['forbidden', { ...takesAnyGpu, presence: 'optional' }] as const) {
      const { verdict } = await judged(gpu)
      expect(verdict).toMatchObject({ outcome: 'verified' })
      // A CPU-only node is never called attested by a GPU.
      expect(verdict).not.toHaveProperty('claims.gpu')
    }
  })

  test('D3 a policy that forbids GPUs, and nobody to judge one', async () => {
    expect(failed(await judgeNode({ policy: 'forbidden' }))).toEqual(['gpu-evidence'])
    const report = await judgeNode({ context: { gpu: undefined } as never })
    expect(failed(report)).toEqual([])
    expect(report.verdict).toMatchObject({ reasons: [{ check: 'gpu-evidence' }] })
  })

  test('D7 gpu_device_reuse_rejected: devices other than the statement says', async () => {
    const one = gpusOf({ machine: 'blackwell', count: 1 })
    const statement = { gpuDevicesDigest: digestOf(one.evidence(new Uint8Array(32))) }
    expect(failed(await judgeNode({ statement }))).toEqual(['gpu-evidence', 'gpu-devices'])
    const twice: GpuLies = {
      devices: ([first, ...rest]) => (first ? [first, first, ...rest] : rest),
    }
    expect(failed(await judgeNode({ lies: twice }))).toEqual([
      'gpu-evidence',
      'gpu-set',
      'gpu-devices',
    ])
  })

  test('D7 a device has one identity, whatever its driver and however its certificate is signed', () => {
    const [device] = gpus.evidence(new Uint8Array(32)).devices
    const updated = gpusOf({ machine: 'blackwell', count: 2 })
    const again = updated.evidence(utf8('another moment, another nonce...'))
    expect(deviceIdentityOf(again.devices[0]?.certificates ?? '')).toEqual(
      deviceIdentityOf(device?.certificates ?? ''),
    )
  })

  test('D4 gpu_payload_schema_table', async () => {
    const garbled: readonly ((bytes: Uint8Array) => Uint8Array)[] = [
      () => utf8('{"devices":[]}'),
      () => utf8('"text"'),
      () => new Uint8Array(0),
      (bytes) => bytes.slice(0, -1),
      (bytes) => concatBytes(bytes, Uint8Array.of(0)),
    ]
    for (const served of garbled) {
      const report = await judgeNode({ served })
      const check = report.checks.find(({ name }) => name === 'gpu-evidence')
      expect(check).toMatchObject({ code: 'GPU_EVIDENCE_INVALID' })
    }
    // The architecture is a claim beside the evidence.
    const hopper = ({ devices, ...rest }: GpuEvidence): GpuEvidence => ({
      ...rest,
      devices: devices.map((device) => ({ ...device, architecture: 'HOPPER' })),
    })
    expect(failed(await judgeNode({ evidence: hopper }))).toEqual(['gpu-evidence', 'gpu-identity'])
  })

  test('D5 rim_missing_rejected', async () => {
    const without = ({ devices }: GpuEvidence): GpuEvidence => ({ devices })
    const report = await judgeNode({ evidence: without })
    expect(failed(report)).toEqual(['gpu-evidence', 'gpu-reference-values'])
    expect(report.checks.find(({ name }) => name === 'gpu-evidence')).toMatchObject({
      code: 'RIM_MISSING',
      expected: expect.stringContaining('NV_GPU_CC_DRIVER_GB100_595.71.05'),
    })
  })

  test('a quote that is not genuine: no GPU is looked at', async () => {
    const report = await judgeNode({ context: { trustAnchor: intelTrustAnchor() } })
    expect(report.gpuChecks).toBeUndefined()
    expect(failed(report)).toContain('pck-chain')
  })
})
