import {
  AUTHORIZATION_HEADER,
  createResponseHasher,
  encodeAuthorization,
  RECEIPT_HEADER,
  sha256,
  toBareHex,
  toHex,
  utf8,
  PROMPT_ENDPOINTS,
  parseComputeReceipt,
  fromBase64Url,
  SseReceiptSplitter,
  type Hex,
} from '@jeju/verifier/protocol'
import { EHBP_X25519, sealRequest, x25519PublicKey, type SealingKey } from '@jeju/verifier/sealing'
import { verifyReceipt } from '@jeju/verifier'
import { afterAll, describe, expect, test } from 'vitest'
import { EngineError } from '../../enclave/src/engine/engine-error.ts'
import { createExchange } from '../../enclave/src/exchange/exchange.ts'
import { createUnsealer } from '../../enclave/src/sealing/unsealer.ts'
import { minimalEhbpRequest } from '../verifier/sealing/minimal-hpke.ts'
import { objections } from '../check-names.ts'
import { expectationOf } from './setting/expected-receipt.ts'
import { MODEL } from './setting/scripted-engine.ts'
import { keysOf, open, post } from './setting/sealed-requests.ts'
import { cleanUp, startNode } from './setting/start-node.ts'
import { authHashOf, chatBody, contentOf, errorOf } from './setting/test-client.ts'

afterAll(cleanUp)

const STREAM_BODIES = {
  '/v1/chat/completions': chatBody({ stream: true }),
  '/v1/completions': JSON.stringify({ model: MODEL, prompt: 'Wie geht es?', stream: true }),
  '/v1/responses': JSON.stringify({ model: MODEL, input: 'Wie geht es?', stream: true }),
  '/v1/messages': JSON.stringify({
    model: MODEL,
    max_tokens: 32,
    messages: [{ role: 'user', content: 'Wie geht es?' }],
    stream: true,
  }),
} as const
const STREAMED = Object.keys(STREAM_BODIES) as readonly (keyof typeof STREAM_BODIES)[]

const RECEIPT_FRAME_START = 'event: receipt\n'
const TEXT = 'Ja, gern. Grüße aus dem TD 🎉'
const decoder = new TextDecoder()

function hashOf(salt: Hex, pieces: readonly Uint8Array[]): Hex {
  const hasher = createResponseHasher(salt)
  for (const piece of pieces) hasher.update(piece)
  return hasher.digest()
}

describe.each([0, 1])('suite %i', (suite) => {
  test('a JSON answer: sealed both ways, the receipt over the bytes of the wire', async () => {
    const running = await startNode()
    const key = (await keysOf(running))[suite] as SealingKey
    const body = chatBody()
    const sealed = await sealRequest(key, utf8(body))
    const signed = running.client.sign(sealed.body)
    const response = await running.fetch(post(sealed, signed))
    expect(response.status).toBe(200)
    const { text, pieces } = await open(sealed, response)
    expect(pieces).toHaveLength(1)
    expect(JSON.parse(text)).toMatchObject({ choices: [{ message: { content: TEXT } }] })
    const receipt = decoder.decode(fromBase64Url(response.headers.get(RECEIPT_HEADER) ?? ''))
    const report = verifyReceipt(
      {
        receipt: { text: receipt },
        responseHash: hashOf(
          signed.salt,
          pieces.map(({ wire }) => wire),
        ),
        responseBytes: text.length,
      },
      await expectationOf(running, signed, body),
    )
    expect(objections(report)).toEqual([])
    // The plaintext is not what was signed.
    expect(hashOf(signed.salt, [utf8(text)])).not.toBe(
      parseComputeReceipt(receipt).receipt.responseHash,
    )
  })

  test('E11 public_hash_not_guessable: the record of a sealed request says nothing of what was opened', async () => {
    const running = await startNode()
    const key = (await keysOf(running))[suite] as SealingKey
    const body = utf8(chatBody())
    const sealed = await sealRequest(key, body)
    const signed = running.client.sign(sealed.body)
    const answer = await open(sealed, await running.fetch(post(sealed, signed)))
    // Whoever carries the request has its authorisation, which is what the record is asked for with.
    const record = await running.fetch(
      new Request(`http://node.test/v1/aci/receipts/${authHashOf(signed)}`, {
        headers: { [AUTHORIZATION_HEADER]: encodeAuthorization(signed) },
      }),
    )
    expect(record.status).toBe(200)
    const text = await record.text()
    expect(text).toContain(toBareHex(sha256(sealed.body)))
    for (const opened of [body, utf8(answer.text)]) {
      expect(text).not.toContain(toBareHex(sha256(opened)))
    }
  })

  test('a stream: whole frames sealed one by one, the receipt in one of its own', async () => {
    const running = await startNode()
    const key = (await keysOf(running))[suite] as SealingKey
    const body = chatBody({ stream: true })
    const sealed = await sealRequest(key, utf8(body))
    const signed = running.client.sign(sealed.body)
    const response = await running.fetch(post(sealed, signed))
    const { text, pieces } = await open(sealed, response)
    expect(contentOf(text.slice(0, text.indexOf(RECEIPT_FRAME_START)))).toBe(TEXT)
    const splitter = new SseReceiptSplitter()
    const covered = pieces.filter(({ plain }) => {
      const given = splitter.push(utf8(plain)).length
      expect([0, utf8(plain).length]).toContain(given)
      return given > 0
    })
    const { receipt } = splitter.end()
    expect(receipt.receipt.responseHash).toBe(
      hashOf(
        signed.salt,
        covered.map(({ wire }) => wire),
      ),
    )
    // E9 stream_truncation_rejected: without its last piece it is another hash.
    expect(receipt.receipt.responseHash).not.toBe(
      hashOf(
        signed.salt,
        covered.slice(0, -1).map(({ wire }) => wire),
      ),
    )
  })

  test.each(STREAMED)('E8 every_endpoint_sealed_or_refused: the stream of %s', async (path) => {
    const running = await startNode()
    const key = (await keysOf(running))[suite] as SealingKey
    const sealed = await sealRequest(key, utf8(STREAM_BODIES[path]))
    const signed = running.client.sign(sealed.body, { path })
    const response = await running.fetch(post(sealed, signed, path))
    expect(response.status).toBe(200)
    const copy = response.clone()
    const { text, pieces } = await open(sealed, response)
    // Nothing of the answer is in clear, and the receipt covers the sealed frames before its own. Words of two letters
    // are left out: ciphertext has them by chance.
    const wire = decoder.decode(await copy.arrayBuffer())
    for (const word of ['gern', 'event', 'data', 'receipt']) {
      expect(text).toContain(word)
      expect(wire).not.toContain(word)
    }
    const splitter = new SseReceiptSplitter(PROMPT_ENDPOINTS[path] ?? 'chat')
    const covered = pieces.filter(({ plain }) => splitter.push(utf8(plain)).length > 0)
    const { receipt, held } = splitter.end()
    const waiting = pieces.filter(
      ({ plain }) => held.length > 0 && decoder.decode(held).includes(plain),
    )
    expect(receipt.receipt.responseHash).toBe(
      hashOf(
        signed.salt,
        [...covered, ...waiting].map(({ wire: bytes }) => bytes),
      ),
    )
  })

  test('E9 sealed_replay_rejected: with the same authorisation, and with one of its own', async () => {
    const running = await startNode()
    const key = (await keysOf(running))[suite] as SealingKey
    const sealed = await sealRequest(key, utf8(chatBody()))
    const first = running.client.sign(sealed.body)
    expect((await running.fetch(post(sealed, first))).status).toBe(200)
    for (const signed of [first, running.client.sign(sealed.body)]) {
      const again = await running.fetch(post(sealed, signed))
      expect(await errorOf(again)).toMatchObject({ status: 409, code: 'sealed_replay' })
    }
    expect(running.engine.requests).toHaveLength(1)
  })

  test('E12 engine_error_sealed: errors say nothing outside', async () => {
    const running = await startNode()
    const key = (await keysOf(running))[suite] as SealingKey
    const errors: { body: string; fail?: boolean; sign?: boolean; code: string }[] = [
      { body: chatBody({ logit_bias: { '1': 1 } }), code: 'unsupported_field' },
      { body: '{', code: 'invalid_request' },
      { body: chatBody(), sign: false, code: 'authorization_missing' },
      { body: chatBody(), fail: true, code: 'engine_failed' },
    ]
    for (const { body, fail = false, sign = true, code } of errors) {
      const sealed = await sealRequest(key, utf8(body))
      if (fail) {
        running.engine.failAt = { piece: 0, error: new EngineError('ENGINE_FAILED', 'broken') }
      }
      const signed = sign ? running.client.sign(sealed.body) : undefined
      const response = await running.fetch(post(sealed, signed))
      const raw = decoder.decode(await response.clone().arrayBuffer())
      expect(raw).not.toContain('error')
      const { text } = await open(sealed, response)
      const status = response.status
      expect([status >= 400, JSON.parse(text)]).toMatchObject([true, { error: { code } }])
    }
  })
})

test('an EHBP client that shares no code is served, stream and all', async () => {
  const running = await startNode()
  const key = (await keysOf(running))[0] as SealingKey
  const request = minimalEhbpRequest(key.publicKey, utf8(chatBody({ stream: true })))
  const sealed = { body: request.body, headers: { 'ehbp-encapsulated-key': request.header } }
  const signed = running.client.sign(new Uint8Array(request.body))
  const response = await running.fetch(post(sealed, signed))
  const wire = new Uint8Array(await response.arrayBuffer())
  const text = request.open(response.headers.get('ehbp-response-nonce') ?? '', wire).toString()
  expect(contentOf(text.slice(0, text.indexOf(RECEIPT_FRAME_START)))).toBe(TEXT)
  expect(text.endsWith('data: [DONE]\n\n')).toBe(true)
})

test('an error that takes the place of an answer already covered is read whole', async () => {
  const key = { suite: EHBP_X25519, publicKey: x25519PublicKey(new Uint8Array(32).fill(7)) }
  const sealed = await sealRequest(key, utf8('{}'))
  const unsealer = createUnsealer([
    {
      ...key,
      keyId: '',
      privateKey: new Uint8Array(32).fill(7),
      custodyRole: '',
      custody: undefined as never,
    },
  ])
  const header = sealed.headers['ehbp-encapsulated-key'] ?? ''
  const wire = createExchange(sealed.body, await unsealer.open(header, sealed.body))
  wire.cover(utf8('{"answer":"long enough to be longer than the error"}'))
  wire.startOver()
  const body = wire.send(utf8('{"error":{}}'))
  const nonce = Buffer.from(wire.sealer?.nonce ?? []).toString('hex')
  const response = new Response(body, { headers: { 'ehbp-response-nonce': nonce } })
  expect((await open(sealed, response)).text).toBe('{"error":{}}')
  // Without it other bytes than were covered never leave.
  wire.cover(utf8('one'))
  expect(() => wire.send(utf8('two'))).toThrow('other than the one covered')
})

test('a reader who leaves a sealed stream frees its place, and owes what was handed out', async () => {
  const running = await startNode()
  running.engine.holdAt = 2
  const key = (await keysOf(running))[1] as SealingKey
  const sealed = await sealRequest(key, utf8(chatBody({ stream: true })))
  const response = await running.fetch(post(sealed, running.client.sign(sealed.body)))
  const reader = response.body?.getReader()
  await reader?.read()
  await reader?.read()
  await reader?.cancel()
  expect(running.engine.ends).toEqual(['aborted'])
})

test('E10 no_prompt_in_logs: nor keys, nor what was sealed', async () => {
  const running = await startNode()
  const key = (await keysOf(running))[0] as SealingKey
  const canary = 'quetzal-canary'
  const body = utf8(chatBody({ messages: [{ role: 'user', content: canary }] }))
  const sealed = await sealRequest(key, body)
  await (await running.fetch(post(sealed, running.client.sign(sealed.body)))).arrayBuffer()
  const logs = running.logs.join('')
  expect(logs).not.toContain(canary)
  expect(logs).not.toContain(sealed.headers['ehbp-encapsulated-key'])
  expect(logs).not.toContain(toHex(key.publicKey).slice(2))
})
