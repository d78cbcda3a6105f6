import { join } from 'node:path'
import {
  compileNvmlStub,
  serveDriver,
  type DriverFaults,
  type SimulatedDriver,
} from '@jeju/simulator/nvml'
import type { SimulatedGpus } from '@jeju/simulator/gpu'
import { concatBytes, sha256, utf8 } from '@jeju/verifier/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DeviceSource } from '../../../enclave/src/gpu/device-source.ts'
import { GpuError } from '../../../enclave/src/gpu/gpu-error.ts'
import { openGpus, type Gpus } from '../../../enclave/src/gpu/gpus.ts'
import { openNvml } from '../../../enclave/src/gpu/nvml/nvml-library.ts'
import { nvmlGpus } from '../../../enclave/src/gpu/sources/nvml-gpus.ts'
import { createLogger } from '../../../enclave/src/logging.ts'
import { cleanUp, startNode, temporaryFolder, until } from '../setting/start-node.ts'
import { DeviceAuthority, nodeP384 } from '@jeju/verifier/node'
import { evidenceFor, failures, judge, machineGpus, NONCE } from './gpu-setting.ts'

// NVIDIA's library is a stub in C that passes every call to a simulated driver, so that koffi, layouts and order of
// calls are those of a real machine.

const LOUD = 'NO C COMPILER: NVML IS NOT TESTED. Install gcc or clang, then run this file again.'

let library: string | undefined
let old: string | undefined
let driver: SimulatedDriver
let two: SimulatedGpus

beforeAll(async () => {
  const folder = await temporaryFolder()
  two = machineGpus({ machine: 'blackwell', count: 2 })
  driver = await serveDriver(two, join(folder, 'driver.sock'))
  const { socketPath } = driver
  library = await compileNvmlStub(folder, { socketPath })
  old = await compileNvmlStub(folder, { socketPath, withoutSettings: true })
})

afterAll(async () => {
  await driver.close()
  await cleanUp()
})

const nonce = sha256(utf8('nvml'))
const silent = createLogger('silent')

/** Runs a body with the stub, and says aloud where there is none. */
async function withStub(body: (path: string, old: string) => Promise<void>): Promise<void> {
  driver.faults = {}
  if (library === undefined || old === undefined) {
    process.stderr.write(`\n${LOUD}\n\n`)
    return
  }
  await body(library, old)
}

const none: DeviceSource = {
  name: 'none',
  collect: () => Promise.reject(new GpuError('GPU_SWITCHES', 'no program')),
}

function open(path: string, timeoutMs = 60_000): Promise<Gpus> {
  return openGpus({
    sources: [async () => nvmlGpus(await openNvml(path))],
    switches: none,
    authority: new DeviceAuthority(two.roots.deviceRoot, nodeP384),
    timeoutMs,
    logger: silent,
    now: () => new Date(),
  })
}

describe('NVML', () => {
  test('reports and chains are those of the devices, byte for byte', () =>
    withStub(async (path) => {
      const devices = await nvmlGpus(await openNvml(path)).collect(nonce)
      expect(devices).toEqual(two.evidence(nonce).devices)
    }))

  test('a node of it is verified end to end', () =>
    withStub(async (path) => {
      const running = await startNode({ openGpus: () => open(path) })
      const node = { running, gpus: two, agent: { gpus: two } }
      expect(failures(await judge(node, await evidenceFor(running, NONCE)))).toEqual([])
    }))

  test('a driver from before the settings call is asked for its state', () =>
    withStub(async (_, path) => {
      const source = nvmlGpus(await openNvml(path))
      expect(await source.collect(nonce)).toHaveLength(2)
      driver.faults = { ccFeature: 0 }
      await expect(source.collect(nonce)).rejects.toMatchObject({ code: 'GPU_MODE' })
    }))

  test('settings that the driver does not know: the state', () =>
    withStub(async (path) => {
      driver.faults = { settingsCode: 25 }
      expect(await nvmlGpus(await openNvml(path)).collect(nonce)).toHaveLength(2)
    }))

  test('Protected PCIe shows confidential computing as off, and is on', () =>
    withStub(async (path) => {
      driver.faults = { ccFeature: 0, multiGpu: 1 }
      expect(await nvmlGpus(await openNvml(path)).collect(nonce)).toHaveLength(2)
    }))

  const faults: readonly (readonly [string, DriverFaults, string, RegExp])[] = [
    ['driver not loaded', { init: 9 }, 'GPU_DRIVER', /NVML 9: the driver is not loaded/],
    ['driver of another version', { init: 18 }, 'GPU_DRIVER', /NVML 18/],
    ['init fails', { init: 999 }, 'GPU_DRIVER', /NVML 999: unknown/],
    ['no GPU', { count: 0 }, 'GPU_NOT_FOUND', /got 0/],
    ['count fails', { countCode: 28 }, 'GPU_NOT_FOUND', /NVML 28: no GPU/],
    ['too many GPUs', { count: 65 }, 'GPU_NOT_FOUND', /got 65/],
    ['D5 confidential computing off', { ccFeature: 0 }, 'GPU_MODE', /computing is off/],
    ['D5 developer tools on', { devTools: 1 }, 'GPU_MODE', /developer tools/],
    ['D5 simulated environment', { environment: 1 }, 'GPU_MODE', /got simulation/],
    ['environment unavailable', { environment: 0 }, 'GPU_MODE', /got unavailable/],
    ['architecture unknown', { architecture: 0xffff_ffff }, 'GPU_ANSWER', /GPU 0: .*4294967295/],
    ['architecture to come', { architecture: 13 }, 'GPU_ANSWER', /got 13/],
    ['not supported', { reportCode: () => 3 }, 'GPU_MODE', /GPU 0: attestation report: NVML 3/],
    ['lost', { reportCode: (i) => (i === 1 ? 15 : 0) }, 'GPU_DRIVER', /GPU 1: .*NVML 15/],
    ['not ready', { reportCode: () => 27 }, 'GPU_DRIVER', /NVML 27: not ready/],
    [
      'report of nothing',
      { reportSize: 0 },
      'GPU_ANSWER',
      /report: expected 1 to 8192 bytes, got 0/,
    ],
    ['report beyond its field', { reportSize: 8193 }, 'GPU_ANSWER', /got 8193/],
    ['report beyond what was written', { reportSize: 8000 }, 'GPU_ANSWER', /zero bytes behind/],
    ['chain of nothing', { chainSize: 0 }, 'GPU_ANSWER', /certificates: .*got 0/],
    ['chain beyond its field', { chainSize: 5121 }, 'GPU_ANSWER', /got 5121/],
    ['chain cut short', { chainSize: 900 }, 'GPU_ANSWER', /gpu 0: certificates/],
  ]
  test.each(faults)('%s', (_, fault, code, message) =>
    withStub(async (path) => {
      driver.faults = fault
      const { init, shutdown } = driver.calls
      await expect(open(path)).rejects.toMatchObject({
        name: 'GpuError',
        code,
        message: expect.stringMatching(message),
      })
      // What was opened is left again: the next try starts from nothing.
      expect(driver.calls.init - init).toBe(driver.calls.shutdown - shutdown)
    }),
  )

  const lies: readonly (readonly [string, DriverFaults['lies'], string | undefined])[] = [
    ['one zero byte behind the signature', { report: (r) => padded(r, 1) }, undefined],
    ['four zero bytes behind it', { report: (r) => padded(r, 4) }, 'GPU_ANSWER'],
    ['a report cut short', { report: (r) => r.slice(0, -1) }, 'GPU_ANSWER'],
    ['an old answer to another nonce', { nonce: new Uint8Array(32).fill(7) }, 'GPU_ANSWER'],
    ['a signature that does not hold', { report: flipped }, 'GPU_ANSWER'],
    ['four certificates, without the root', { certificates: withoutRoot }, undefined],
    ['text behind the last certificate', { certificates: (pem) => `${pem}x` }, 'GPU_ANSWER'],
    ['NUL behind the last certificate', { certificates: (pem) => `${pem}\0` }, undefined],
    ['no certificate', { certificates: () => 'x' }, 'GPU_ANSWER'],
    ['certificates of another device', { certificates: () => pemOf(two, 1) }, 'GPU_ANSWER'],
  ]
  test.each(lies)('%s', (_, lie, code) =>
    withStub(async (path) => {
      driver.faults = lie === undefined ? {} : { lies: lie }
      const opened = open(path)
      if (code === undefined) expect((await opened).devicesDigest).toMatch(/^0x/)
      else await expect(opened).rejects.toMatchObject({ code })
    }),
  )

  test('D7 the same device at two indexes', () =>
    withStub(async (path) => {
      driver.faults = {
        lies: {
          devices: ([first]) => (first === undefined ? [] : [first, first]),
          certificates: () => pemOf(two, 0),
        },
      }
      await expect(open(path)).rejects.toMatchObject({ code: 'GPU_DEVICES' })
    }))

  test('a driver that hangs: the loop goes on, the time is up, and later calls work one at a time', () =>
    withStub(async (path) => {
      const gpus = await open(path, 2_000)
      const { overlaps } = driver.calls
      driver.faults = { delayMs: 2_500 }
      let ticks = 0
      const clock = setInterval(() => ticks++, 10)
      await expect(gpus.collect(nonce, 'own')).rejects.toMatchObject({ code: 'GPU_TIMEOUT' })
      clearInterval(clock)
      expect(ticks).toBeGreaterThan(3)
      driver.faults = {}
      let tries = 0
      await until(async () => {
        const later = gpus.collect(sha256(utf8(`later ${tries++}`)), 'own')
        return (await later.catch(() => [])).length === 2
      })
      const many = Array.from({ length: 4 }, (_, index) =>
        gpus.collect(sha256(utf8(`${index}`)), 'challenge'),
      )
      expect(await Promise.all(many)).toHaveLength(4)
      expect(driver.calls.overlaps).toBe(overlaps)
    }))

  test('the same question twice at once is one collection; each caller gets its own nonce', () =>
    withStub(async (path) => {
      const gpus = await open(path)
      const { reports } = driver.calls
      const [one, again] = await Promise.all([
        gpus.collect(nonce, 'challenge'),
        gpus.collect(nonce, 'challenge'),
      ])
      expect(again).toBe(one)
      expect(driver.calls.reports - reports).toBe(2)
      const other = sha256(utf8('other'))
      const [device] = await gpus.collect(other, 'challenge')
      expect(device?.report.slice(4, 36)).toEqual(other)
    }))

  test('no library', async () => {
    await expect(openNvml('libnvidia-ml-of-nobody.so.1')).rejects.toMatchObject({
      code: 'GPU_NO_SOURCE',
      message: 'libnvidia-ml-of-nobody.so.1: cannot be loaded',
    })
  })

  test('a library that is another', async () => {
    await expect(openNvml('libc.so.6')).rejects.toMatchObject({
      code: 'GPU_DRIVER',
      message: expect.stringContaining('nvmlInit_v2'),
    })
  })
})

function padded(report: Uint8Array, zeros: number): Uint8Array {
  return concatBytes(report, new Uint8Array(zeros))
}

function flipped(report: Uint8Array): Uint8Array {
  const changed = report.slice()
  changed[100] = (changed[100] ?? 0) ^ 1
  return changed
}

function withoutRoot(pem: string): string {
  return pem.slice(0, pem.lastIndexOf('-----BEGIN'))
}

function pemOf({ devices }: SimulatedGpus, index: number): string {
  return devices[index]?.certificates.chain.map(({ pem }) => pem).join('') ?? ''
}
