import {
  createResponseHasher,
  encodeAuthorization,
  AUTHORIZATION_HEADER,
  FINISH_CODES,
  type ComputeReceipt,
} from '@jeju/verifier/protocol'
import { afterAll, describe, expect, test } from 'vitest'
import { EngineError } from '../../enclave/src/engine/engine-error.ts'
import { listen } from '../../enclave/src/http/listen.ts'
import { cleanUp, startNode, until, type Running } from './setting/start-node.ts'
import {
  authHashOf,
  CHAT_PATH,
  chatBody,
  contentOf,
  errorOf,
  readStreamAnswer,
} from './setting/test-client.ts'

afterAll(cleanUp)

const ANSWER = 'Ja, gern. Grüße aus dem TD 🎉'
const STREAM = chatBody({ stream: true })

async function nextFrame(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string> {
  const { value } = await reader.read()
  return new TextDecoder().decode(value)
}

/** Reads that many frames and leaves; returns the bytes it got. */
async function readFrames(response: Response, count: number): Promise<Uint8Array[]> {
  const frames: Uint8Array[] = []
  const reader = response.body?.getReader()
  while (reader !== undefined && frames.length < count) {
    const { value, done } = await reader.read()
    if (done) break
    frames.push(value)
  }
  await reader?.cancel()
  return frames
}

/** The receipt that waits for settlement, as the contracts will see it. */
async function settledReceipt({ node, chain }: Running): Promise<ComputeReceipt['receipt']> {
  await node.drain()
  const item = chain.settlements.flat()[0]
  if (item === undefined) throw new Error('nothing was settled')
  return item.receipt
}

describe('a streamed answer', () => {
  test('E15 stream_signed_before_done: the receipt stands before [DONE] and covers all bytes before it', async () => {
    const { client, fetch } = await startNode()
    const signed = client.sign(STREAM)
    const response = await fetch(client.request(STREAM, signed))
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    expect(response.headers.get('x-receipt-id')).toBe(authHashOf(signed))
    const { receipt, responseHash, text, covered } = await readStreamAnswer(response, signed.salt)
    expect(text).toBe(ANSWER)
    expect(receipt.receipt).toMatchObject({
      authHash: authHashOf(signed),
      responseHash,
      inputTokens: 5,
      outputTokens: 5,
      finish: FINISH_CODES.stop,
    })
    expect(covered).not.toContain('"usage"')
    expect(covered.match(/"finish_reason":"stop"/g)).toHaveLength(1)
  })

  test('E15 the receipt is in the journal before any of the last bytes leave', async () => {
    const running = await startNode()
    const { client, fetch, engine, restart } = running
    const response = await fetch(client.request(STREAM))
    const reader = response.body?.getReader()
    if (reader === undefined) throw new Error('no body')
    // Opening and five pieces; the sixth read is the end of the answer.
    for (let frame = 0; frame < 1 + engine.pieces.length; frame++) await nextFrame(reader)
    expect(await nextFrame(reader)).toContain('"finish_reason":"stop"')
    const after = await restart()
    await after.node.drain()
    expect(after.chain.settlements.flat()).toHaveLength(1)
    await reader.cancel()
  })

  test('usage is stated on request, and equals the signed counts', async () => {
    const { client, fetch } = await startNode()
    const body = chatBody({ stream: true, stream_options: { include_usage: true } })
    const signed = client.sign(body)
    const { receipt, covered } = await readStreamAnswer(
      await fetch(client.request(body, signed)),
      signed.salt,
    )
    const frames = covered.split('\n\n').filter((frame) => frame !== '')
    const last: unknown = JSON.parse((frames.at(-1) ?? '').slice('data: '.length))
    expect(last).toMatchObject({
      choices: [],
      usage: { prompt_tokens: 5, completion_tokens: 5, total_tokens: 10 },
    })
    expect(frames.slice(0, -1).every((frame) => frame.includes('"usage":null'))).toBe(true)
    expect(receipt.receipt).toMatchObject({ inputTokens: 5, outputTokens: 5 })
  })

  test.each([0, 1, 2, 3, 4, 5, 6])(
    'N2 abort_at_every_frame_settles: leaving after frame %i',
    async (count) => {
      const running = await startNode()
      const { client, fetch } = running
      const signed = client.sign(STREAM)
      const frames = await readFrames(await fetch(client.request(STREAM, signed)), count)
      expect(frames).toHaveLength(count)
      const receipt = await settledReceipt(running)
      const hasher = createResponseHasher(signed.salt)
      for (const frame of frames) hasher.update(frame)
      // Nothing is made ahead of the reader but the frame that tells success from an error answer.
      if (count > 0) expect(receipt.responseHash).toBe(hasher.digest())
      expect(receipt.finish).toBe(FINISH_CODES.aborted)
      expect(receipt.outputTokens).toBeLessThanOrEqual(Math.max(1, count))
      expect(running.chain.channels.get(client.channelId)?.spent).toBe(
        10n + 6n * BigInt(receipt.outputTokens),
      )
    },
  )

  test('E4 a reader who leaves while the engine thinks ends it, and owes what was handed out', async () => {
    const running = await startNode()
    const { client, fetch, engine } = running
    engine.holdAt = 2
    const signed = client.sign(STREAM)
    const reader = (await fetch(client.request(STREAM, signed))).body?.getReader()
    const hasher = createResponseHasher(signed.salt)
    for (let frame = 0; frame < 3; frame++) {
      const next = await reader?.read()
      if (next?.value !== undefined) hasher.update(next.value)
    }
    const pending = reader?.read()
    // The frame that never comes is being waited for.
    await new Promise((resolve) => setTimeout(resolve, 20))
    await reader?.cancel()
    await pending
    expect(engine.ends).toEqual(['aborted'])
    expect(await settledReceipt(running)).toMatchObject({
      responseHash: hasher.digest(),
      outputTokens: 2,
      finish: FINISH_CODES.aborted,
    })
  })

  test('E4 abort_has_receipt: a client that hangs up while the engine thinks', async () => {
    const running = await startNode()
    const { client, engine, node } = running
    engine.holdAt = 2
    const server = await listen(node.app, 0, '127.0.0.1')
    const signed = client.sign(STREAM)
    const hangUp = new AbortController()
    const response = await fetch(`http://127.0.0.1:${server.port}${CHAT_PATH}`, {
      method: 'POST',
      body: STREAM,
      headers: { [AUTHORIZATION_HEADER]: encodeAuthorization(signed) },
      signal: hangUp.signal,
    })
    const reader = response.body?.getReader()
    if (reader === undefined) throw new Error('no body')
    let received = ''
    while (!received.includes(', gern')) received += await nextFrame(reader)
    hangUp.abort()
    await until(() => engine.ends.length > 0)
    expect(engine.ends).toEqual(['aborted'])
    const receipt = await settledReceipt(running)
    expect(receipt).toMatchObject({
      authHash: authHashOf(signed),
      inputTokens: 5,
      outputTokens: 2,
      finish: FINISH_CODES.aborted,
    })
    await server.close()
  })

  test('E2 wire_bytes_hashed: over a real connection too, whatever the chunks', async () => {
    const { client, node } = await startNode()
    const server = await listen(node.app, 0, '127.0.0.1')
    const signed = client.sign(STREAM)
    const response = await fetch(`http://127.0.0.1:${server.port}${CHAT_PATH}`, {
      method: 'POST',
      body: STREAM,
      headers: { [AUTHORIZATION_HEADER]: encodeAuthorization(signed) },
    })
    const { receipt, responseHash, text } = await readStreamAnswer(response, signed.salt)
    expect(text).toBe(ANSWER)
    expect(receipt.receipt.responseHash).toBe(responseHash)
    await server.close()
  })

  test('an engine that is busy or fails before the first piece is an error answer, and free', async () => {
    const { client, fetch, engine, chain, node } = await startNode()
    engine.failAt = { piece: 0, error: new EngineError('ENGINE_BUSY', 'one more than 32') }
    const busy = await fetch(client.request(STREAM))
    expect(busy.headers.get('retry-after')).toBe('1')
    expect(await errorOf(busy)).toMatchObject({ status: 429, code: 'engine_busy' })
    engine.failAt = { piece: 0, error: new EngineError('ENGINE_FAILED', 'secret of the engine') }
    for (const body of [STREAM, chatBody()]) {
      const refused = await errorOf(await fetch(client.request(body)))
      expect(refused).toMatchObject({ status: 502, code: 'engine_failed' })
      expect(refused.message).not.toContain('secret')
    }
    await node.drain()
    expect(chain.settlements).toEqual([])
  })

  test('E15 missing_signature_is_error: a failure inside breaks the stream, without receipt or [DONE]', async () => {
    const { client, fetch, engine, logs, node, chain } = await startNode()
    engine.failAt = { piece: 2, error: new EngineError('ENGINE_FAILED', 'secret of the engine') }
    const response = await fetch(client.request(STREAM))
    const decoder = new TextDecoder()
    let received = ''
    const reading = (async () => {
      for await (const chunk of response.body ?? []) received += decoder.decode(chunk)
    })()
    await expect(reading).rejects.toThrow('the answer broke off')
    expect(contentOf(received)).toBe('Ja, gern')
    expect(received).not.toContain('[DONE]')
    expect(received).not.toContain('receipt')
    expect(logs.join('')).toContain('ENGINE_FAILED')
    expect(logs.join('')).not.toContain('secret of the engine')
    await node.drain()
    expect(chain.settlements).toEqual([])
  })

  test('a slow reader slows the engine', async () => {
    const { client, fetch, engine } = await startNode()
    const response = await fetch(client.request(STREAM))
    const reader = response.body?.getReader()
    if (reader === undefined) throw new Error('no body')
    await nextFrame(reader)
    await nextFrame(reader)
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(engine.handedOut).toBeLessThanOrEqual(2)
    await reader.cancel()
  })
})
