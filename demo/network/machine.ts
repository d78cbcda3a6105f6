import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  launchTd,
  serveGuestAgent,
  type AgentGpus,
  type SimulatedPlatform,
  type SimulatedTd,
} from '@jeju/simulator'
import type { MeasuredSettings, UnmeasuredSetting } from './compose.ts'
import { freePort, NODE_FLAGS, start, waitFor, type RunningProcess } from './process.ts'

/** What a host sets from outside; see HOST_SETTINGS. */
export interface HostSettings {
  readonly agentId: bigint
  readonly serviceId: number
}

/** One simulated machine: a TD with its guest agent, and the node process inside it. */
export interface Machine {
  readonly td: SimulatedTd
  readonly url: string
  /** What outlives the node's process. */
  readonly stateDir: string
  /** Starts (or, after a stop, restarts) the node; resolves when it answers. */
  boot(host: HostSettings): Promise<RunningProcess>
  /** Process id of the running node. */
  pid(): number | undefined
  /** The node's health document. */
  health(): Promise<NodeHealth>
  stop(): Promise<void>
}

/** `GET /health` of a node. */
export interface NodeHealth {
  readonly status: 'starting' | 'ok' | 'draining'
  readonly binding_id: `0x${string}`
  readonly signer: `0x${string}`
  readonly agent_id: string
  readonly registered: boolean
  /** Why it is not registered. */
  readonly reason: string | null
}

/** A machine with GPUs runs dstack 0.6, whose guest agent asks them. */
export function launchDevnetTd(
  platform: SimulatedPlatform,
  appCompose: Uint8Array,
  gpus: AgentGpus | undefined,
): SimulatedTd {
  if (gpus === undefined) return launchTd(platform, { appCompose, profile: '0.5.11' })
  const devices = { gpus: gpus.gpus.devices.length, switches: 0 }
  return launchTd(platform, { appCompose, profile: '0.6.0', devices })
}

const BOOT_TIMEOUT_MS = 60_000

/** Launches a TD from exact compose bytes; the node runs with what that compose says, and nothing else. */
export async function launchMachine(
  name: string,
  platform: SimulatedPlatform,
  appCompose: Uint8Array,
  measured: MeasuredSettings,
  gpus?: AgentGpus,
): Promise<Machine> {
  // Unix socket paths hold about 100 characters, so the folder is not inside the repository.
  const folder = await mkdtemp(join(tmpdir(), 'jeju-td-'))
  const td = launchDevnetTd(platform, appCompose, gpus)
  const agent = await serveGuestAgent(td, join(folder, 'dstack.sock'), gpus)
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const stateDir = join(folder, 'data')
  let running: RunningProcess | undefined

  const health = async (): Promise<NodeHealth> => {
    const response = await fetch(`${url}/health`)
    return (await response.json()) as NodeHealth
  }
  return {
    td,
    url,
    stateDir,
    pid: () => running?.pid,
    health,
    boot: async (host) => {
      const outside: Record<UnmeasuredSetting, string> = {
        AGENT_ID: host.agentId.toString(),
        SERVICE_ID: host.serviceId.toString(),
        PUBLIC_URL: url,
        PORT: String(port),
        STATE_DIR: stateDir,
      }
      running = start(name, [process.execPath, ...NODE_FLAGS, 'enclave/src/main.ts'], {
        ...measured,
        ...outside,
        DSTACK_SOCKET: agent.socketPath,
      })
      await waitFor(`${name} to answer`, health, { timeoutMs: BOOT_TIMEOUT_MS, running })
      return running
    },
    stop: async () => {
      await running?.stop()
      await agent.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
