import { createServer } from 'node:http'
import type { BenchAnswer, BenchExchange, Serving } from './messages.ts'

/** The node behind every proxy: answers that were signed before, JSON at once, a stream frame by frame. */
let answers = new Map<string, BenchAnswer>()

process.on('message', (exchange: BenchExchange) => {
  answers = new Map(Object.entries(exchange.answers))
  process.send?.('ready')
})

const server = createServer((request, response) => {
  const parts: Buffer[] = []
  request.on('data', (part: Buffer) => parts.push(part))
  request.on('end', () => {
    const isStream = Buffer.concat(parts).includes('"stream":true')
    const name = request.headers['compute-authorization']
    const known = typeof name === 'string' ? answers.get(name) : undefined
    const answer =
      known ?? [...answers.values()].find(({ pieces }) => pieces.length > 1 === isStream)
    if (answer === undefined) {
      response.writeHead(500).end()
      return
    }
    response.writeHead(200, answer.headers)
    for (const piece of answer.pieces) response.write(piece)
    response.end()
  })
})
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('expected a port')
  const serving: Serving = { port: address.port }
  process.send?.(serving)
})
