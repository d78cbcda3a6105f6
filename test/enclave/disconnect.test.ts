import { once } from 'node:events'
import { connect } from 'node:net'
import {
  AUTHORIZATION_HEADER,
  encodeAuthorization,
  FINISH_CODES,
  type PromptPath,
} from '@jeju/verifier/protocol'
import { afterAll, expect, test } from 'vitest'
import { listen } from '../../enclave/src/http/listen.ts'
import { MODEL } from './setting/scripted-engine.ts'
import { cleanUp, startNode, until } from './setting/start-node.ts'
import { authHashOf } from './setting/test-client.ts'

afterAll(cleanUp)

const MESSAGES = [{ role: 'user', content: 'Wie geht es?' }]
const BODIES: readonly (readonly [PromptPath, object])[] = [
  ['/v1/chat/completions', { messages: MESSAGES }],
  ['/v1/completions', { prompt: 'Es war' }],
  ['/v1/responses', { input: 'Wie geht es?' }],
  ['/v1/messages', { messages: MESSAGES, max_tokens: 16 }],
]
const LEAVING = ['ends its side', 'resets'] as const
const CASES = BODIES.flatMap(([path, members]) =>
  [false, true].flatMap((stream) => LEAVING.map((how) => ({ path, members, stream, how }))),
)

test.each(CASES)(
  'E4 abort_has_receipt: a client of $path (stream: $stream) that $how frees its place at once, and owes what was made',
  async ({ path, members, stream, how }) => {
    const { client, engine, node, chain } = await startNode()
    const listener = await listen(node.app, 0, '127.0.0.1')
    engine.holdAt = 2
    const body = JSON.stringify({ model: MODEL, stream, ...members })
    const signed = client.sign(body, { path })
    const socket = connect({ port: listener.port, host: '127.0.0.1', allowHalfOpen: true })
    socket.on('error', () => undefined)
    socket.resume()
    await once(socket, 'connect')
    socket.write(
      `POST ${path} HTTP/1.1\r\nHost: node.test\r\n${AUTHORIZATION_HEADER}: ${encodeAuthorization(signed)}\r\n` +
        `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    )
    await until(() => engine.handedOut === 2)
    expect(engine.admitted).toBe(1)
    if (how === 'resets') socket.resetAndDestroy()
    else socket.end()
    await until(() => engine.admitted === 0)
    expect(engine.ends).toEqual(['aborted'])
    await node.drain()
    const receipts = chain.settlements.flat().map(({ receipt }) => receipt)
    expect(receipts).toHaveLength(1)
    expect(receipts[0]).toMatchObject({
      authHash: authHashOf(signed),
      finish: FINISH_CODES.aborted,
    })
    expect(receipts[0]?.outputTokens).toBeLessThanOrEqual(2)
    socket.destroy()
    await listener.close()
  },
)
