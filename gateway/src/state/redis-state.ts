import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { MAX_EVIDENCE_BYTES, type Hex } from '@jeju/verifier/protocol'
import { createClient } from '@redis/client'
import { BoundedMap } from '../bounded-map.ts'
import type { Logger } from '../logging.ts'
import { ENTER, GIVE_BACK, LEAVE, RESERVE } from './redis-scripts.ts'
import {
  dayOf,
  StateError,
  type SharedEvidence,
  type SharedState,
  type WalletLimit,
} from './shared-state.ts'

/** What {@link connectRedis} needs. */
export interface RedisOptions {
  /** `redis:` or `rediss:`; it may hold a password and appears in no log. */
  readonly url: string
  /** Begins every key, and names the deployment: replicas of another one share nothing with these. */
  readonly prefix: string
  readonly limit: WalletLimit
  /** How long evidence is kept. */
  readonly evidenceMs: number
  readonly logger: Logger
}

/** A server that takes longer is as good as none. */
const TIMEOUT_MS = 1_000
const PING_MS = 5_000
const MAX_RECONNECT_MS = 2_000
/** A request of a replica that died counts no longer. */
const HOLD_MS = 20 * 60_000
/** What is done alone takes no longer, or is over with the replica that did it. */
const ALONE_MS = 4 * 60_000
/** How long a turn is waited for, and how often it is looked for. */
const TURN_MS = 30_000
const LOOK_MS = 100
/** More than a gateway can have under way while a server is away for long. */
const MAX_UNTOLD = 100_000
const BUDGET_MS = 48 * 3600_000
const DISTRUST_MS = 48 * 3600_000
/** More than there are providers: whoever writes more wants to be read for long. */
const MAX_DISTRUSTED = 4_096
/** Base64, and the members around it. */
const MAX_SHARED_CHARACTERS = Math.ceil(MAX_EVIDENCE_BYTES / 3) * 4 + 1_000

/**
 * State that replicas share through a Redis server; the only file that knows its client. Connects in the background and
 * again whenever the connection is lost. Every key expires.
 */
export function connectRedis({
  url,
  prefix,
  limit,
  evidenceMs,
  logger,
}: RedisOptions): SharedState {
  const client = createClient({
    url,
    // A command that waits for a server to come back would hold its request.
    disableOfflineQueue: true,
    pingInterval: PING_MS,
    socket: {
      connectTimeout: TIMEOUT_MS,
      // A server that hangs is left, and looked for again.
      socketTimeout: 2 * PING_MS,
      reconnectStrategy: (retries) => Math.min(100 * 2 ** Math.min(retries, 5), MAX_RECONNECT_MS),
    },
  })
  let isLost = false
  client.on('error', (error: unknown) => {
    if (isLost) return
    isLost = true
    const reason = error instanceof Error && 'code' in error ? String(error.code) : ''
    logger.warn({ reason }, 'the shared store is away')
  })
  let isKeeping = false
  /** Requests that ended while the server could not be told, and the set that each is in. */
  const ended = new BoundedMap<string, string>(MAX_UNTOLD)
  const leave = (request: string, underWay: string): void => {
    client.zRem(underWay, request).then(
      () => ended.delete(request),
      () => ended.set(request, underWay),
    )
  }
  // Another server may be there, or the same one with other settings.
  client.on('ready', () => {
    isKeeping = false
    for (const [request, underWay] of ended.entries()) leave(request, underWay)
    if (isLost) logger.info('the shared store is back')
    isLost = false
  })
  client.connect().catch(() => undefined)
  /** What counts money must be kept: a budget or a nonce that is forgotten is spent again. */
  const requireKeeping = async (): Promise<void> => {
    if (isKeeping) return
    isKeeping = keepsAll(await asked(() => client.info()))
    if (isKeeping) return
    const text = 'the shared store may forget: expected appendonly yes, maxmemory-policy noeviction'
    logger.error(text)
    throw new StateError(text)
  }

  const key = (...parts: readonly string[]): string => [prefix, ...parts].join(':')
  const evaluate = (
    script: string,
    keys: readonly string[],
    values: readonly (string | number)[],
  ): Promise<unknown> =>
    asked(() => client.eval(script, { keys: [...keys], arguments: values.map(String) }))

  return {
    evidence: {
      publish: async (shared) => {
        const text = encode(shared)
        const name = key('evidence', shared.agentId.toString())
        await asked(() => client.set(name, text, { expiration: { type: 'PX', value: evidenceMs } }))
      },
      find: async (agentId) => {
        const name = key('evidence', agentId.toString())
        const length = await asked(() => client.strLen(name))
        if (length === 0 || length > MAX_SHARED_CHARACTERS) return undefined
        const text = await asked(() => client.get(name))
        return text === null ? undefined : decode(text, agentId)
      },
    },
    distrusted: {
      put: async (bindingId, untilMs) => {
        const name = key('distrusted')
        await asked(() =>
          client
            .multi()
            .zAdd(name, { value: bindingId, score: untilMs }, { comparison: 'GT' })
            .zRemRangeByScore(name, '-inf', Date.now())
            .pExpire(name, DISTRUST_MS)
            .exec(),
        )
      },
      all: async () => {
        const range = [Date.now(), Number.MAX_SAFE_INTEGER] as const
        const options = { LIMIT: { offset: 0, count: MAX_DISTRUSTED } }
        const members = await asked(() =>
          client.zRangeByScoreWithScores(key('distrusted'), ...range, options),
        )
        return new Map(members.filter(isBinding).map(({ value, score }) => [value, score]))
      },
    },
    enter: async (wallet) => {
      const request = randomUUID()
      const underWay = key('under-way', `{${wallet}}`)
      const keys = [key('rate', `{${wallet}}`), underWay]
      const { requestsPerMinute, concurrent } = limit
      const reply = await evaluate(ENTER, keys, [requestsPerMinute, concurrent, request, HOLD_MS])
      const [because, waitMs] = reply as readonly [number, number]
      if (because === 0) {
        return { entered: true, leave: () => leave(request, underWay) }
      }
      return { entered: false, because: because === 1 ? 'concurrency' : 'rate', waitMs }
    },
    budgets: {
      reserve: async ({ account, amount, limit: most, at }) => {
        await requireKeeping()
        const name = key('budget', `{${account}}`, dayOf(at))
        const values = [amount.toString(), most.toString(), BUDGET_MS]
        return (await evaluate(RESERVE, [name], values)) === 1
      },
      giveBack: async ({ account, amount, at }) => {
        await evaluate(GIVE_BACK, [key('budget', `{${account}}`, dayOf(at))], [amount.toString()])
      },
    },
    alone: async (what, work) => {
      const name = key('alone', what)
      const me = randomUUID()
      const expiration = { type: 'PX', value: ALONE_MS } as const
      const enter = (): Promise<unknown> =>
        asked(() => client.set(name, me, { condition: 'NX', expiration }))
      const endMs = performance.now() + TURN_MS
      while ((await enter()) !== 'OK') {
        if (performance.now() > endMs) throw new StateError('another replica takes long')
        await delay(LOOK_MS)
      }
      try {
        return await work()
      } finally {
        await evaluate(LEAVE, [name], [me]).catch(() => undefined)
      }
    },
    once: async (name, untilMs) => {
      await requireKeeping()
      const expiration = { type: 'PXAT', value: untilMs } as const
      const options = { condition: 'NX', expiration } as const
      return (await asked(() => client.set(key('used', name), '1', options))) === 'OK'
    },
    close: async () => {
      if (client.isReady) await client.close().catch(() => undefined)
      else if (client.isOpen) client.destroy()
    },
  }
}

/** Whatever the client says, a store that did not answer is one that is away; its own text could quote a value. */
async function asked<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('late')), TIMEOUT_MS)
  })
  try {
    return await Promise.race([ask(), late])
  } catch {
    throw new StateError('the shared store does not answer')
  } finally {
    clearTimeout(timer)
  }
}

/** By the server's own word (`INFO`). */
function keepsAll(info: string): boolean {
  return /^aof_enabled:1\r?$/m.test(info) && /^maxmemory_policy:noeviction\r?$/m.test(info)
}

function encode({ askedAtMs, salt, evidence }: SharedEvidence): string {
  return JSON.stringify({ askedAtMs, salt, evidence: Buffer.from(evidence).toString('base64') })
}

/** What cannot be read was not written by a replica, and is as good as nothing. */
function decode(text: string, agentId: bigint): SharedEvidence | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  const { askedAtMs, salt, evidence } = value as Readonly<Record<string, unknown>>
  if (!Number.isSafeInteger(askedAtMs) || typeof evidence !== 'string') return undefined
  if (typeof salt !== 'string' || !/^0x[0-9a-f]{64}$/.test(salt)) return undefined
  return {
    agentId,
    askedAtMs: Number(askedAtMs),
    salt: salt as Hex,
    evidence: new Uint8Array(Buffer.from(evidence, 'base64')),
  }
}

function isBinding(member: { readonly value: string }): member is {
  readonly value: Hex
  readonly score: number
} {
  return /^0x[0-9a-f]{64}$/.test(member.value)
}
