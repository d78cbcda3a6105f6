import { load, type Load, type Target } from './load.ts'
import type { BenchExchange } from './messages.ts'
import { startNginx, startOwn, startPortkey, type OwnProcess, type Peer } from './processes.ts'

/** Loads of one round; every proxy gets each of them, in turns, `ROUNDS` times. */
const ROUNDS = 3
/** A proxy runs for days: what is compiled in its first seconds is no figure of it. */
const WARM_UP = { connections: 16, requests: 3_000 }
const ONE = { connections: 1, requests: 300 }
const MANY = { connections: 16, requests: 2_000 }
/** Streams at once of a node that takes more than a second for each, piece by piece. */
const SLOW = { connections: 64, requests: 128 }
const SLOW_PACE_MS = 50
/** From one slow stream's begin to the next one's: all of them within the time of one, or all at once. */
const SLOW_BEGINS = { apart: { apartMs: 20 }, together: {} } as const
/** Answers after which memory has to be where it was. */
const SOAK = { connections: 16, requests: 100_000 }

/** A peer that cannot pass one kind of answers is measured with the other. */
const KINDS = ['json', 'stream'] as const
type Kind = (typeof KINDS)[number]
type Measured = Readonly<Record<Kind, readonly Load[]>>
/** A proxy that is measured. */
interface Contestant {
  readonly target: Target
  readonly kinds: readonly Kind[]
}

/**
 * The gateway with lease, wallet, hash and receipt checks on, between a client and an upstream, beside proxies that
 * check nothing. `BENCH_SOAK=0` leaves the long run out.
 */
export async function benchGateway(): Promise<object> {
  const upstream = await startOwn('upstream')
  const { port } = upstream.serving
  const gateway = await startOwn('gateway-process', String(port))
  const bare = await startOwn('bare-proxy', String(port))
  const peers: Readonly<Record<string, Peer>> = {
    nginx: await startNginx(port),
    portkey: await startPortkey(port),
  }
  const notRun: string[] = []
  const exchange = gateway.serving.exchange
  if (exchange === undefined) throw new Error('the gateway told no prompts')
  try {
    await upstream.tell(exchange)
    const contestants: Record<string, Contestant> = {
      direct: { target: { port }, kinds: KINDS },
      gateway: { target: { port: gateway.serving.port }, kinds: KINDS },
      'hono, nothing checked': { target: { port: bare.serving.port }, kinds: KINDS },
    }
    for (const [name, peer] of Object.entries(peers)) {
      const { kinds, missing } = await answeringRight(name, peer, exchange)
      notRun.push(...missing)
      if ('target' in peer && kinds.length > 0) contestants[name] = { target: peer.target, kinds }
    }
    const figures = await measure(contestants, exchange, gateway)
    const slowStreams = await slow(contestants, exchange, upstream)
    const soak = process.env['BENCH_SOAK'] === '0' ? 'left out' : await soaked(gateway, exchange)
    return { ...figures, slowStreams, soak, notRun }
  } finally {
    const own = [upstream, gateway, bare].map(({ child }) => child)
    const others = Object.values(peers).flatMap((peer) => ('child' in peer ? [peer.child] : []))
    for (const child of [...own, ...others]) child.kill()
  }
}

async function measure(
  contestants: Readonly<Record<string, Contestant>>,
  exchange: BenchExchange,
  gateway: OwnProcess,
): Promise<object> {
  const found: Record<string, Record<Kind, Load[]>> = {}
  for (const { target, kinds } of Object.values(contestants)) {
    for (const kind of kinds) await load(target, exchange[kind], WARM_UP)
  }
  const cpuMs = { json: 0, stream: 0 }
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, { target, kinds }] of Object.entries(contestants)) {
      const own = (found[name] ??= { json: [], stream: [] })
      for (const size of [ONE, MANY]) {
        for (const kind of kinds) {
          const before = (await gateway.usage()).cpuMs
          own[kind].push(await load(target, exchange[kind], size))
          const usedMs = (await gateway.usage()).cpuMs - before
          if (name === 'gateway' && size === MANY) cpuMs[kind] += usedMs / (ROUNDS * MANY.requests)
        }
      }
    }
  }
  const direct = found['direct'] ?? { json: [], stream: [] }
  return {
    gatewayCpuMsPerRequest: { json: rounded(cpuMs.json), stream: rounded(cpuMs.stream) },
    proxies: Object.fromEntries(
      Object.entries(found).map(([name, loads]) => [name, summary(loads, direct)]),
    ),
  }
}

/** How long slow streams take when many of them are under way; of the best round. */
async function slow(
  contestants: Readonly<Record<string, Contestant>>,
  { stream }: BenchExchange,
  upstream: OwnProcess,
): Promise<object> {
  await upstream.tell({ paceMs: SLOW_PACE_MS })
  const figures: Record<string, Record<string, object>> = {}
  for (const [begin, apart] of Object.entries(SLOW_BEGINS)) {
    const found: Record<string, Load> = {}
    for (let round = 0; round < ROUNDS; round++) {
      for (const [name, { target, kinds }] of Object.entries(contestants)) {
        if (!kinds.includes('stream')) continue
        const taken = await load(target, stream, { ...SLOW, ...apart })
        const best = found[name]
        if (best === undefined || taken.p50Ms < best.p50Ms) found[name] = taken
      }
    }
    const times = Object.entries(found).map(([name, { p50Ms, p99Ms }]) => [name, { p50Ms, p99Ms }])
    figures[begin] = Object.fromEntries(times)
  }
  await upstream.tell({ paceMs: 0 })
  return { atOnce: SLOW.connections, ...figures }
}

/** The best of the rounds: what else the machine did can only make it worse. */
function summary(loads: Measured, direct: Measured): object {
  const kind = (name: Kind): object => {
    const one = bestP50(loads[name])
    const many = loads[name].filter(({ connections }) => connections === MANY.connections)
    const best = many.toSorted((a, b) => b.perSecond - a.perSecond)[0]
    return {
      oneConnection: { p50Ms: one, addedMs: rounded(one - bestP50(direct[name])) },
      sixteenConnections: { perSecond: best?.perSecond, p50Ms: best?.p50Ms, p99Ms: best?.p99Ms },
    }
  }
  const measured = KINDS.filter((name) => loads[name].length > 0)
  return Object.fromEntries(measured.map((name) => [name, kind(name)]))
}

function bestP50(loads: readonly Load[]): number {
  const single = loads.filter(({ connections }) => connections === ONE.connections)
  return Math.min(...single.map(({ p50Ms }) => p50Ms))
}

/** Memory in tenths of the long run, garbage collected each time. */
async function soaked(gateway: OwnProcess, { json, stream }: BenchExchange): Promise<object> {
  const rssMb: number[] = []
  const part = { ...SOAK, requests: SOAK.requests / 10 }
  for (let tenth = 0; tenth < 10; tenth++) {
    await load({ port: gateway.serving.port }, tenth % 2 === 0 ? json : stream, part)
    rssMb.push(Math.round((await gateway.collected()).rssMb))
  }
  return { requests: SOAK.requests, rssMbByTenths: rssMb }
}

/** The kinds of answers that a peer passes, and why not the others. */
async function answeringRight(
  name: string,
  peer: Peer,
  exchange: BenchExchange,
): Promise<{ readonly kinds: readonly Kind[]; readonly missing: readonly string[] }> {
  if ('notRun' in peer) return { kinds: [], missing: [peer.notRun] }
  const kinds: Kind[] = []
  const missing: string[] = []
  for (const kind of KINDS) {
    try {
      await load(peer.target, exchange[kind], { connections: 1, requests: 1 })
      kinds.push(kind)
    } catch (error) {
      const reason = error instanceof Error ? error.message.slice(0, 120) : 'failed'
      missing.push(`${name}, ${kind}: ${reason}`)
    }
  }
  return { kinds, missing }
}

function rounded(value: number): number {
  return Number(value.toFixed(3))
}
