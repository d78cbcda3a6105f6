import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { BenchPrompt } from './messages.ts'

/** What was measured of one proxy under one load. */
export interface Load {
  readonly connections: number
  readonly requests: number
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/** Where prompts go, and what goes with each. */
export interface Target {
  readonly port: number
  readonly headers?: Readonly<Record<string, string>>
}

/** How much is asked. */
interface Size {
  /** Prompts under way at once. */
  readonly connections: number
  readonly requests: number
  /** From one connection's first prompt to the next one's; together without it. */
  readonly apartMs?: number
}

/**
 * Asks in turns over so many connections until so many answers came whole; every one has to be right. Requests are bytes
 * that were there before, over bare sockets: what the client costs, the proxy does not have.
 */
export async function load(
  target: Target,
  prompts: readonly BenchPrompt[],
  { connections, requests, apartMs = 0 }: Size,
): Promise<Load> {
  const messages = prompts.map((prompt) => messageOf(prompt, target))
  const clients = await Promise.all(Array.from({ length: connections }, () => open(target.port)))
  const times: number[] = []
  let started = 0
  const worker = async (client: Client, place: number): Promise<void> => {
    if (apartMs > 0) await delay(place * apartMs)
    while (started < requests) {
      const message = messages[started++ % messages.length]
      if (message === undefined) throw new Error('no prompts')
      const startedMs = performance.now()
      await client.ask(message)
      times.push(performance.now() - startedMs)
    }
  }
  const startMs = performance.now()
  try {
    await Promise.all(clients.map(worker))
  } finally {
    for (const { socket } of clients) socket.destroy()
  }
  const seconds = (performance.now() - startMs) / 1000
  const sorted = times.toSorted((a, b) => a - b)
  const part = (share: number): number =>
    Number((sorted[Math.floor(sorted.length * share)] ?? Number.NaN).toFixed(3))
  return {
    connections,
    requests,
    perSecond: Math.round(requests / seconds),
    p50Ms: part(0.5),
    p99Ms: part(0.99),
  }
}

function messageOf({ authorization, body }: BenchPrompt, { headers = {} }: Target): Buffer {
  const fields = {
    host: '127.0.0.1',
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(body)),
    'compute-authorization': authorization,
    ...headers,
  }
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.from(`POST /v1/chat/completions HTTP/1.1\r\n${lines.join('')}\r\n${body}`)
}

/** One connection, which asks again when its answer is whole. */
interface Client {
  readonly socket: Socket
  ask(message: Buffer): Promise<void>
}

async function open(port: number): Promise<Client> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  await once(socket, 'connect')
  let text = ''
  let waiting: { readonly resolve: () => void; readonly reject: (error: Error) => void } | undefined
  const fail = (error: Error): void => waiting?.reject(error)
  socket.on('error', fail).on('close', () => fail(new Error('answer: broke off')))
  socket.on('data', (part: Buffer) => {
    text += part.toString('latin1')
    if (!isWhole(text)) return
    const isRight =
      text.startsWith('HTTP/1.1 200 ') && /(\}|data: \[DONE\]\n\n)\s*(0\s*)?$/.test(text)
    if (isRight) waiting?.resolve()
    else fail(new Error(`answer: ${text.slice(0, 12)} …${text.slice(-200)}`))
    text = ''
  })
  return {
    socket,
    ask: (message) =>
      new Promise((resolve, reject) => {
        waiting = { resolve, reject }
        socket.write(message)
      }),
  }
}

/** Whether an answer is there to its end: as long as it says, or with the last of its chunks (RFC 9112 §6, §7.1). */
function isWhole(text: string): boolean {
  const end = text.indexOf('\r\n\r\n')
  if (end === -1) return false
  const length = /\r\ncontent-length: *([0-9]+)\r\n/i.exec(text.slice(0, end + 2))?.[1]
  return length === undefined
    ? text.endsWith('\r\n0\r\n\r\n')
    : text.length - end - 4 >= Number(length)
}
