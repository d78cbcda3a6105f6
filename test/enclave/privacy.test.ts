import { EventEmitter } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { AUTHORIZATION_HEADER, encodeAuthorization } from '@jeju/verifier/protocol'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { EngineError } from '../../enclave/src/engine/engine-error.ts'
import { listen } from '../../enclave/src/http/listen.ts'
import { endOnFault, muteLibraries } from '../../enclave/src/library-output.ts'
import { createLogger } from '../../enclave/src/logging.ts'
import { cleanUp, startNode } from './setting/start-node.ts'
import { authHashOf, CHAT_PATH, chatBody, readStreamAnswer } from './setting/test-client.ts'

afterAll(cleanUp)

const PROMPT = 'canary-prompt-7f3a'
const ANSWER = 'canary-answer-91bc'
const BODY = chatBody({ messages: [{ role: 'user', content: PROMPT }] })
const STREAM = chatBody({ messages: [{ role: 'user', content: PROMPT }], stream: true })

async function filesUnder(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  const texts = files.map((file) => readFile(join(file.parentPath, file.name), 'latin1'))
  return (await Promise.all(texts)).join('')
}

test('E10 no_prompt_in_logs: what libraries print is a line of the log without what they say', () => {
  const lines: string[] = []
  const printed: unknown[] = []
  const print = (...said: unknown[]): void => void printed.push(...said)
  const target = { debug: print, error: print, info: print, log: print, trace: print, warn: print }
  muteLibraries(target, createLogger('debug', { write: (line) => void lines.push(line) }))
  target.error(new Error(PROMPT))
  target.info(PROMPT, { PROMPT })
  target.log(ANSWER)
  expect(printed).toEqual([])
  const read = lines.map((line) => JSON.parse(line) as { method: string; msg: string })
  expect(read.map(({ method }) => method)).toEqual(['error', 'info', 'log'])
  expect(lines.join('')).not.toContain('canary')
})

test('E10 no_prompt_in_logs: a fault that nobody expected ends the process by its name', () => {
  const lines: string[] = []
  const exits: number[] = []
  const process = Object.assign(new EventEmitter(), { exit: (code: number) => exits.push(code) })
  endOnFault(process, createLogger('info', { write: (line) => void lines.push(line) }))
  process.emit('uncaughtException', Object.assign(new TypeError(PROMPT), { code: 'EFAULT' }))
  process.emit('uncaughtException', PROMPT)
  expect(exits).toEqual([1, 1])
  expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([
    { level: 60, error: 'TypeError', code: 'EFAULT' },
    { level: 60, error: 'string' },
  ])
  expect(lines.join('')).not.toContain('canary')
})

describe('content stays with the two parties', () => {
  test('E10 no_prompt_in_logs: no prompt, answer, authorisation or salt, at level trace', async () => {
    const running = await startNode({ config: { settleIntervalMs: 20 } })
    const { client, fetch, engine, logs, node, stateDir } = running
    engine.pieces = [ANSWER, ' ', ANSWER]
    const secrets: string[] = [PROMPT, ANSWER, Buffer.from(client.sessionKey).toString('hex')]
    const send = async (body: string): Promise<Response> => {
      const signed = client.sign(body)
      secrets.push(signed.salt, signed.signature, encodeAuthorization(signed))
      return fetch(client.request(body, signed))
    }
    expect((await send(BODY)).status).toBe(200)
    const signed = client.sign(STREAM)
    secrets.push(signed.salt, signed.signature)
    const stream = await readStreamAnswer(await fetch(client.request(STREAM, signed)), signed.salt)
    expect(stream.text).toContain(ANSWER)
    // Every way a request can fail, too.
    await (await send(STREAM)).body?.cancel()
    await send(chatBody({ messages: [{ role: PROMPT, content: PROMPT }] }))
    await send(`${BODY}${PROMPT}`)
    await fetch(client.request(BODY, signed))
    engine.failAt = { piece: 0, error: new EngineError('ENGINE_FAILED', PROMPT) }
    await send(BODY)
    engine.failAt = { piece: 1, error: new EngineError('ENGINE_FAILED', PROMPT) }
    await (await send(STREAM)).text().catch(() => undefined)
    Object.assign(engine, {
      countPromptTokens: () => {
        throw new Error(PROMPT)
      },
    })
    await send(BODY)
    await node.drain()

    const text = logs.join('')
    expect(text).toContain('"level":20')
    expect(text).toContain('internal error')
    expect(text).toContain('settled')
    for (const secret of secrets) expect(text).not.toContain(secret.replace(/^0x/, ''))
    expect(text).not.toMatch(/"(hostname|pid)"/)

    const disk = await filesUnder(stateDir)
    expect(disk).toContain(authHashOf(signed))
    for (const secret of [PROMPT, ANSWER, signed.salt]) expect(disk).not.toContain(secret)
  })

  test('E10 no_prompt_in_logs: nor does the HTTP server print what an engine says of a failure', async () => {
    const { client, engine, node } = await startNode()
    const cause = new Error(`cannot tokenise ${PROMPT}`)
    engine.failAt = { piece: 2, error: new EngineError('ENGINE_FAILED', PROMPT, { cause }) }
    const printed: unknown[] = []
    const methods = ['log', 'info', 'warn', 'error'] as const
    const spies = methods.map((method) =>
      vi.spyOn(console, method).mockImplementation((...values) => void printed.push(...values)),
    )
    const server = await listen(node.app, 0, '127.0.0.1')
    const response = await fetch(`http://127.0.0.1:${server.port}${CHAT_PATH}`, {
      method: 'POST',
      body: STREAM,
      headers: { [AUTHORIZATION_HEADER]: encodeAuthorization(client.sign(STREAM)) },
    })
    let received = ''
    const reading = (async () => {
      for await (const chunk of response.body ?? []) received += Buffer.from(chunk).toString()
    })()
    await expect(reading).rejects.toThrow()
    await server.close()
    for (const spy of spies) spy.mockRestore()
    expect(inspect(printed, { depth: Infinity })).not.toContain(PROMPT)
    expect(received).not.toContain(PROMPT)
  })

  test('N4 no_endpoint_returns_prompts: nothing the node answers afterwards holds content', async () => {
    const { client, fetch, engine, get } = await startNode()
    engine.pieces = [ANSWER]
    const answer = await fetch(client.request(BODY))
    const receiptId = answer.headers.get('x-receipt-id') ?? ''
    const paths = [
      '/health',
      '/v1/models',
      '/v1/chat/completions',
      `/v1/chat/completions/${receiptId}`,
      `/v1/receipts/${receiptId}`,
      `/v1/signature/${receiptId}`,
      `/v1/attestation?nonce=${'ab'.repeat(32)}`,
      '/metrics',
      '/logs',
    ]
    for (const path of paths) {
      const text = await (await get(path)).text()
      expect(text).not.toContain(PROMPT)
      expect(text).not.toContain(ANSWER)
    }
  })

  test('E10 an error answer repeats nothing of what was sent', async () => {
    const { client, fetch } = await startNode()
    const bodies = [
      chatBody({ messages: [{ role: PROMPT, content: 'x' }] }),
      chatBody({ temperature: PROMPT }),
      chatBody({ stop: [{ a: PROMPT }] }),
      chatBody({ response_format: { type: PROMPT } }),
      `{"${PROMPT}`,
    ]
    for (const body of bodies) {
      const answer = await fetch(client.request(body))
      expect(answer.status).toBe(400)
      expect(await answer.text()).not.toContain(PROMPT)
    }
  })

  test('what is handed to the log by mistake is cut by name', () => {
    const lines: string[] = []
    const logger = createLogger('trace', { write: (line) => void lines.push(line) })
    logger.info({ key: 'k1', request: { salt: 's1', messages: ['m1'] }, authHash: 'a1' }, 'x')
    expect(lines.join('')).not.toMatch(/k1|s1|m1/)
    expect(lines.join('')).toContain('a1')
  })
})
