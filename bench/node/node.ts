import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { Agent, request, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { AUTHORIZATION_HEADER } from '@jeju/verifier/protocol'
import type {
  Answer,
  AnswerLength,
  Order,
  SignedRequest,
  StreamFigures,
  WalletFigures,
} from './orders.ts'
import { writeRandomModel } from './random-model.ts'

/** Tokens a second of engine and node, in turns; of the median turn, since a machine is not the same in all of them. */
interface Throughput {
  readonly engine: number
  readonly node: number
  /** What the node keeps of the engine's rate. */
  readonly share: number
  /** Time of all processors that a token takes in either, which a busy machine changes least. */
  readonly engineCpuMsPerToken: number
  readonly nodeCpuMsPerToken: number
}

/** Of answers of one length, by streams at once. */
interface AnswerFigures {
  readonly tokensPerAnswer: number
  readonly byStreams: Readonly<Record<string, Throughput>>
}

/** What `npm run bench -- node` publishes. */
export interface NodeFigures {
  /**
   * By length of the answer, and by streams at once. An answer of a sentence is mostly beginning and end: authorisation,
   * two commits, receipt. A long one shows what a token costs.
   */
  readonly throughput: Readonly<Record<'short' | 'long', AnswerFigures>>
  /** The same of a model of random weights, of a size at which an engine has its time for a token. */
  readonly largerModel: AnswerFigures & { readonly parameters: number }
  /** Median time to the first piece of a short answer, one stream; `added` is what the node adds. */
  readonly firstPieceMs: { readonly engine: number; readonly node: number; readonly added: number }
  readonly wallet: WalletFigures
  /** A node with so many answers open that wait for their engine. */
  readonly idle: { readonly streams: number; readonly rssMiB: number; readonly beforeMiB: number }
}

const STREAMS = [1, 8]
const TURNS: Readonly<Record<AnswerLength, number>> = { short: 8, middle: 8, long: 12 }
/** Answers of each stream in a turn, by streams at once. */
const ROUNDS: Readonly<Record<AnswerLength, Readonly<Record<number, number>>>> = {
  short: { 1: 12, 8: 3 },
  middle: { 1: 2, 8: 1 },
  long: { 1: 2, 8: 1 },
}
/** Requests before anything is counted: a node runs for months, and its first hundreds are slower. */
const WARM_UP = 400
const WALLET_RUNS = 400
const IDLE_STREAMS = 1_000
const PATH = '/v1/chat/completions'

/** Measures a node against the engine it serves, in one process, in turns. */
export async function benchNode(): Promise<NodeFigures> {
  const busy = await startProcess({ PARALLEL: String(Math.max(...STREAMS)) })
  await measureStreams(busy, 'short', Math.max(...STREAMS), WARM_UP / Math.max(...STREAMS))
  const short = await measureLength(busy, 'short')
  const long = await measureLength(busy, 'long')
  const { wallet } = await busy.order({ do: 'wallet', runs: WALLET_RUNS })
  await busy.end()
  if (wallet === undefined) throw new Error('no figures of the wallet')
  const [engine, node] = [medianOf(short.first.engine), medianOf(short.first.node)]
  return {
    throughput: { short: short.figures, long: long.figures },
    largerModel: await measureLarger(),
    firstPieceMs: { engine, node, added: Number((node - engine).toFixed(2)) },
    wallet,
    idle: await measureIdle(),
  }
}

/** Answers of one length, and the times to the first piece where one stream is alone. */
async function measureLength(
  process: NodeProcess,
  length: AnswerLength,
): Promise<{
  readonly figures: AnswerFigures
  readonly first: Readonly<Record<'engine' | 'node', readonly number[]>>
}> {
  const byStreams: Record<string, Throughput> = {}
  const first = { engine: [] as number[], node: [] as number[] }
  let tokensPerAnswer = 0
  for (const streams of STREAMS) {
    const rounds = ROUNDS[length][streams] ?? 1
    const turns = { engine: [] as StreamFigures[], node: [] as StreamFigures[] }
    for (let turn = -1; turn < TURNS[length]; turn++) {
      const { bare } = await process.order({ do: 'bare', length, streams, rounds })
      const through = await measureStreams(process, length, streams, rounds)
      if (turn < 0 || bare === undefined) continue
      for (const [name, figures] of [
        ['engine', bare],
        ['node', through],
      ] as const) {
        turns[name].push(figures)
        if (streams === 1) first[name].push(...figures.firstPieceMs)
      }
    }
    const tokens = sumOf(turns.node.map((turn) => turn.tokens))
    tokensPerAnswer = Math.round(tokens / (TURNS[length] * rounds * streams))
    byStreams[streams] = throughputOf(turns.engine, turns.node)
  }
  return { figures: { tokensPerAnswer, byStreams }, first }
}

type Turns = readonly StreamFigures[]

function throughputOf(engine: Turns, node: Turns): Throughput {
  const rate = (turns: Turns): number =>
    medianOf(turns.map(({ tokens, ms }) => (tokens / ms) * 1000))
  const cpu = (turns: Turns): number => {
    const [ms, tokens] = [turns.map((turn) => turn.cpuMs), turns.map((turn) => turn.tokens)]
    return Number((sumOf(ms) / sumOf(tokens)).toFixed(3))
  }
  return {
    engine: Math.round(rate(engine)),
    node: Math.round(rate(node)),
    share: Number((rate(node) / rate(engine)).toFixed(3)),
    engineCpuMsPerToken: cpu(engine),
    nodeCpuMsPerToken: cpu(node),
  }
}

/** The same through the port: each answer is read to its receipt before its client asks again. */
async function measureStreams(
  node: NodeProcess,
  length: AnswerLength,
  streams: number,
  rounds: number,
): Promise<StreamFigures> {
  const { requests = [] } = await node.order({ do: 'sign', length, count: streams * rounds })
  const firstPieceMs: number[] = []
  let tokens = 0
  const cpu = await cpuOf(node)
  const started = performance.now()
  const client = async (index: number): Promise<void> => {
    for (const one of requests.slice(index * rounds, (index + 1) * rounds)) {
      const read = await readStream(node, one)
      tokens += read.tokens
      firstPieceMs.push(read.firstPieceMs)
    }
  }
  await Promise.all(Array.from({ length: streams }, (_, index) => client(index)))
  const ms = performance.now() - started
  return { tokens, ms, cpuMs: (await cpuOf(node)) - cpu, firstPieceMs }
}

async function measureLarger(): Promise<NodeFigures['largerModel']> {
  const folder = await mkdtemp(join(tmpdir(), 'jeju-bench-'))
  try {
    const { model, parameters } = await writeRandomModel(folder)
    const node = await startProcess({
      PARALLEL: String(Math.max(...STREAMS)),
      MODEL: JSON.stringify(model),
    })
    const { figures } = await measureLength(node, 'middle')
    await node.end()
    return { parameters, ...figures }
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function cpuOf(node: NodeProcess): Promise<number> {
  const { cpuMs = Number.NaN } = await node.order({ do: 'usage', tidy: false })
  return cpuMs
}

async function measureIdle(): Promise<NodeFigures['idle']> {
  const node = await startProcess({ IDLE: String(IDLE_STREAMS) })
  const before = await node.order({ do: 'usage', tidy: true })
  const { requests = [] } = await node.order({ do: 'sign', length: 'short', count: IDLE_STREAMS })
  const open: (() => void)[] = []
  for (const one of requests) {
    const stream = await openStream(node, one)
    open.push(() => stream.destroy())
  }
  const after = await node.order({ do: 'usage', tidy: true })
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
    execArgv: [
      ...process.execArgv,
      '--import',
      new URL('../use-compiled.ts', import.meta.url).href,
    ],
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

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0)
}

function medianOf(times: readonly number[]): number {
  return Number((times.toSorted((a, b) => a - b)[times.length >> 1] ?? Number.NaN).toFixed(2))
}
