import { setTimeout as delay } from 'node:timers/promises'
import {
  AUTHORIZATION_HEADER,
  encodeAuthorization,
  FINISH_CODES,
  randomBytes32,
  toBase64Url,
  toHex,
  utf8,
  type Hex,
} from '@jeju/verifier/protocol'
import { afterAll, describe, expect, test } from 'vitest'
import { EngineError } from '../../enclave/src/engine/engine-error.ts'
import { cleanUp, startNode, type Running } from './setting/start-node.ts'
import { CHAT_PATH, chatBody, errorOf, type SigningLies } from './setting/test-client.ts'

afterAll(cleanUp)

const BODY = chatBody()

function post(header: string | undefined, body = BODY): Request {
  const headers = header === undefined ? {} : { [AUTHORIZATION_HEADER]: header }
  return new Request(`http://node.test${CHAT_PATH}`, { method: 'POST', body, headers })
}

const ascending = (a: number, b: number): number => a - b

async function refusal(
  running: Running,
  lies: SigningLies,
  body = BODY,
): Promise<{ status: number; code: string }> {
  const { client, fetch } = running
  const { status, code } = await errorOf(await fetch(client.request(body, client.sign(body, lies))))
  return { status, code }
}

describe('nothing is served unpaid', () => {
  test('N2 missing_header_is_402', async () => {
    const { fetch, engine } = await startNode()
    expect(await errorOf(await fetch(post(undefined)))).toMatchObject({
      status: 402,
      code: 'authorization_missing',
    })
    expect(engine.requests).toEqual([])
  })

  test('N3 malformed_signature_is_401: and every other malformed header', async () => {
    const { client, fetch, engine } = await startNode()
    const signed = client.sign(BODY)
    const good = encodeAuthorization(signed)
    const json = new TextDecoder().decode(Buffer.from(good, 'base64url'))
    const encode = (text: string): string => toBase64Url(utf8(text))
    const highS: Hex = `0x${'ff'.repeat(64)}1b`
    const zeroV: Hex = `0x${signed.signature.slice(2, 130)}00`
    const table = {
      empty: '',
      'not base64url': '***',
      padded: `${good}=`,
      'not JSON': encode('hello'),
      'JSON with spaces': encode(json.replace(',', ', ')),
      'a doubled member': encode(json.replace('{', '{"v":1,')),
      'an unknown member': encode(json.replace('"v":1', '"v":1,"w":1')),
      'another version': encode(json.replace('"v":1', '"v":2')),
      'a short signature': encode(json.replace(signed.signature, signed.signature.slice(0, 100))),
      'uppercase hex': encode(json.replace(signed.salt, signed.salt.toUpperCase())),
      'a number for a decimal string': encode(json.replace('"maxFee":"1000"', '"maxFee":1000')),
      'a negative number': encode(json.replace('"maxFee":"1000"', '"maxFee":"-1000"')),
      'a signature out of range': encodeAuthorization({ ...signed, signature: highS }),
      'v of zero': encodeAuthorization({ ...signed, signature: zeroV }),
      'too long': 'A'.repeat(9000),
    }
    for (const [name, header] of Object.entries(table)) {
      const { status } = await fetch(post(header))
      expect([name, status]).toEqual([name, 401])
    }
    expect(engine.requests).toEqual([])
  })

  test('N3 auth_body_swap_rejected: another body, salt, path or method is another request', async () => {
    const { client, fetch, engine } = await startNode()
    const signed = client.sign(BODY)
    const swapped = post(encodeAuthorization(signed), chatBody({ seed: 1 }))
    expect(await errorOf(await fetch(swapped))).toMatchObject({ code: 'request_hash_mismatch' })
    const salted = encodeAuthorization({ ...signed, salt: toHex(randomBytes32()) })
    expect(await errorOf(await fetch(post(salted)))).toMatchObject({
      code: 'request_hash_mismatch',
    })
    const elsewhere = new Request(`http://node.test${CHAT_PATH}/`, post(undefined))
    expect((await fetch(elsewhere)).status).toBe(404)
    expect(engine.requests).toEqual([])
  })

  test('N3 F14 auth_for_other_node_rejected: each rule of docs/protocol.md §5 has its own refusal', async () => {
    const running = await startNode()
    const { chain, client, engine } = running
    const now = chain.now()
    const channel = chain.channels.get(client.channelId)
    if (channel === undefined) throw new Error('no channel')
    const withChannel = async (
      changes: Partial<typeof channel>,
    ): Promise<{ status: number; code: string }> => {
      chain.channels.set(client.channelId, { ...channel, ...changes })
      const answer = await refusal(running, {})
      chain.channels.set(client.channelId, channel)
      return answer
    }
    const refused = {
      otherKey: await refusal(running, { key: randomBytes32() }),
      otherBinding: await refusal(running, { bindingId: toHex(randomBytes32()) }),
      unknownChannel: await refusal(running, { channelId: toHex(randomBytes32()) }),
      expired: await refusal(running, { validUntil: now - 1n }),
      tooLong: await refusal(running, { validUntil: now + 3700n }),
      overdrawn: await refusal(running, { maxFee: channel.locked + 1n }),
      tooLow: await refusal(running, { maxFee: 15n }),
      otherAgent: await withChannel({ agentId: 1n }),
      otherService: await withChannel({ serviceId: 1 }),
      closed: await withChannel({ state: 'closed' }),
      closingSoon: await withChannel({ state: 'closing', closeAt: now + 14n * 60n }),
      spent: await withChannel({ spent: channel.locked - 999n }),
    }
    expect(refused).toEqual({
      otherKey: { status: 401, code: 'authorization_invalid' },
      otherBinding: { status: 409, code: 'wrong_binding' },
      unknownChannel: { status: 402, code: 'channel_not_usable' },
      expired: { status: 401, code: 'authorization_expired' },
      tooLong: { status: 401, code: 'authorization_expired' },
      overdrawn: { status: 402, code: 'insufficient_funds' },
      tooLow: { status: 402, code: 'max_fee_too_low' },
      otherAgent: { status: 402, code: 'channel_not_usable' },
      otherService: { status: 402, code: 'channel_not_usable' },
      closed: { status: 402, code: 'channel_not_usable' },
      closingSoon: { status: 402, code: 'channel_not_usable' },
      spent: { status: 402, code: 'insufficient_funds' },
    })
    expect(engine.requests).toEqual([])
  })

  test('N11 settles_before_close: a closing channel is served while there is time to settle', async () => {
    const { chain, client, fetch, node } = await startNode()
    const channel = chain.channels.get(client.channelId)
    if (channel === undefined) throw new Error('no channel')
    const closeAt = chain.now() + 3600n
    chain.channels.set(client.channelId, { ...channel, state: 'closing', closeAt })
    expect((await fetch(client.request(BODY))).status).toBe(200)
    await node.drain()
    expect(chain.channels.get(client.channelId)?.spent).toBe(40n)
  })

  test('N9 rollback_rechecks_chain: a chain that cannot be asked is a refusal, and to be tried again', async () => {
    const { chain, client, fetch, engine } = await startNode()
    chain.down = true
    const answer = await fetch(client.request(BODY))
    expect(answer.headers.get('retry-after')).toBe('1')
    expect(await errorOf(answer)).toMatchObject({ status: 503, code: 'chain_unavailable' })
    chain.down = false
    expect(engine.requests).toEqual([])
  })
})

describe('an authorisation is used once', () => {
  test('K11 repeated_auth: 409, while it runs, after it, and when the money is gone', async () => {
    const { client, fetch, engine, chain } = await startNode()
    engine.holdAt = 1
    const signed = client.sign(BODY)
    const first = fetch(client.request(BODY, signed))
    await delay(20)
    const used = { status: 409, code: 'authorization_already_used' }
    expect(await errorOf(await fetch(client.request(BODY, signed)))).toMatchObject(used)
    engine.release()
    expect((await first).status).toBe(200)
    expect(await errorOf(await fetch(client.request(BODY, signed)))).toMatchObject(used)
    const channel = chain.channels.get(client.channelId)
    if (channel === undefined) throw new Error('no channel')
    chain.channels.set(client.channelId, { ...channel, spent: channel.locked })
    const calls = chain.calls.length
    expect(await errorOf(await fetch(client.request(BODY, signed)))).toMatchObject(used)
    // A repeat costs the node no question to the chain.
    expect(chain.calls).toHaveLength(calls)
    expect(engine.requests).toHaveLength(1)
  })

  test('N3 auth_replay_rejected: nor another authorisation with the same nonce', async () => {
    const running = await startNode()
    expect((await running.fetch(running.client.request(BODY))).status).toBe(200)
    expect(await refusal(running, { nonce: 0n, maxFee: 999n })).toEqual({
      status: 409,
      code: 'authorization_already_used',
    })
  })

  test('ten at once: one is served', async () => {
    const { client, fetch, engine } = await startNode()
    const signed = client.sign(BODY)
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => fetch(client.request(BODY, signed))),
    )
    expect(answers.map(({ status }) => status).toSorted(ascending)).toEqual([
      200,
      ...Array.from({ length: 9 }, () => 409),
    ])
    expect(engine.requests).toHaveLength(1)
  })

  test('a failed request burns its authorisation and frees the money', async () => {
    const running = await startNode()
    const { client, fetch, engine } = running
    engine.failAt = { piece: 0, error: new EngineError('ENGINE_FAILED', 'broken') }
    const signed = client.sign(BODY, { maxFee: 1_000_000n })
    expect((await fetch(client.request(BODY, signed))).status).toBe(502)
    engine.failAt = undefined
    expect((await fetch(client.request(BODY, signed))).status).toBe(409)
    expect((await fetch(client.request(BODY, client.sign(BODY)))).status).toBe(200)
  })

  test('a request that was refused before the work may be tried again', async () => {
    const { client, fetch } = await startNode()
    const wrong = chatBody({ model: 'another' })
    const signed = client.sign(wrong)
    for (let time = 0; time < 2; time++) {
      expect(await errorOf(await fetch(client.request(wrong, signed)))).toMatchObject({
        status: 404,
        code: 'model_not_found',
        param: 'model',
      })
    }
  })
})

describe('reservations', () => {
  test('N2 parallel_requests_cannot_overspend', async () => {
    const { client, fetch, engine, chain, node } = await startNode()
    const channel = chain.channels.get(client.channelId)
    if (channel === undefined) throw new Error('no channel')
    chain.channels.set(client.channelId, { ...channel, locked: 3_500n })
    engine.holdAt = 0
    const answers = Array.from({ length: 8 }, () => fetch(client.request(BODY)))
    await delay(50)
    engine.release()
    const statuses = (await Promise.all(answers)).map(({ status }) => status)
    // Of 3500 wei three requests of at most 1000 can be promised.
    expect(statuses.toSorted(ascending)).toEqual([200, 200, 200, 402, 402, 402, 402, 402])
    await node.drain()
    expect(chain.channels.get(client.channelId)?.spent).toBe(120n)
  })

  test('a paid fee stays reserved until a lagging read must have caught up', async () => {
    const { client, fetch, chain, clock } = await startNode({ config: { settleIntervalMs: 20 } })
    const channel = chain.channels.get(client.channelId)
    if (channel === undefined) throw new Error('no channel')
    chain.channels.set(client.channelId, { ...channel, locked: 1_039n })
    expect((await fetch(client.request(BODY))).status).toBe(200)
    await delay(100)
    expect(chain.channels.get(client.channelId)?.spent).toBe(40n)
    // The RPC answers with the state before that settlement: 1039 wei look free, 999 are.
    chain.channels.set(client.channelId, { ...channel, locked: 1_039n })
    expect(await errorOf(await fetch(client.request(BODY)))).toMatchObject({
      code: 'insufficient_funds',
    })
    chain.channels.set(client.channelId, { ...channel, locked: 1_040n, spent: 40n })
    clock.pass(31)
    expect((await fetch(client.request(BODY))).status).toBe(200)
  })

  test('max_tokens is bounded by what the fee affords', async () => {
    const { client, fetch, engine } = await startNode()
    const answer = await fetch(client.request(BODY, client.sign(BODY, { maxFee: 22n })))
    expect(await answer.json()).toMatchObject({
      usage: { completion_tokens: 2 },
      choices: [{ finish_reason: 'length' }],
    })
    expect(engine.requests).toMatchObject([{ maxTokens: 2 }])
    expect(FINISH_CODES.length).toBe(1)
  })
})
