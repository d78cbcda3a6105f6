import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { Agent, request, type IncomingMessage } from 'node:http'
import { fileURLToPath } from 'node:url'
import { AUTHORIZATION_HEADER } from '@jeju/verifier/protocol'
import type { Answer, Order, SignedRequest, StreamFigures, WalletFigures } from './orders.ts'

/** What `npm run bench -- node` publishes. */
export interface NodeFigures {
  /**
   * By streams at once: tokens a second of engine and node, in turns, and what the node keeps of the engine's rate; with
   * the time of all processors that a token takes in either, which a busy machine changes least.
   */
  readonly throughput: Readonly<
    Record<
      string,
      {
        readonly engine: number
        readonly node: number
        readonly share: number
        readonly engineCpuMsPerToken: number
        readonly nodeCpuMsPerToken: number
      }
    >
  >
  /** Median time to the first piece, one stream; `added` is what the node adds. */
  readonly firstPieceMs: { readonly engine: number; readonly node: number; readonly added: number }
  readonly wallet: WalletFigures
  /** A node with so many answers open that wait for their engine. */
  readonly idle: { readonly streams: number; readonly rssMiB: number; readonly beforeMiB: number }
}

const STREAMS = [1, 8]
const TURNS = 8
const ROUNDS: Readonly<Record<number, number>> = { 1: 6, 8: 2 }
const WALLET_RUNS = 400
const IDLE_STREAMS = 1_000
const PATH = '/v1/chat/completions'

/** Measures a node against the engine it serves, in one process, in turns. */
export async function benchNode(): Promise<NodeFigures> {
  const busy = await startProcess({ PARALLEL: String(Math.max(...STREAMS)) })
  const throughput: Record<string, NodeFigures['throughput'][string]> = {}
  const first = { engine: [] as number[], node: [] as number[] }
  for (const streams of STREAMS) {
    const rounds = ROUNDS[streams] ?? 1
    const sum = { engine: { tokens: 0, ms: 0, cpuMs: 0 }, node: { tokens: 0, ms: 0, cpuMs: 0 } }
    for (let turn = -1; turn < TURNS; turn++) {
      const { bare } = await busy.order({ do: 'bare', streams, rounds })
      const through = await measureStreams(busy, streams, rounds)
      if (turn < 0 || bare === undefined) continue
      for (const [name, figures] of [
        ['engine', bare],
        ['node', through],
      ] as const) {
        sum[name].tokens += figures.tokens
        sum[name].ms += figures.ms
        sum[name].cpuMs += figures.cpuMs
        if (streams === 1) first[name].push(...figures.firstPieceMs)
      }
    }
    const rate = ({ tokens, ms }: { tokens: number; ms: number }): number => (tokens / ms) * 1000
    throughput[streams] = {
      engine: Math.round(rate(sum.engine)),
      node: Math.round(rate(sum.node)),
      share: Number((rate(sum.node) / rate(sum.engine)).toFixed(3)),
      engineCpuMsPerToken: Number((sum.engine.cpuMs / sum.engine.tokens).toFixed(3)),
      nodeCpuMsPerToken: Number((sum.node.cpuMs / sum.node.tokens).toFixed(3)),
    }
  }
  const { wallet } = await busy.order({ do: 'wallet', runs: WALLET_RUNS })
  await busy.end()
  if (wallet === undefined) throw new Error('no figures of the wallet')
  const [engine, node] = [medianOf(first.engine), medianOf(first.node)]
  return {
    throughput,
    firstPieceMs: { engine, node, added: Number((node - engine).toFixed(2)) },
    wallet,
    idle: await measureIdle(),
  }
}

/** The same through the port: each stream is read to its receipt. */
async function measureStreams(
  node: NodeProcess,
  streams: number,
  rounds: number,
): Promise<StreamFigures> {
  const { requests = [] } = await node.order({ do: 'sign', count: streams * rounds })
  const firstPieceMs: number[] = []
  let tokens = 0
  const cpu = await cpuOf(node)
  const started = performance.now()
  for (let round = 0; round < rounds; round++) {
    const now = requests.slice(round * streams, (round + 1) * streams)
    const read = await Promise.all(now.map((one) => readStream(node, one)))
    for (const each of read) {
      tokens += each.tokens
      firstPieceMs.push(each.firstPieceMs)
    }
  }
  const ms = performance.now() - started
  return { tokens, ms, cpuMs: (await cpuOf(node)) - cpu, firstPieceMs }
}

async function cpuOf(node: NodeProcess): Promise<number> {
  const { cpuMs = Number.NaN } = await node.order({ do: 'usage' })
  return cpuMs
}

async function measureIdle(): Promise<NodeFigures['idle']> {
  const node = await startProcess({ IDLE: String(IDLE_STREAMS) })
  const before = await node.order({ do: 'usage' })
  const { requests = [] } = await node.order({ do: 'sign', count: IDLE_STREAMS })
  const open: (() => void)[] = []
  for (const one of requests) {
    const stream = await openStream(node, one)
    open.push(() => stream.destroy())
  }
  const after = await node.order({ do: 'usage' })
  for (const end of open) end()
  await node.end()
  const mebibytes = ({ rssBytes = Number.NaN }: Answer): number => Math.round(rssBytes / 2 ** 20)
  return { streams: IDLE_STREAMS, rssMiB: mebibytes(after), beforeMiB: mebibytes(before) }
}

interface NodeProcess {
  readonly port: number
  order(order: Order): Promise<Answer>
  end(): Promise<void>
}

async function startProcess(environment: Readonly<Record<string, string>>): Promise<NodeProcess> {
  const child: ChildProcess = fork(fileURLToPath(new URL('node-process.ts', import.meta.url)), [], {
    env: { ...process.env, ...environment },
    execArgv: [...process.execArgv],
  })
  const died = once(child, 'exit').then(([code]): never => {
    throw new Error(`the node's process ended (${String(code)})`)
  })
  died.catch(() => undefined)
  const next = async (): Promise<Answer> => {
    const [answer] = (await Promise.race([once(child, 'message'), died])) as [Answer]
    return answer
  }
  const { port } = await next()
  if (port === undefined) throw new Error('no port')
  return {
    port,
    order: (order) => {
      child.send(order)
      return next()
    },
    end: async () => {
      child.send({ do: 'end' } satisfies Order)
      await died.catch(() => undefined)
    },
  }
}

const agent = new Agent({ keepAlive: true, maxSockets: IDLE_STREAMS })

/** Sends a request; resolves with the answer when its first bytes are there. */
function openStream(
  { port }: NodeProcess,
  { body, authorization }: SignedRequest,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const sent = request({
      agent,
      host: '127.0.0.1',
      port,
      path: PATH,
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        [AUTHORIZATION_HEADER]: authorization,
      },
    })
    sent.on('error', reject)
    sent.on('response', (response) => {
      if (response.statusCode !== 200) return reject(new Error(`status ${response.statusCode}`))
      response.once('readable', () => resolve(response))
    })
    sent.end(body)
  })
}

async function readStream(
  node: NodeProcess,
  one: SignedRequest,
): Promise<{ readonly tokens: number; readonly firstPieceMs: number }> {
  const started = performance.now()
  const response = await openStream(node, one)
  const firstPieceMs = performance.now() - started
  const parts: Buffer[] = []
  for await (const part of response) parts.push(part as Buffer)
  const text = Buffer.concat(parts).toString()
  const tokens = /"outputTokens":([0-9]+)/.exec(text)?.[1]
  if (tokens === undefined) throw new Error('an answer without its receipt')
  return { tokens: Number(tokens), firstPieceMs }
}

function medianOf(times: readonly number[]): number {
  return Number((times.toSorted((a, b) => a - b)[times.length >> 1] ?? Number.NaN).toFixed(2))
}
