import { readFileSync } from 'node:fs'
import { INTEL_ROOT_SHA256 } from '@jeju/contracts'
import type { SimulatedGpus } from '@jeju/simulator/gpu'
import { DeviceAuthority, nodeP384, type DeviceRoot } from '@jeju/verifier/node'
import { randomBytes32, type GpuDeviceEvidence } from '@jeju/verifier/protocol'
import { afterAll, describe, expect, test } from 'vitest'
import { ConfigError, parseConfig } from '../../../enclave/src/config.ts'
import { checkCollected } from '../../../enclave/src/gpu/check-collected.ts'
import { embeddedModel } from '../../../enclave/src/engine/embedded-model.ts'
import { NVIDIA_DEVICE_ROOT_DER } from '../../../verifier/src/gpu/nvidia-roots.ts'
import { deployment } from '../setting/deployment.ts'
import { cleanUp, startNode } from '../setting/start-node.ts'
import { machineGpus } from './gpu-setting.ts'

afterAll(cleanUp)

const own = machineGpus()
/** Everything in it holds, up to a root that somebody made. */
const forged = machineGpus({ seed: 'self-made' })
const nonce = randomBytes32()

function collected(gpus: SimulatedGpus, root: DeviceRoot, change = (pem: string): string => pem) {
  const devices = gpus
    .evidence(nonce)
    .devices.map((device) => ({ ...device, certificates: change(device.certificates) }))
  return check(devices, root)
}

function check(devices: readonly GpuDeviceEvidence[], root: DeviceRoot) {
  const authority = new DeviceAuthority(root, nodeP384)
  return checkCollected(devices, { nonce, authority, at: new Date() })
}

const withoutRoot = (pem: string): string => pem.slice(0, pem.lastIndexOf('-----BEGIN'))

describe('D5 the record on chain rests on devices of the pinned root', () => {
  test('self_made_device_chain_refused: a chain that holds and ends in another root', async () => {
    const { deviceRoot } = own.roots
    expect(await collected(own, deviceRoot)).toHaveLength(1)
    expect(await collected(own, deviceRoot, withoutRoot)).toHaveLength(1)
    await expect(collected(forged, deviceRoot)).rejects.toMatchObject({
      code: 'GPU_ANSWER',
      message: expect.stringMatching(/GPU_CHAIN_UNTRUSTED: expected .*, got /),
    })
    // Neither is left out, nor does the right one at the end help.
    for (const change of [withoutRoot, (pem: string) => withoutRoot(pem) + (rootOf(own) ?? '')]) {
      await expect(collected(forged, deviceRoot, change)).rejects.toMatchObject({
        code: 'GPU_ANSWER',
        message: expect.stringMatching(/GPU_CERT_(INVALID|SIGNATURE_INVALID)/),
      })
    }
  })

  test("a report beside another device's good chain is refused", async () => {
    const [device] = own.evidence(nonce).devices
    const [other] = forged.evidence(nonce).devices
    if (device === undefined || other === undefined) throw new Error('no device')
    const spliced = { ...device, report: other.report }
    await expect(check([spliced], own.roots.deviceRoot)).rejects.toMatchObject({
      message: expect.stringContaining('GPU_REPORT_SIGNATURE_INVALID'),
    })
  })

  test('a node that was told nothing takes devices of NVIDIA alone, and does not start on others', async () => {
    await expect(collected(own, 'nvidia')).rejects.toMatchObject({ code: 'GPU_ANSWER' })
    await expect(startNode({ gpus: { gpus: own }, gpuRoot: 'nvidia' })).rejects.toMatchObject({
      code: 'GPU_ANSWER',
    })
  })

  test('a chain that has not begun is refused', async () => {
    const authority = new DeviceAuthority(own.roots.deviceRoot, nodeP384)
    const at = new Date('1990-01-01T00:00:00Z')
    await expect(
      checkCollected(own.evidence(nonce).devices, { nonce, authority, at }),
    ).rejects.toMatchObject({ message: expect.stringContaining('GPU_CERT_NOT_YET_VALID') })
  })
})

describe('another root stands in a measured compose file or nowhere', () => {
  const simulated = `simulated:${Buffer.from(own.roots.deviceRoot).toString('base64')}`
  const env = (GPU_ROOT: string | undefined, rootCertificateHash?: `0x${string}`) => ({
    KEY_API: 'v0',
    RPC_URL: 'https://rpc.test',
    CHAIN_ID: '31337',
    DEPLOYMENT: JSON.stringify(
      rootCertificateHash === undefined ? deployment : judgedBy(rootCertificateHash),
    ),
    AGENT_ID: '0',
    SERVICE_ID: '0',
    PUBLIC_URL: 'https://node.test',
    PORT: '8080',
    STATE_DIR: '/data',
    MODEL_SHA256: embeddedModel.sha256,
    GPU_ROOT,
  })

  test('it is NVIDIA unless told otherwise', () => {
    expect(parseConfig(env(undefined)).gpuRoot).toBe('nvidia')
    expect(parseConfig(env(simulated)).gpuRoot).toEqual(own.roots.deviceRoot.slice())
    expect(parseConfig(env(simulated, `0x${'ab'.repeat(32)}`)).gpuRoot).not.toBe('nvidia')
  })

  test('simulated_devices_beside_genuine_quotes_refused: by a chain of the root of Intel', () => {
    expect(problemsOf(env(simulated, INTEL_ROOT_SHA256))).toEqual([
      "GPU_ROOT: expected nvidia where the deployment judges by Intel's root, got a simulated one",
    ])
    expect(problemsOf(env('nvidia', INTEL_ROOT_SHA256))).toEqual([])
  })

  test.each([
    ['any', 'any'],
    ['no base64', 'simulated:***'],
    ['no certificate', 'simulated:AAAA'],
    ['NVIDIA as simulated', `simulated:${Buffer.from(NVIDIA_DEVICE_ROOT_DER).toString('base64')}`],
  ])('%s is refused', (_, text) => {
    expect(problemsOf(env(text))).toEqual([expect.stringMatching(/^GPU_ROOT: /)])
  })

  test.each(['app-compose.yaml', 'app-compose.vllm.yaml'])('%s has no place for it', (file) => {
    const text = readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8')
    expect(text).not.toContain('GPU_ROOT')
    // Nothing brings names along that the file does not have.
    expect(text).not.toContain('env_file')
  })
})

function judgedBy(rootCertificateHash: `0x${string}`) {
  const at = (byte: string): `0x${string}` => `0x${byte.repeat(20)}`
  const tdx = {
    rootCertificateHash,
    verifierIndex: 0,
    tdxVerifier: at('b1'),
    collateralBatch: at('b2'),
    attestationVerifier: at('b4'),
  }
  return { ...deployment, tdx }
}

function rootOf({ devices }: SimulatedGpus): string | undefined {
  return devices[0]?.certificates.chain.at(-1)?.pem
}

function problemsOf(env: Record<string, string | undefined>): readonly string[] {
  try {
    parseConfig(env)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}
