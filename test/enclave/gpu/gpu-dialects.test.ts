import { takesAnyGpu } from '../../gpu-policy.ts'
import {
  verifyAciReport,
  verifySigningReport,
  verifyTinfoilDocument,
  type AciContext,
  type DialectContext,
  type SigningContext,
  type TinfoilContext,
} from '@jeju/verifier/dialects'
import type { GpuClaims } from '@jeju/verifier/gpu'
import { toBareHex, type JsonValue } from '@jeju/verifier/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { objections } from '../../check-names.ts'
import { contextOf } from '../setting/relying-party.ts'
import { cleanUp } from '../setting/start-node.ts'
import {
  machineGpus,
  NONCE,
  OTHER_NONCE,
  startGpuNode,
  verifierOf,
  type GpuNode,
} from './gpu-setting.ts'

let node: GpuNode

beforeAll(async () => {
  const source = {
    repoUrl: 'https://example.org/node',
    repoCommit: '12'.repeat(20),
    imageDigest: null,
  }
  node = await startGpuNode({ machine: 'blackwell', count: 2 }, { config: { source } })
})

afterAll(cleanUp)

type Answer = Promise<{
  readonly checks: readonly { readonly name: string; readonly status: string }[]
  readonly verdict: { readonly outcome: string }
}>

interface Served {
  readonly text: string
  judge(text: string, changes?: Partial<DialectContext>): Answer
}

async function textOf(path: string): Promise<string> {
  const answer = await node.running.get(path)
  expect([path, answer.status]).toEqual([path, 200])
  return answer.text()
}

async function base(): Promise<DialectContext> {
  const context = await contextOf(node.running)
  const { gpus } = node
  const gpu = { verifier: verifierOf(gpus), collateral: { rims: gpus.rims() } }
  return { ...context, policy: { ...context.policy, gpu: takesAnyGpu }, gpu }
}

const DIALECTS: Readonly<Record<string, (nonce: string) => Promise<Served>>> = {
  'vllm-proxy': async (nonce) => ({
    text: await textOf(`/v1/attestation/report?nonce=${nonce}`),
    judge: async (text, changes) => {
      const context: SigningContext = {
        ...(await base()),
        nonce: NONCE,
        signingAlgo: 'ecdsa',
        tls: 'unbound',
        ...changes,
      }
      return verifySigningReport(text, context)
    },
  }),
  Tinfoil: async (nonce) => ({
    text: await textOf(`/.well-known/tinfoil-attestation?nonce=${nonce}`),
    judge: async (text, changes) => {
      const context: TinfoilContext = { ...(await base()), nonce: NONCE, ...changes }
      return verifyTinfoilDocument(text, context)
    },
  }),
  ACI: async (nonce) => ({
    text: await textOf(`/v1/aci/attestation?nonce=${nonce}`),
    judge: async (text, changes) => {
      const { attestation } = JSON.parse(text) as {
        attestation: { workload_keyset: { e2ee_public_keys: { public_key: string }[] } }
      }
      const publicKey = attestation.workload_keyset.e2ee_public_keys[0]?.public_key ?? ''
      const context: AciContext = {
        ...(await base()),
        nonce: NONCE,
        channel: { kind: 'sealed', publicKey },
        sources: [{ repoUrl: 'https://example.org/node', repoCommit: '12'.repeat(20) }],
        ...changes,
      }
      return verifyAciReport(text, context)
    },
  }),
}
const NAMES = Object.keys(DIALECTS)

async function served(name: string, nonce = NONCE): Promise<Served> {
  const make = DIALECTS[name]
  if (make === undefined) throw new Error(name)
  return make(nonce)
}

function claimsOf(answer: Awaited<Answer>): GpuClaims | undefined {
  const { claims } = answer.verdict as { claims?: { gpu?: GpuClaims } }
  return claims?.gpu
}

/** Changes a served answer wherever its devices stand. */
function withPayload(text: string, change: (payload: string) => JsonValue): string {
  const document = JSON.parse(text) as Record<string, unknown>
  const aci = document['attestation'] as { evidence: Record<string, unknown> } | undefined
  const holder = aci?.evidence ?? document
  const name = 'device_evidence' in holder ? 'device_evidence' : 'nvidia_payload'
  holder[name] = change(String(holder[name]))
  return JSON.stringify(document)
}

describe('GPUs in the dialects of others', () => {
  test.each(NAMES)('%s: verified, and says what that dialect cannot prove', async (name) => {
    const { text, judge } = await served(name)
    const report = await judge(text)
    expect(objections(report as never)).toEqual([])
    expect(report.verdict).toMatchObject({ outcome: 'verified', tier: 'simulated' })
    const claims = claimsOf(report)
    expect(claims?.devices).toHaveLength(2)
    // Only where the quote names the answer of the GPUs is a relay excluded by it.
    const relay = claims?.notProven.some((line) => line.includes('answered this machine'))
    expect(relay).toBe(name !== 'Tinfoil')
  })

  test.each(NAMES)('%s: nobody to judge them, none wanted, and a replay', async (name) => {
    const { text, judge } = await served(name)
    expect(objections((await judge(text, { gpu: undefined as never })) as never)).toEqual([
      'gpu-evidence',
    ])
    const { policy } = await base()
    const forbidden = { policy: { ...policy, gpu: 'forbidden' as const } }
    expect(objections((await judge(text, forbidden)) as never)).toEqual(['gpu-evidence'])
    const replayed = await served(name, OTHER_NONCE)
    expect(objections((await judge(replayed.text)) as never)).toContain('gpu-evidence')
  })

  test.each(['vllm-proxy', 'ACI'])(
    'D3, D4 %s: dropped, garbled, of another machine',
    async (name) => {
      const { text, judge } = await served(name)
      const gpuOnly = async (change: (payload: string) => JsonValue): Promise<void> =>
        expect(objections((await judge(withPayload(text, change))) as never)).toEqual([
          'gpu-evidence',
        ])
      const edited = (change: (payload: Record<string, JsonValue>) => JsonValue) =>
        gpuOnly((payload) =>
          JSON.stringify(change(JSON.parse(payload) as Record<string, JsonValue>)),
        )
      await gpuOnly(() => null)
      await gpuOnly(() => 'no JSON')
      await edited((payload) => ({ ...payload, evidence_list: [] }))
      await edited((payload) => ({ ...payload, nonce: OTHER_NONCE }))
      await edited((payload) => ({ ...payload, evidence_list: [{}] }))
      await edited(({ evidence_list, ...payload }) => {
        const [first] = evidence_list as JsonValue[]
        return { ...payload, evidence_list: [first ?? null, first ?? null] }
      })
      await edited(({ evidence_list, ...payload }) => ({
        ...payload,
        evidence_list: (evidence_list as Record<string, JsonValue>[]).map((item) => ({
          ...item,
          arch: 'HOPPER',
        })),
      }))
      const elsewhere = machineGpus({ machine: 'blackwell', count: 2, seed: 'another root' })
      await edited((payload) => {
        const nonce = Buffer.from(payload['nonce'] as string, 'hex')
        const { devices } = elsewhere.evidence(new Uint8Array(nonce))
        return {
          ...payload,
          evidence_list: devices.map(({ report, certificates }) => ({
            arch: 'BLACKWELL',
            evidence: Buffer.from(report).toString('base64'),
            certificate: Buffer.from(certificates).toString('base64'),
          })),
        }
      })
    },
  )

  test('D6 Tinfoil evidence_bytes_hashed_verbatim: any change of the section', async () => {
    const { text, judge } = await served('Tinfoil')
    const changed = withPayload(text, (section) => {
      const json = Buffer.from(section, 'base64').toString('utf8')
      return Buffer.from(json.replace('{', '{ ')).toString('base64')
    })
    const report = await judge(changed)
    expect(objections(report as never)).toEqual(['tinfoil-envelope', 'report-data'])
  })

  test('the payload is what NVIDIA’s service takes: one nonce, one architecture, an item a device', async () => {
    const { text } = await served('vllm-proxy')
    const report = JSON.parse(text) as { nvidia_payload: string; request_nonce: string }
    const payload = JSON.parse(report.nvidia_payload) as Record<string, unknown>
    expect(payload).toMatchObject({ nonce: NONCE, arch: 'BLACKWELL' })
    expect(payload['evidence_list']).toHaveLength(2)
    expect(report).not.toHaveProperty('nvswitch_payload')
    const aci = JSON.parse((await served('ACI')).text) as {
      attestation: { report_data: string; evidence: { nvidia_payload: string } }
    }
    const { nonce } = JSON.parse(aci.attestation.evidence.nvidia_payload) as { nonce: string }
    expect(nonce).toBe(aci.attestation.report_data)
    expect(nonce).not.toBe(NONCE)
    expect(toBareHex(Buffer.from(nonce, 'hex'))).toBe(nonce)
  })
})
