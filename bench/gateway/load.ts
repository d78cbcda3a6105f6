import { Agent, request as httpRequest } from 'node:http'
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

/** Asks in turns over so many connections until so many answers came whole; every one has to be right. */
export async function load(
  { port, headers = {} }: Target,
  prompts: readonly BenchPrompt[],
  { connections, requests }: { readonly connections: number; readonly requests: number },
): Promise<Load> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const times: number[] = []
  let started = 0
  const ask = (at: number): Promise<void> => {
    const prompt = prompts[at % prompts.length]
    if (prompt === undefined) throw new Error('no prompts')
    const startedMs = performance.now()
    return new Promise((resolve, reject) => {
      const outgoing = httpRequest(
        {
          agent,
          port,
          host: '127.0.0.1',
          method: 'POST',
          path: '/v1/chat/completions',
          headers: {
            'content-type': 'application/json',
            'content-length': prompt.body.length,
            'compute-authorization': prompt.authorization,
            ...headers,
          },
        },
        (incoming) => {
          let last = ''
          incoming.on('data', (part: Buffer) => (last = part.toString('latin1')))
          incoming.on('error', reject)
          incoming.on('end', () => {
            times.push(performance.now() - startedMs)
            const isWhole = last.endsWith('data: [DONE]\n\n') || last.endsWith('}')
            if (incoming.statusCode === 200 && isWhole) resolve()
            else reject(new Error(`answer: ${incoming.statusCode} …${last.slice(-200)}`))
          })
        },
      )
      outgoing.on('error', reject)
      outgoing.end(prompt.body)
    })
  }
  const worker = async (): Promise<void> => {
    while (started < requests) await ask(started++)
  }
  const startMs = performance.now()
  await Promise.all(Array.from({ length: connections }, worker))
  const seconds = (performance.now() - startMs) / 1000
  agent.destroy()
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
