import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  createSimulatedPlatform,
  launchTd,
  serveGuestAgent,
  type AgentGpus,
  type SimulatedPlatform,
  type SimulatedTd,
} from '@jeju/simulator'
import { modelIdOf, utf8 } from '@jeju/verifier/protocol'
import type { Config } from '../../../enclave/src/config.ts'
import { connectGuestAgent } from '../../../enclave/src/guest-agent/dstack-guest-agent.ts'
import { destinationsOf } from '../../../enclave/src/egress/destinations.ts'
import { openEgress } from '../../../enclave/src/egress/egress.ts'
import type { DeviceRoot } from '@jeju/verifier/node'
import type { Gpus } from '../../../enclave/src/gpu/gpus.ts'
import { openMachineGpus } from '../../../enclave/src/gpu/machine-gpus.ts'
import type { Engine } from '../../../enclave/src/engine/engine.ts'
import type { GuestAgent } from '../../../enclave/src/guest-agent/guest-agent.ts'
import { createLogger, type Logger } from '../../../enclave/src/logging.ts'
import { createNode, type Node } from '../../../enclave/src/node.ts'
import { deployment } from './deployment.ts'
import { ScriptedEngine } from './scripted-engine.ts'
import { TestChain } from './test-chain.ts'
import { TestClient } from './test-client.ts'
import { TestLogChain } from './test-log-chain.ts'
import { TestSettlementChain } from './test-settlement-chain.ts'

export const COMPOSE = utf8(
  '{"docker_compose_file":"services: {}","name":"node","runner":"docker-compose"}',
)
export const OPERATOR = `0x${'0b'.repeat(20)}` as const
const PUBLIC_URL = 'https://node.test'

/** A clock that a test moves; it goes on with real time otherwise. */
export class TestClock {
  #aheadMs = 0

  readonly now = (): Date => new Date(Date.now() + this.#aheadMs)

  pass(seconds: number): void {
    this.#aheadMs += seconds * 1000
  }
}

/** What a test changes about a node; the rest is made. */
export interface NodeSetting {
  readonly td?: SimulatedTd
  readonly agent?: (real: GuestAgent) => GuestAgent
  readonly chain?: TestChain
  readonly engine?: ScriptedEngine
  /** Answers instead of the scripted one. */
  readonly realEngine?: Engine
  /** Where it settles, instead of at once. */
  readonly settlement?: (chain: TestChain) => TestSettlementChain
  /** Where its receipts are anchored. */
  readonly logChain?: TestLogChain
  readonly clock?: TestClock
  readonly stateDir?: string
  /** What the guest agent asks when it is asked for evidence of GPUs; the node is one that needs them. */
  readonly gpus?: AgentGpus
  /** The root that devices must be of; the simulated one of `gpus` when absent. */
  readonly gpuRoot?: DeviceRoot
  /** Opens GPUs instead of the way of a real machine. */
  readonly openGpus?: (socket: string, logger: Logger, now: () => Date) => Promise<Gpus>
  readonly config?: Partial<Config>
  /** Leave the binding unapproved. */
  readonly unapproved?: boolean
}

/** A node under test with everything around it. */
export interface Running {
  readonly node: Node
  readonly td: SimulatedTd
  readonly chain: TestChain
  readonly logChain: TestLogChain
  readonly engine: ScriptedEngine
  readonly clock: TestClock
  readonly stateDir: string
  readonly client: TestClient
  /** Log lines so far, at level trace. */
  readonly logs: string[]
  fetch(request: Request): Promise<Response>
  get(path: string): Promise<Response>
  /** Starts another node on the same machine, chain and disk, as after a restart. The first one is not told. */
  restart(setting?: NodeSetting): Promise<Running>
}

let platform: Promise<SimulatedPlatform> | undefined
const cleanups: (() => Promise<unknown>)[] = []

/** The one simulated platform of a test file. */
export function thePlatform(): Promise<SimulatedPlatform> {
  platform ??= createSimulatedPlatform({ at: new Date() })
  return platform
}

/** An empty folder that is removed after the tests; short, since Unix sockets may be in it. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'node-test-'))
  cleanups.push(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** Ends everything that was started; call it after the tests of a file. */
export async function cleanUp(): Promise<void> {
  for (const end of cleanups.splice(0).toReversed()) await end()
}

/** Builds a node on a simulated machine and registers its agent and service on a chain in memory. */
export async function buildNode(setting: NodeSetting = {}): Promise<Running> {
  const clock = setting.clock ?? new TestClock()
  const chain = setting.chain ?? new TestChain(clock.now)
  const logChain = setting.logChain ?? new TestLogChain(clock.now)
  const engine = setting.engine ?? new ScriptedEngine()
  const needsGpus = setting.gpus !== undefined || setting.openGpus !== undefined
  // Only the guest agent of dstack 0.6 knows of GPUs.
  const profile = needsGpus ? '0.6.0' : '0.5.11'
  const td = setting.td ?? launchTd(await thePlatform(), { appCompose: COMPOSE, profile })
  const stateDir = setting.stateDir ?? (await temporaryFolder())
  chain.providers.set(0n, { owner: OPERATOR, endpoint: PUBLIC_URL })
  chain.modelIds.set(0, modelIdOf((setting.realEngine ?? engine).descriptor))
  const socket = join(await temporaryFolder(), 'dstack.sock')
  const server = await serveGuestAgent(td, socket, setting.gpus)
  cleanups.push(() => server.close())
  const real = await connectGuestAgent(socket)
  const logs: string[] = []
  const logger = createLogger('trace', { write: (line) => void logs.push(line) })
  const root = setting.gpuRoot ?? setting.gpus?.gpus.roots.deviceRoot ?? 'nvidia'
  const open = setting.openGpus ?? ((...to) => openMachineGpus(to[0], root, to[1], to[2]))
  const gpus = needsGpus ? await open(socket, logger, clock.now) : undefined
  const config = configOf(stateDir, { gpu: needsGpus ? 'required' : 'none', ...setting.config })
  const node = await createNode(config, {
    agent: setting.agent?.(real) ?? real,
    gpus,
    engine: setting.realEngine ?? engine,
    egress: openEgress(destinationsOf(config)),
    connectChain: () => chain,
    connectSettlement: () => setting.settlement?.(chain) ?? new TestSettlementChain(chain),
    connectLog: () => logChain,
    logger,
    now: clock.now,
  })
  if (setting.unapproved !== true) chain.approvals.add(node.bindingId)
  return {
    node,
    td,
    chain,
    logChain,
    engine,
    clock,
    stateDir,
    client: new TestClient(chain, node.bindingId),
    logs,
    fetch: async (request) => node.app.fetch(request),
    get: async (path) => node.app.request(path),
    restart: (changes) => buildNode({ td, chain, logChain, clock, stateDir, ...changes }),
  }
}

/** A node that is registered and takes requests. It is drained after the tests if no test did. */
export async function startNode(setting: NodeSetting = {}): Promise<Running> {
  const running = await buildNode(setting)
  running.node.start()
  let drained: Promise<void> | undefined
  const drain = (): Promise<void> => (drained ??= running.node.drain())
  cleanups.push(() => {
    running.engine.release()
    return drain()
  })
  const node = { ...running.node, drain }
  await until(async () => (await statusOf(running)) === 'ok')
  return { ...running, node, restart: (changes) => startNode({ ...pick(running), ...changes }) }
}

function pick({ td, chain, logChain, clock, stateDir }: Running): NodeSetting {
  return { td, chain, logChain, clock, stateDir }
}

export async function statusOf(running: Running): Promise<string> {
  const { status } = (await (await running.get('/health')).json()) as { status: string }
  return status
}

/** Waits for something that happens by itself. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error('it did not happen in 10 s')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

function configOf(stateDir: string, changes: Partial<Config> = {}): Config {
  return {
    guestAgentSocket: '/unused',
    keyApi: 'v0',
    rpcUrls: ['https://rpc.test'],
    chainId: deployment.chainId,
    deployment,
    collateralUrl: 'https://pccs.test',
    agentId: 0n,
    serviceId: 0,
    publicUrl: PUBLIC_URL,
    port: 0,
    host: '127.0.0.1',
    metricsPort: undefined,
    stateDir,
    upstream: undefined,
    tls: 'elsewhere',
    prompts: 'any',
    gpu: 'none',
    gpuRoot: 'nvidia',
    source: { repoUrl: null, repoCommit: null, imageDigest: null },
    model: { path: '/unused', sha256: `0x${'00'.repeat(32)}`, name: 'unused' },
    settleIntervalMs: 3_600_000,
    settlement: { worth: 0, confirmations: 1 },
    archive: { kind: 'off' },
    receiptEpochS: 3_600,
    drainMs: 200,
    // Frame by frame, so that tests see each.
    streamIntervalMs: 0,
    walletLimits: { requestsPerMinute: 1_000, concurrent: 64 },
    logLevel: 'trace',
    ...changes,
  }
}
