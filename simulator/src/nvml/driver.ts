import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { toBareHex, type GpuDeviceEvidence } from '@jeju/verifier/protocol'
import type { GpuLies, SimulatedGpus } from '../gpu/simulated-gpus.ts'

/** How the driver misbehaves; each member one fault. */
export interface DriverFaults {
  readonly init?: number
  readonly count?: number
  readonly countCode?: number
  readonly settingsCode?: number
  readonly environment?: number
  readonly ccFeature?: number
  readonly devTools?: number
  readonly multiGpu?: number
  readonly architecture?: number
  /** Return code of the report call, by index of the device. */
  readonly reportCode?: (index: number) => number
  /** Size that is stated beside a report, whatever it is. */
  readonly reportSize?: number
  readonly chainSize?: number
  /** How long a report takes. */
  readonly delayMs?: number
  readonly lies?: GpuLies
}

/** A driver that listens for the stub of NVIDIA's library. */
export interface SimulatedDriver {
  readonly socketPath: string
  /** Calls so far. */
  readonly calls: { init: number; shutdown: number; reports: number; overlaps: number }
  /** From the next call on. */
  faults: DriverFaults
  close(): Promise<void>
}

/** Operations of nvml-stub.c. */
const OPERATIONS = [
  'none',
  'init',
  'shutdown',
  'settings',
  'state',
  'count',
  'device',
  'architecture',
  'report',
  'certificate',
] as const
const QUESTION_BYTES = 40
const REPORT_BYTES = 12_332
const CERTIFICATE_BYTES = 9224
const ARCHITECTURES = { HOPPER: 9, BLACKWELL: 10, LS10: 0xffff_ffff } as const
const IN_USE = 19
/** What stands where nothing was written: whoever reads past a size reads this. */
const SENTINEL = 0xee

interface Answer {
  readonly code: number
  readonly bytes?: Uint8Array
}

/** Serves the GPUs of a simulated machine to the stub; switches are no devices of NVML. */
export async function serveDriver(
  gpus: SimulatedGpus,
  socketPath: string,
): Promise<SimulatedDriver> {
  const calls = { init: 0, shutdown: 0, reports: 0, overlaps: 0 }
  let underWay = 0
  let last: { readonly nonce: string; readonly devices: readonly GpuDeviceEvidence[] } | undefined
  const devicesFor = (nonce: Uint8Array): readonly GpuDeviceEvidence[] => {
    const name = toBareHex(nonce)
    if (last?.nonce !== name) {
      const { devices } = gpus.evidence(nonce, driver.faults.lies)
      last = { nonce: name, devices: devices.filter(({ kind }) => kind === 'gpu') }
    }
    return last.devices
  }
  const count = gpus.devices.filter(({ chip }) => chip.kind === 'gpu').length

  const report = async (index: number, nonce: Uint8Array): Promise<Answer> => {
    calls.reports++
    if (underWay > 0) {
      calls.overlaps++
      return { code: IN_USE }
    }
    underWay++
    try {
      const { delayMs, reportCode, reportSize } = driver.faults
      if (delayMs !== undefined) await delay(delayMs)
      const code = reportCode?.(index) ?? 0
      const bytes = devicesFor(nonce)[index]?.report
      if (code !== 0 || bytes === undefined) return { code: code === 0 ? 2 : code }
      const struct = Buffer.alloc(REPORT_BYTES, SENTINEL)
      struct.writeUInt32LE(0, 0)
      struct.writeUInt32LE(reportSize ?? bytes.length, 4)
      struct.set(nonce, 12)
      struct.set(bytes, 44)
      return { code: 0, bytes: struct }
    } finally {
      underWay--
    }
  }
  const certificate = (index: number): Answer => {
    const device = gpus.devices[index]
    if (device === undefined) return { code: 2 }
    const own = device.certificates.chain.map((certificate) => certificate.pem).join('')
    const pem = driver.faults.lies?.certificates?.(own, index) ?? own
    const struct = Buffer.alloc(CERTIFICATE_BYTES, SENTINEL)
    struct.writeUInt32LE(driver.faults.chainSize ?? pem.length, 4)
    struct.write(pem.slice(0, 5120), 4104, 'latin1')
    return { code: 0, bytes: struct }
  }
  const answer = async (question: Buffer): Promise<Answer> => {
    const { faults } = driver
    const { environment = 2, ccFeature = 1, devTools = 0, multiGpu = 0 } = faults
    const index = question.readUInt32LE(4)
    switch (OPERATIONS[question.readUInt32LE(0)] ?? 'none') {
      case 'init':
        calls.init += faults.init === undefined ? 1 : 0
        return { code: faults.init ?? 0 }
      case 'shutdown':
        calls.shutdown++
        return { code: 0 }
      case 'settings':
        return {
          code: faults.settingsCode ?? 0,
          bytes: words(0x0100_0014, environment, ccFeature, devTools, multiGpu),
        }
      case 'state':
        return { code: 0, bytes: words(environment, ccFeature, devTools) }
      case 'count':
        return { code: faults.countCode ?? 0, bytes: words(faults.count ?? count) }
      case 'device':
        return { code: index < count ? 0 : 2 }
      case 'architecture': {
        const chip = gpus.devices[index]?.chip
        const own = chip === undefined ? 0xffff_ffff : ARCHITECTURES[chip.architecture]
        return { code: 0, bytes: words(faults.architecture ?? own) }
      }
      case 'report':
        return report(index, new Uint8Array(question.subarray(8)))
      case 'certificate':
        return certificate(index)
      case 'none':
        return { code: 13 }
    }
  }

  const server = createServer((socket) => void serve(socket, answer))
  server.listen(socketPath)
  await once(server, 'listening')
  const driver: SimulatedDriver = {
    socketPath,
    calls,
    faults: {},
    close: async () => {
      const closed = once(server, 'close')
      server.close()
      await closed
    },
  }
  return driver
}

/** One question and its answer; the library opens a connection for each. */
async function serve(socket: Socket, answer: (question: Buffer) => Promise<Answer>): Promise<void> {
  const chunks: Buffer[] = []
  let length = 0
  socket.on('error', () => undefined)
  const parts: AsyncIterable<Buffer> = socket.iterator({ destroyOnReturn: false })
  for await (const chunk of parts) {
    chunks.push(chunk)
    length += chunk.length
    if (length >= QUESTION_BYTES) break
  }
  const { code, bytes = new Uint8Array(0) } = await answer(Buffer.concat(chunks))
  socket.end(Buffer.concat([words(code, bytes.length), bytes]))
}

function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length)
  values.forEach((value, index) => bytes.writeUInt32LE(value >>> 0, 4 * index))
  return bytes
}
