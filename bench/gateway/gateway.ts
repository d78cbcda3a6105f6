import { once } from 'node:events'
import { load, type Load, type Target } from './load.ts'
import type { BenchExchange } from './messages.ts'
import { startNginx, startOwn, startPortkey, type OwnProcess, type Peer } from './processes.ts'

/** Loads of one round; every proxy gets each of them, in turns, `ROUNDS` times. */
const ROUNDS = 3
const WARM_UP = 300
const ONE = { connections: 1, requests: 300 }
const MANY = { connections: 16, requests: 1_600 }
/** Answers after which memory has to be where it was. */
const SOAK = { connections: 16, requests: 100_000 }

interface Measured {
  readonly json: readonly Load[]
  readonly stream: readonly Load[]
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
  const peers: Record<string, Peer> = {
    nginx: await startNginx(port),
    portkey: await startPortkey(port),
  }
  const exchange = gateway.serving.exchange
  if (exchange === undefined) throw new Error('the gateway told no prompts')
  try {
    const ready = once(upstream.child, 'message')
    upstream.child.send(exchange)
    await ready
    for (const [name, peer] of Object.entries(peers)) {
      peers[name] = await answeringRight(name, peer, exchange)
    }
    const targets: Record<string, Target> = {
      direct: { port },
      gateway: { port: gateway.serving.port },
      'hono, nothing checked': { port: bare.serving.port },
      ...runningOf(peers),
    }
    const figures = await measure(targets, exchange, gateway)
    const soak = process.env['BENCH_SOAK'] === '0' ? 'left out' : await soaked(gateway, exchange)
    return { ...figures, soak, notRun: notRunOf(peers) }
  } finally {
    const own = [upstream, gateway, bare].map(({ child }) => child)
    const others = Object.values(peers).flatMap((peer) => ('child' in peer ? [peer.child] : []))
    for (const child of [...own, ...others]) child.kill()
  }
}

async function measure(
  targets: Readonly<Record<string, Target>>,
  exchange: BenchExchange,
  gateway: OwnProcess,
): Promise<object> {
  const found: Record<string, { json: Load[]; stream: Load[] }> = {}
  for (const target of Object.values(targets)) {
    await load(target, exchange.json, { connections: 16, requests: WARM_UP })
    await load(target, exchange.stream, { connections: 16, requests: WARM_UP })
  }
  const before = await gateway.usage()
  let asked = 0
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, target] of Object.entries(targets)) {
      const own = (found[name] ??= { json: [], stream: [] })
      for (const size of [ONE, MANY]) {
        own.json.push(await load(target, exchange.json, size))
        own.stream.push(await load(target, exchange.stream, size))
        if (name === 'gateway') asked += 2 * size.requests
      }
    }
  }
  const after = await gateway.usage()
  const direct = found['direct'] ?? { json: [], stream: [] }
  return {
    gatewayCpuMsPerRequest: rounded((after.cpuMs - before.cpuMs) / asked),
    proxies: Object.fromEntries(
      Object.entries(found).map(([name, loads]) => [name, summary(loads, direct)]),
    ),
  }
}

/** The best of the rounds: what else the machine did can only make it worse. */
function summary(loads: Measured, direct: Measured): object {
  const kind = (name: keyof Measured): object => {
    const one = bestP50(loads[name])
    const many = loads[name].filter(({ connections }) => connections === MANY.connections)
    const best = many.toSorted((a, b) => b.perSecond - a.perSecond)[0]
    return {
      oneConnection: { p50Ms: one, addedMs: rounded(one - bestP50(direct[name])) },
      sixteenConnections: { perSecond: best?.perSecond, p50Ms: best?.p50Ms, p99Ms: best?.p99Ms },
    }
  }
  return { json: kind('json'), stream: kind('stream') }
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
    rssMb.push(Math.round((await gateway.usage()).rssMb))
  }
  return { requests: SOAK.requests, rssMbByTenths: rssMb }
}

/** A peer that cannot pass the bench's answers is not measured. */
async function answeringRight(
  name: string,
  peer: Peer,
  { json, stream }: BenchExchange,
): Promise<Peer> {
  if ('notRun' in peer) return peer
  const once = { connections: 1, requests: 1 }
  try {
    await load(peer.target, json, once)
    await load(peer.target, stream, once)
    return peer
  } catch (error) {
    peer.child.kill()
    const reason = error instanceof Error ? error.message.slice(0, 120) : 'failed'
    return { notRun: `${name}: ${reason}` }
  }
}

function runningOf(peers: Readonly<Record<string, Peer>>): Record<string, Target> {
  return Object.fromEntries(
    Object.entries(peers).flatMap(([name, peer]) =>
      'target' in peer ? [[name, peer.target]] : [],
    ),
  )
}

function notRunOf(peers: Readonly<Record<string, Peer>>): readonly string[] {
  return Object.values(peers).flatMap((peer) => ('notRun' in peer ? [peer.notRun] : []))
}

function rounded(value: number): number {
  return Number(value.toFixed(3))
}
