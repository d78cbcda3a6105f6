import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { utf8 } from '@jeju/verifier/protocol'
import { signedHeaders, streamEnd } from '../gateway/network/signed-answer.ts'
import type { TestNode } from '../gateway/network/test-node.ts'

/** Frames of every stream. */
const FRAMES = Array.from({ length: 12 }, (_, at) => `data: {"choices":[],"at":${at}}\n\n`)
/** How long the gateway waits for a first byte. */
export const FAILOVER_MS = 400

/** How a node answers. */
export type Serve = (asked: Asked) => void | Promise<void>

/** A prompt that came to a node. */
export interface Asked {
  readonly node: TestNode
  readonly id: number
  readonly isStream: boolean
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

/** A kind of node. */
export interface Kind {
  readonly name: string
  readonly serve: Serve
  /** Runs something that the policy does not list. */
  readonly isTampered?: boolean
}

const honest: Serve = ({ node, isStream, request, response }) => {
  if (isStream) {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.end(FRAMES.join('') + streamEnd(node, request, FRAMES.join('')))
  } else response.writeHead(200, signedHeaders(node, request, utf8('{}'))).end('{}')
}

const slow: Serve = async ({ node, isStream, request, response }) => {
  if (!isStream) {
    await delay(60)
    return honest({ node, id: 0, isStream, request, response })
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  for (const frame of FRAMES) {
    response.write(frame)
    // Longer in all than another candidate is waited for, which is nobody's turn once a byte is there.
    await delay((2 * FAILOVER_MS) / FRAMES.length)
  }
  response.end(streamEnd(node, request, FRAMES.join('')))
}

/** Lies of which each is signed for as if it were true. */
export const LIES: readonly Serve[] = [
  // A byte that was changed after it was signed for.
  ({ node, request, response }) =>
    void response.writeHead(200, signedHeaders(node, request, utf8('{}'))).end('[]'),
  // The receipt of another answer.
  ({ node, request, response }) => {
    const lie = { receipt: { responseHash: `0x${'ab'.repeat(32)}` as const } }
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.end(FRAMES.join('') + streamEnd(node, request, FRAMES.join(''), lie))
  },
  // Another model than was asked for.
  ({ node, request, response }) => {
    const lie = { content: { model: 'smaller' } }
    response.writeHead(200, signedHeaders(node, request, utf8('{}'), lie)).end('{}')
  },
]

export const KINDS: readonly Kind[] = [
  { name: 'good A', serve: honest },
  { name: 'good B', serve: honest },
  { name: 'slow', serve: slow },
  { name: 'killed', serve: slow },
  { name: 'hanging', serve: () => undefined },
  { name: 'revoked', serve: honest },
  ...LIES.map((serve, index) => ({ name: `lying ${index}`, serve })),
  { name: 'tampered', serve: honest, isTampered: true },
]
/** Those that whoever names one has an answer of. */
export const SOUND: readonly string[] = ['good A', 'good B', 'slow']
