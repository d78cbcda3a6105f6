import { createServer, type ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import type { BenchAnswer, BenchExchange, Pace, Serving } from './messages.ts'

/**
 * The node behind every proxy: answers that were signed before, JSON at once, a stream frame by frame; with a pause
 * before each, where it is told to be slow.
 */
let answers = new Map<string, BenchAnswer>()
let paceMs = 0

process.on('message', (message: BenchExchange | Pace) => {
  if ('paceMs' in message) paceMs = message.paceMs
  else answers = new Map(Object.entries(message.answers))
  process.send?.('ready')
})

const server = createServer((request, response) => {
  const parts: Buffer[] = []
  request.on('data', (part: Buffer) => parts.push(part))
  request.on('end', () => {
    const name = request.headers['compute-authorization']
    const answer = (typeof name === 'string' ? answers.get(name) : undefined) ?? anyFor(parts)
    if (answer === undefined) response.writeHead(500).end()
    else if (paceMs > 0) void slowly(answer, response)
    else {
      response.writeHead(200, answer.headers)
      for (const piece of answer.pieces.slice(0, -1)) response.write(piece)
      response.end(answer.pieces.at(-1))
    }
  })
})
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('expected a port')
  const serving: Serving = { port: address.port }
  process.send?.(serving)
})

/** For who forwards no authorisation: what is right of its kind. */
function anyFor(parts: readonly Buffer[]): BenchAnswer | undefined {
  const isStream = Buffer.concat(parts).includes('"stream":true')
  return [...answers.values()].find(({ pieces }) => pieces.length > 1 === isStream)
}

async function slowly({ headers, pieces }: BenchAnswer, response: ServerResponse): Promise<void> {
  response.writeHead(200, headers)
  for (const piece of pieces) {
    await delay(paceMs)
    response.write(piece)
  }
  response.end()
}
