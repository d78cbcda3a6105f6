import { MAX_REQUEST_BYTES, randomBytes32, toHex } from '@jeju/verifier/protocol'
import { afterAll, expect, test } from 'vitest'
import { EngineError } from '../../enclave/src/engine/engine-error.ts'
import { GuestAgentError } from '../../enclave/src/guest-agent/guest-agent.ts'
import { NODE_ERRORS } from '../../enclave/src/http/node-error.ts'
import { buildNode, cleanUp, startNode } from './setting/start-node.ts'
import { CHAT_PATH, chatBody, type SigningLies } from './setting/test-client.ts'

afterAll(cleanUp)

/** Reads an error as a client of OpenAI's does, and returns its code. */
async function codeOf(response: Response): Promise<string> {
  const document: unknown = await response.json()
  expect(response.headers.get('content-type')).toMatch(/^application\/json/)
  const shape = { message: expect.any(String) as string, type: '', code: '', param: null }
  expect(document).toHaveProperty('error')
  const { error } = document as { error: Record<keyof typeof shape, string | null> }
  expect(Object.keys(document as object)).toEqual(['error'])
  expect(new Set(Object.keys(error))).toEqual(new Set(Object.keys(shape)))
  const code = String(error.code)
  const known = Object.entries(NODE_ERRORS).find(([name]) => name === code)?.[1]
  expect([code, response.status, error.type]).toEqual([code, known?.status, known?.type])
  expect(error.message).toMatch(/^[^\n]{3,300}$/)
  const waits = response.status === 429 || response.status === 503
  expect(response.headers.get('retry-after')).toBe(waits ? '1' : null)
  return code
}

test("E19 every refusal is OpenAI's error document, with the status and type of its code", async () => {
  let agentFails = false
  const running = await startNode({
    agent: (real) => ({
      ...real,
      quote: (data) =>
        agentFails
          ? Promise.reject(new GuestAgentError('GUEST_AGENT_TIMEOUT', 'GetQuote: no answer'))
          : real.quote(data),
    }),
  })
  const { client, fetch, get, engine, chain, node } = running
  const send = async (body: string, lies: SigningLies = {}): Promise<string> =>
    codeOf(await fetch(client.request(body, client.sign(body, lies))))
  const bare = (headers: Record<string, string>): Promise<Response> =>
    fetch(new Request(`http://node.test${CHAT_PATH}`, { method: 'POST', body: '{}', headers }))
  const BODY = chatBody()
  const seen: string[] = [
    await send('{}'),
    await send(chatBody({ logit_bias: { '1': 1 } })),
    await send(chatBody({ messages: Array(26).fill({ role: 'user', content: 'x' }) })),
    await send(BODY, { key: randomBytes32() }),
    await send(BODY, { validUntil: 1n }),
    await send(BODY, { requestHash: toHex(randomBytes32()) }),
    await send(BODY, { channelId: toHex(randomBytes32()) }),
    await send(BODY, { maxFee: 2n ** 127n }),
    await send(BODY, { maxFee: 1n }),
    await send(BODY, { bindingId: toHex(randomBytes32()) }),
    await send(chatBody({ model: 'another' })),
    await send(chatBody({ user: 'x'.repeat(MAX_REQUEST_BYTES) })),
    await codeOf(await bare({})),
    await codeOf(await bare({ 'compute-authorization': '{}' })),
    await codeOf(await get('/v1/nothing')),
    await codeOf(await get(`/v1/evidence/${'ab'.repeat(32)}`)),
    await codeOf(await get(CHAT_PATH)),
    await codeOf(await get('/v1/attestation')),
    await codeOf(await get('/v1/aci/receipts/none')),
    await codeOf(await get('/v1/attestation/report?include_tls_fingerprint=true')),
    await send(chatBody({ provider: { aci_session_ids: ['ab'.repeat(32)] } })),
    await codeOf(await bare({ 'ehbp-encapsulated-key': 'ab'.repeat(32) })),
  ]
  const signed = client.sign(BODY)
  expect((await fetch(client.request(BODY, signed))).status).toBe(200)
  seen.push(await codeOf(await fetch(client.request(BODY, signed))))
  engine.failAt = { piece: 0, error: new EngineError('ENGINE_BUSY', 'full') }
  seen.push(await send(BODY))
  engine.failAt = { piece: 0, error: new EngineError('ENGINE_FAILED', 'broken') }
  seen.push(await send(BODY))
  chain.down = true
  seen.push(await send(BODY))
  chain.down = false
  agentFails = true
  seen.push(await codeOf(await get(`/v1/attestation?nonce=${'ab'.repeat(32)}`)))
  Object.assign(engine, { countPromptTokens: () => faulty() })
  seen.push(await send(BODY))
  await node.drain()
  seen.push(await send(BODY))
  const starting = await buildNode({ unapproved: true })
  seen.push(await codeOf(await starting.fetch(starting.client.request(BODY))))
  await starting.node.drain()

  // Tested with GPUs, with requests that are no HTTP, with the queue of quotes, with the limits, with sealed bodies, with vouchers, and with the log
  // of receipts.
  const elsewhere = [
    'attestation_busy',
    'gpu_unavailable',
    'headers_too_large',
    'inclusion_pending',
    'rate_limited',
    'request_timeout',
    'too_many_requests',
    'sealing_required',
    'sealed_key_mismatch',
    'sealed_replay',
    'voucher_invalid',
    'voucher_missing',
    'voucher_too_low',
  ]
  const others = Object.keys(NODE_ERRORS).filter((code) => !elsewhere.includes(code))
  expect(new Set(seen)).toEqual(new Set(others))
})

function faulty(): never {
  throw new TypeError('a fault of this program')
}
