import { takesAnyGpu } from '../../gpu-policy.ts'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { launchTd, serveGuestAgent, type AgentGpuLies, type AgentGpus } from '@jeju/simulator'
import { sha256, toBareHex, utf8 } from '@jeju/verifier/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openGpus, type Gpus } from '../../../enclave/src/gpu/gpus.ts'
import { attestGpuSource } from '../../../enclave/src/gpu/sources/attest-gpu.ts'
import { nvattestSwitches } from '../../../enclave/src/gpu/sources/nvattest-switches.ts'
import { createLogger } from '../../../enclave/src/logging.ts'
import { cleanUp, COMPOSE, startNode, temporaryFolder, thePlatform } from '../setting/start-node.ts'
import { DeviceAuthority, nodeP384 } from '@jeju/verifier/node'
import { evidenceFor, failures, judge, machineGpus, NONCE } from './gpu-setting.ts'

const ppcie = machineGpus({ machine: 'hopper-ppcie' })
/** For what has to come, on a machine however busy. */
const PATIENT_MS = 60_000
const nonce = sha256(utf8('sources'))
const agent: AgentGpus = { gpus: machineGpus({ count: 2 }) }
let socket: string
let close: () => Promise<void>

beforeAll(async () => {
  socket = join(await temporaryFolder(), 'dstack.sock')
  const td = launchTd(await thePlatform(), { appCompose: COMPOSE, profile: '0.6.0' })
  const server = await serveGuestAgent(td, socket, agent)
  close = () => server.close()
})

afterAll(async () => {
  await close()
  await cleanUp()
})

describe('AttestGpu of the guest agent', () => {
  test('gives the reports of the GPUs, byte for byte', async () => {
    delete agent.lies
    const devices = await attestGpuSource(socket, PATIENT_MS).collect(nonce)
    expect(devices).toEqual(agent.gpus.evidence(nonce).devices)
  })

  const bundle = (changes: object): NonNullable<AgentGpuLies['answer']> => {
    return (answer) => {
      const { bundles } = answer as { bundles: readonly object[] }
      return { bundles: bundles.map((one) => ({ ...one, ...changes })) }
    }
  }
  const item =
    (changes: object): NonNullable<AgentGpuLies['items']> =>
    (items) =>
      items.map((one) => ({ ...one, ...changes }))
  const table: readonly (readonly [string, AgentGpuLies, string])[] = [
    ['no collector', { refusal: { status: 501, message: 'none' } }, 'GPU_NO_SOURCE'],
    ['a collection that failed', { refusal: { status: 400, message: 'x' } }, 'GPU_DRIVER'],
    ['no bundle', { answer: () => ({ bundles: [] }) }, 'GPU_ANSWER'],
    ['no object', { answer: () => 'text' }, 'GPU_ANSWER'],
    ['another vendor', { answer: bundle({ vendor: 'amd' }) }, 'GPU_ANSWER'],
    ['another format', { answer: bundle({ format: 'x' }) }, 'GPU_ANSWER'],
    ['no hex', { answer: bundle({ evidence: 'xyz' }) }, 'GPU_ANSWER'],
    ['hex with 0x', { answer: bundle({ evidence: '0x7b7d' }) }, 'GPU_ANSWER'],
    ['half a byte', { answer: bundle({ evidence: '7b7' }) }, 'GPU_ANSWER'],
    ['no JSON', { answer: bundle({ evidence: '7b7b' }) }, 'GPU_ANSWER'],
    ['an empty list', { items: () => [] }, 'GPU_ANSWER'],
    ['the wrapper of nvattest', { items: (items) => ({ evidences: items }) }, 'GPU_ANSWER'],
    ['an unknown architecture', { items: item({ arch: 'RUBIN' }) }, 'GPU_ANSWER'],
    ['evidence that is no base64', { items: item({ evidence: '----' }) }, 'GPU_ANSWER'],
    ['base64 with a second spelling', { items: item({ evidence: 'AB==' }) }, 'GPU_ANSWER'],
    ['evidence beyond its size', { items: item({ evidence: 'AAAA'.repeat(4000) }) }, 'GPU_ANSWER'],
    ['no certificate', { items: item({ certificate: undefined }) }, 'GPU_ANSWER'],
  ]
  test.each(table)('D4 gpu_payload_schema_table: %s', async (_, lies, code) => {
    agent.lies = lies
    await expect(attestGpuSource(socket, PATIENT_MS).collect(nonce)).rejects.toMatchObject({
      name: 'GpuError',
      code,
    })
    delete agent.lies
  })

  test('no answer in time', async () => {
    agent.lies = { delayMs: 3_000 }
    await expect(attestGpuSource(socket, 100).collect(nonce)).rejects.toMatchObject({
      code: 'GPU_TIMEOUT',
    })
    delete agent.lies
  })

  test('nobody listens', async () => {
    await expect(attestGpuSource('/nowhere.sock', PATIENT_MS).collect(nonce)).rejects.toMatchObject(
      {
        code: 'GPU_DRIVER',
        message: expect.stringContaining('ENOENT'),
      },
    )
  })
})

/** A program that prints what nvattest would, of these switches. */
async function program(script: string): Promise<string> {
  const path = join(await temporaryFolder(), 'nvattest.mjs')
  await writeFile(path, `#!${process.execPath}\n${script}`)
  await chmod(path, 0o755)
  return path
}

/** Answers any nonce: the simulator signs, in a process of its own. */
async function honestProgram(devices = 'devices'): Promise<string> {
  const answers = join(await temporaryFolder(), 'socket')
  const { createServer } = await import('node:http')
  const server = createServer((request, response) => {
    const asked = Buffer.from(request.url?.slice(1) ?? '', 'hex')
    const evidences = ppcie
      .evidence(new Uint8Array(asked))
      .devices.filter(({ kind }) => kind === 'switch')
      .map(({ report, certificates }) => ({
        arch: 'LS10',
        nonce: toBareHex(asked),
        evidence: Buffer.from(report).toString('base64'),
        certificate: Buffer.from(certificates).toString('base64'),
        version: '1.0',
      }))
    response.end(JSON.stringify(evidences))
  })
  await new Promise<void>((resolve) => server.listen(answers, resolve))
  ends.push(() => server.close())
  return program(`
import { request } from 'node:http'
const args = process.argv.slice(2)
const nonce = args[args.indexOf('--nonce') + 1]
if (args.join(' ') !== 'collect-evidence --device nvswitch --nonce ' + nonce + ' --format json') process.exit(2)
if (Object.keys(process.env).length > 0) process.exit(3)
request({ socketPath: ${JSON.stringify(answers)}, path: '/' + nonce }, async (response) => {
  const chunks = []
  for await (const chunk of response) chunks.push(chunk)
  const devices = JSON.parse(Buffer.concat(chunks).toString())
  const evidences = ${devices}
  process.stdout.write(JSON.stringify({ result_code: 0, result_message: 'Ok', evidences }))
}).end()
`)
}

const ends: (() => void)[] = []
afterAll(() => {
  for (const end of ends) end()
})

function open(path: string, nvattest: string): Promise<Gpus> {
  return openGpus({
    sources: [() => Promise.resolve(attestGpuSource(path, PATIENT_MS))],
    switches: nvattestSwitches(nvattest, PATIENT_MS),
    authority: new DeviceAuthority(ppcie.roots.deviceRoot, nodeP384),
    timeoutMs: PATIENT_MS,
    logger: createLogger('silent'),
    now: () => new Date(),
  })
}

describe('nvattest, for switches', () => {
  test('eight GPUs behind four switches are verified end to end', async () => {
    const nvattest = await honestProgram()
    const running = await startNode({
      gpus: { gpus: ppcie },
      openGpus: (path) => open(path, nvattest),
    })
    const node = { running, gpus: ppcie, agent: { gpus: ppcie } }
    const evidence = await evidenceFor(running, NONCE)
    const report = await judge(node, evidence)
    expect(failures(report)).toEqual([])
    expect(report.verdict).toMatchObject({ claims: { gpu: { mode: 'PPCIE' } } })
    const gpu = { ...takesAnyGpu, modes: ['SPT'] as const }
    expect(failures(await judge(node, evidence, { gpu }))).toEqual([
      'gpu-evidence',
      'gpu-confidential-mode',
    ])
  })

  test.each([
    ['three of them', 'devices.slice(1)', 'GPU_SWITCHES'],
    ['one of them four times', 'devices.map(() => devices[0])', 'GPU_DEVICES'],
    ['none', '[]', 'GPU_ANSWER'],
    ['a nonce of its own', 'devices.map((d) => ({ ...d, evidence: d.certificate }))', 'GPU_ANSWER'],
  ])('D6 nvswitch_missing_rejected: %s', async (_, devices, code) => {
    const nvattest = await honestProgram(devices)
    const folder = await temporaryFolder()
    const td = launchTd(await thePlatform(), { appCompose: COMPOSE, profile: '0.6.0' })
    const server = await serveGuestAgent(td, join(folder, 'a.sock'), { gpus: ppcie })
    await expect(open(server.socketPath, nvattest)).rejects.toMatchObject({ code })
    await server.close()
  })

  test.each([
    ['no program', '/nowhere/nvattest', 'GPU_SWITCHES'],
    ['a failure', 'process.exit(7)', 'GPU_SWITCHES'],
    ['no JSON', 'process.stdout.write("no")', 'GPU_ANSWER'],
    ['another result', 'process.stdout.write(`{"result_code":3,"evidences":[]}`)', 'GPU_ANSWER'],
    ['too much', 'process.stdout.write("x".repeat(5e6))', 'GPU_SWITCHES'],
    ['no end', 'setTimeout(() => 0, 20000)', 'GPU_TIMEOUT'],
  ])('%s', async (_, script, code) => {
    const path = script.startsWith('/') ? script : await program(script)
    const timeoutMs = code === 'GPU_TIMEOUT' ? 500 : PATIENT_MS
    await expect(nvattestSwitches(path, timeoutMs).collect(nonce)).rejects.toMatchObject({ code })
  })
})
