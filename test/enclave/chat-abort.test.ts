import { once } from 'node:events'
import { connect } from 'node:net'
import {
  createResponseHasher,
  FINISH_CODES,
  SseReceiptSplitter,
  type Receipt,
} from '@jeju/verifier/protocol'
import { afterAll, describe, expect, test } from 'vitest'
import { listen } from '../../enclave/src/http/listen.ts'
import { cleanUp, startNode, until, type Running } from './setting/start-node.ts'
import { authHashOf, CHAT_PATH, chatBody } from './setting/test-client.ts'

afterAll(cleanUp)

const STREAM = chatBody({ stream: true })
/** Opening, five pieces, and the ending with receipt and `[DONE]`. */
const CHUNKS = 7

/** The one receipt that the node brought to the chain. */
async function onlyReceipt({ node, chain, logs }: Running): Promise<Receipt> {
  await node.drain()
  // Concluding twice would be two signed statements about one authorisation.
  expect(logs.join('')).not.toContain('stream failed')
  const items = chain.settlements.flat()
  expect(items).toHaveLength(1)
  const [item] = items
  if (item === undefined) throw new Error('nothing was settled')
  return item.receipt
}

test('a client that leaves in the middle of its body is no fault of the node', async () => {
  const { node, logs, engine } = await startNode()
  const server = await listen(node.app, 0, '127.0.0.1')
  const socket = connect(server.port, '127.0.0.1')
  await once(socket, 'connect')
  socket.write(`POST ${CHAT_PATH} HTTP/1.1\r\nHost: node.test\r\nContent-Length: 1000\r\n\r\n{`)
  await new Promise((resolve) => setTimeout(resolve, 50))
  socket.destroy()
  await until(() => logs.some((line) => line.includes(CHAT_PATH)))
  expect(logs.join('')).not.toContain('internal error')
  expect(engine.requests).toEqual([])
  await server.close()
})

describe('a reader who leaves', () => {
  test('N2 abort_at_every_frame_settles: after the last chunk, when everything is signed', async () => {
    const running = await startNode()
    const { client, fetch } = running
    const signed = client.sign(STREAM)
    const reader = (await fetch(client.request(STREAM, signed))).body?.getReader()
    const hasher = createResponseHasher(signed.salt)
    const splitter = new SseReceiptSplitter('chat')
    for (let chunk = 0; chunk < CHUNKS; chunk++) {
      const next = await reader?.read()
      if (next?.value !== undefined) hasher.update(splitter.push(next.value))
    }
    await reader?.cancel()
    hasher.update(splitter.end().held)
    expect(await onlyReceipt(running)).toMatchObject({
      authHash: authHashOf(signed),
      responseHash: hasher.digest(),
      outputTokens: 5,
      finish: FINISH_CODES.stop,
    })
  })

  test.each(Array.from({ length: CHUNKS + 1 }, (_, count) => count))(
    'N2 abort_at_every_frame_settles: in the middle of the read after frame %i there is one receipt',
    async (count) => {
      const running = await startNode()
      const { client, fetch, chain } = running
      const signed = client.sign(STREAM)
      const reader = (await fetch(client.request(STREAM, signed))).body?.getReader()
      for (let frame = 1; frame <= count; frame++) await reader?.read()
      const pending = reader?.read()
      await reader?.cancel()
      await pending
      const receipt = await onlyReceipt(running)
      expect(receipt.authHash).toBe(authHashOf(signed))
      // At most the frame that was being made is charged beyond what arrived.
      expect(receipt.outputTokens).toBeLessThanOrEqual(Math.min(5, count + 1))
      expect(chain.channels.get(client.channelId)?.spent).toBe(
        10n + 6n * BigInt(receipt.outputTokens),
      )
    },
  )

  test('N2 a JSON answer that nobody waits for ends, and owes what was made', async () => {
    const running = await startNode()
    const { client, fetch, engine } = running
    engine.holdAt = 2
    const body = chatBody()
    const signed = client.sign(body)
    const hangUp = new AbortController()
    const request = new Request(client.request(body, signed), { signal: hangUp.signal })
    const answering = fetch(request)
    await until(() => engine.handedOut === 2)
    hangUp.abort()
    await answering
    expect(engine.ends).toEqual(['aborted'])
    expect(await onlyReceipt(running)).toMatchObject({
      authHash: authHashOf(signed),
      inputTokens: 5,
      outputTokens: 2,
      finish: FINISH_CODES.aborted,
    })
  })

  test('N3 auth_replay_rejected: leaving does not give the authorisation back', async () => {
    const running = await startNode()
    const { client, fetch, engine } = running
    const signed = client.sign(STREAM)
    await (await fetch(client.request(STREAM, signed))).body?.cancel()
    expect((await fetch(client.request(STREAM, signed))).status).toBe(409)
    expect(engine.requests).toHaveLength(1)
    await onlyReceipt(running)
  })
})
