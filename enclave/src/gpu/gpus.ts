import {
  fromHex,
  gpuDevicesDigest,
  randomBytes32,
  type GpuDeviceEvidence,
  type Hex,
} from '@jeju/verifier/protocol'
import type { DeviceAuthority } from '@jeju/verifier/node'
import { createProofQueue, type ProofQueue, type ProofUse } from '../attestation/proof-queue.ts'
import type { Logger } from '../logging.ts'
import { checkCollected, type CollectedDevice } from './check-collected.ts'
import type { DeviceSource } from './device-source.ts'
import { GpuError } from './gpu-error.ts'

/** The GPUs of this machine, with its switches. */
export interface Gpus extends Pick<
  ProofQueue<readonly GpuDeviceEvidence[]>,
  'healthy' | 'watch' | 'failure'
> {
  /** Digest over the devices that were here at the start: the statement names it. */
  readonly devicesDigest: Hex
  /** Identities of these devices, ascending. */
  readonly devices: readonly Hex[]
  /**
   * Reports of every device over this nonce, 32 bytes; of the very devices of the statement.
   * @throws NodeError `attestation_busy`, GpuError
   */
  collect(nonce: Uint8Array, use: ProofUse): Promise<readonly GpuDeviceEvidence[]>
}

/** Collaborators of {@link openGpus}. */
export interface GpuParts {
  /** In order of preference; the first that is there is the one. */
  readonly sources: readonly (() => Promise<DeviceSource>)[]
  /** Asked in Protected PCIe mode only, where the switches are part of what has to be trusted. */
  readonly switches: DeviceSource
  /** Of what root the devices must be. */
  readonly authority: DeviceAuthority
  readonly timeoutMs: number
  readonly logger: Logger
  readonly now: () => Date
}

const PPCIE_SWITCHES = 4

/**
 * Finds the GPUs and collects from them once: a machine that was to have GPUs and has none, or whose GPUs give no
 * evidence, gets no node.
 * @throws GpuError
 */
export async function openGpus(parts: GpuParts): Promise<Gpus> {
  const { authority, timeoutMs, logger, now } = parts
  const first = randomBytes32()
  const { source, devices } = await firstSource(parts, first)
  const found = await withSwitches(devices, parts, first)
  const devicesDigest = digestOf(found)
  const count = { gpus: devices.length, switches: found.length - devices.length }
  const root = authority.isNvidia ? 'nvidia' : 'simulated'
  logger.info({ source: source.name, root, ...count, devicesDigest }, 'GPUs found')
  const queue = createProofQueue({
    make: async (nonce) => {
      const collected = await inTime(source, nonce, timeoutMs)
      const own = await checkCollected(collected, { nonce, authority, at: now() })
      const all = await withSwitches(own, parts, nonce)
      const digest = digestOf(all)
      if (digest !== devicesDigest) {
        // The statement names the devices: others need another statement, which is another start.
        const text = `expected the devices of ${devicesDigest}, got ${digest}`
        throw new GpuError('GPU_DEVICES', text)
      }
      return all.map(({ evidence }) => evidence)
    },
    probe: randomBytes32,
    texts: { failing: 'the GPUs give no evidence', again: 'the GPUs give evidence again' },
    logger,
    now,
  })
  return {
    devicesDigest,
    devices: found.map(({ identity }) => identity).toSorted(),
    collect: (nonce, use) => queue.ask(nonce, use),
    get healthy() {
      return queue.healthy
    },
    get failure() {
      return queue.failure
    },
    watch: (signal) => queue.watch(signal),
  }
}

async function firstSource(
  { sources, authority, timeoutMs, now }: GpuParts,
  nonce: Uint8Array,
): Promise<{ readonly source: DeviceSource; readonly devices: readonly CollectedDevice[] }> {
  const absent: string[] = []
  for (const open of sources) {
    let source: DeviceSource | undefined
    try {
      source = serialised(await open())
      const collected = await inTime(source, nonce, timeoutMs)
      const devices = await checkCollected(collected, { nonce, authority, at: now() })
      return { source, devices }
    } catch (error) {
      // One that hangs is not waited for.
      if (!(error instanceof GpuError && error.code === 'GPU_TIMEOUT')) await source?.close?.()
      // Only what is not there is passed over: a source that is and fails says why the node does not start.
      if (!(error instanceof GpuError) || error.code !== 'GPU_NO_SOURCE') throw error
      absent.push(error.message)
    }
  }
  throw new GpuError('GPU_NO_SOURCE', `no evidence of a GPU: ${absent.join('; ')}`)
}

/** One collection at a time, also when an earlier one was given up: the driver may still be in it. */
function serialised(source: DeviceSource): DeviceSource {
  let last: Promise<unknown> = Promise.resolve()
  return {
    name: source.name,
    collect: (nonce) => {
      const mine = last.then(() => source.collect(nonce))
      last = mine.catch(() => undefined)
      return mine
    },
    close: () => last.then(() => source.close?.()),
  }
}

async function inTime(
  source: DeviceSource,
  nonce: Uint8Array,
  timeoutMs: number,
): Promise<readonly GpuDeviceEvidence[]> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    const text = `${source.name}: no evidence in ${timeoutMs} ms`
    timer = setTimeout(() => reject(new GpuError('GPU_TIMEOUT', text)), timeoutMs)
  })
  try {
    return await Promise.race([source.collect(nonce), late])
  } finally {
    clearTimeout(timer)
  }
}

async function withSwitches(
  devices: readonly CollectedDevice[],
  { switches, authority, timeoutMs, now }: GpuParts,
  nonce: Uint8Array,
): Promise<readonly CollectedDevice[]> {
  const needed = devices.some(({ mode }) => mode === 'PPCIE')
  const there = devices.filter(({ evidence }) => evidence.kind === 'switch')
  if (!needed || there.length > 0) return devices
  const more = await inTime(switches, nonce, timeoutMs)
  const all = [...devices.map(({ evidence }) => evidence), ...more]
  const found = await checkCollected(all, { nonce, authority, at: now() })
  if (more.length !== PPCIE_SWITCHES || more.some(({ kind }) => kind !== 'switch')) {
    const text = `Protected PCIe mode: expected ${PPCIE_SWITCHES} switches, got ${more.length}`
    throw new GpuError('GPU_SWITCHES', text)
  }
  return found
}

function digestOf(devices: readonly CollectedDevice[]): Hex {
  return gpuDevicesDigest(devices.map(({ identity }) => fromHex(identity)))
}
