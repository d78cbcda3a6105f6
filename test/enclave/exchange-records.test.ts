import { createHash } from 'node:crypto'
import {
  verifyAciReceipt,
  verifyExchange,
  type AciReceiptExpectation,
} from '@jeju/verifier/dialects'
import {
  aciDigest,
  AUTHORIZATION_HEADER,
  decodeEvidence,
  encodeAuthorization,
  parseKeyset,
  sha256,
  toBareHex,
  utf8,
  type JsonValue,
  type SignedRequestAuth,
} from '@jeju/verifier/protocol'
import { sealingKeyOf, sealRequest } from '@jeju/verifier/sealing'
import { afterAll, describe, expect, test } from 'vitest'
import { readAciKeyset } from '../../verifier/src/aci/keyset.ts'
import { objections } from '../check-names.ts'
import { createLogger } from '../../enclave/src/logging.ts'
import { openRecordLog, type KeptExchange } from '../../enclave/src/records/record-log.ts'
import { openStore } from '../../enclave/src/storage/store.ts'
import { cleanUp, startNode, temporaryFolder, until, type Running } from './setting/start-node.ts'
import { authHashOf, CHAT_PATH, chatBody, errorOf } from './setting/test-client.ts'

afterAll(cleanUp)

/** One exchange as its client holds it. */
interface Held {
  readonly signed: SignedRequestAuth
  readonly sent: Uint8Array
  readonly received: Uint8Array
  readonly chatId: string
}

async function exchange(
  running: Running,
  members: object = {},
  headers: Record<string, string> = {},
): Promise<Held> {
  const body = chatBody(members)
  const signed = running.client.sign(body)
  const request = running.client.request(body, signed)
  for (const [name, value] of Object.entries(headers)) request.headers.set(name, value)
  const response = await running.fetch(request)
  const received = new Uint8Array(await response.arrayBuffer())
  expect(response.headers.get('x-receipt-id')).toBe(authHashOf(signed))
  const text = new TextDecoder().decode(received)
  const chatId = /"id":"(chatcmpl-[^"]*)"/.exec(text)?.[1] ?? ''
  return { signed, sent: utf8(body), received, chatId }
}

function ask(running: Running, path: string, signed?: SignedRequestAuth): Promise<Response> {
  const headers =
    signed === undefined ? {} : { [AUTHORIZATION_HEADER]: encodeAuthorization(signed) }
  return running.fetch(new Request(`http://node.test${path}`, { headers }))
}

async function expectationOf(running: Running, held: Held): Promise<AciReceiptExpectation> {
  const answer = await running.get(`/v1/attestation?nonce=${'ab'.repeat(32)}`)
  const { keyset } = decodeEvidence(new Uint8Array(await answer.arrayBuffer()))
  return {
    keyset: readAciKeyset(JSON.parse(keyset)),
    keysetDigest: aciDigest(utf8(keyset)),
    method: 'POST',
    endpoint: CHAT_PATH,
    requestHash: aciDigest(held.sent),
    responseHash: aciDigest(held.received),
    serving: 'direct',
    at: new Date(),
  }
}

describe('ACI receipts', () => {
  test.each([{}, { stream: true }])(
    'of %j: the transcript verifies, by either id',
    async (members) => {
      const running = await startNode()
      const held = await exchange(running, members)
      const expectation = await expectationOf(running, held)
      for (const id of [authHashOf(held.signed), held.chatId]) {
        const response = await ask(running, `/v1/aci/receipts/${id}`, held.signed)
        expect(response.status).toBe(200)
        const text = await response.text()
        expect(objections(verifyAciReceipt(text, expectation))).toEqual([])
        // E5 model_digest_in_receipt: this node's own receipt, with model, counts and price, stands under the signature.
        const { event_log: events } = JSON.parse(text) as { event_log: Record<string, JsonValue>[] }
        expect(events.map(({ type }) => type)).toEqual([
          'request.received',
          'request.forwarded',
          'jeju.compute_receipt',
          'response.returned',
        ])
        expect(events[2]).toMatchObject({ document: { model: 'scripted', price_version: 1 } })
      }
    },
  )

  test('E3 receipt_of_other_request_rejected, E14: nothing but the very bytes, in the very exchange', async () => {
    const running = await startNode()
    const [held, other] = [await exchange(running), await exchange(running, { stream: true })]
    const text = await (
      await ask(running, `/v1/aci/receipts/${authHashOf(held.signed)}`, held.signed)
    ).text()
    const expectation = await expectationOf(running, held)
    const wrong = objections(verifyAciReceipt(text, await expectationOf(running, other)))
    expect(wrong).toEqual(['receipt-request', 'receipt-response'])
    const changes: readonly (readonly [string, Partial<AciReceiptExpectation>])[] = [
      ['receipt-exchange', { endpoint: '/v1/completions' }],
      ['receipt-service', { keysetDigest: aciDigest(utf8('another')) }],
      ['receipt-time', { at: new Date(0) }],
      ['receipt-response', { responseHash: aciDigest(held.received.slice(0, -1)) }],
    ]
    for (const [check, change] of changes) {
      expect(objections(verifyAciReceipt(text, { ...expectation, ...change }))).toEqual([check])
    }
    // missing_signature_is_error
    expect(verifyAciReceipt(undefined, expectation).verdict.outcome).toBe('refused')
  })

  test('E11 receipt_needs_owner: without the authorisation 401, with another as if there were none', async () => {
    const running = await startNode()
    const [held, other] = [await exchange(running), await exchange(running)]
    const path = `/v1/aci/receipts/${authHashOf(held.signed)}`
    expect(await errorOf(await ask(running, path))).toMatchObject({
      status: 401,
      code: 'unauthorized',
      type: 'unauthorized',
    })
    const [wrong, none] = [
      await errorOf(await ask(running, path, other.signed)),
      await errorOf(await ask(running, '/v1/aci/receipts/none', held.signed)),
    ]
    expect(wrong).toEqual(none)
    expect(wrong).toMatchObject({ status: 404, type: 'not_found' })
    // As bearer too, where a client knows only that.
    const bearer = `Bearer ${encodeAuthorization(held.signed)}`
    const request = new Request(`http://node.test${path}`, { headers: { authorization: bearer } })
    expect((await running.fetch(request)).status).toBe(200)
  })

  test('E4 abort_has_receipt: for the bytes that left, and receipt_survives_restart', async () => {
    const running = await startNode()
    running.engine.holdAt = 2
    const body = chatBody({ stream: true })
    const signed = running.client.sign(body)
    const response = await running.fetch(running.client.request(body, signed))
    const reader = response.body?.getReader()
    const parts: Uint8Array[] = []
    for (let read = 0; read < 2; read++) {
      const { value } = (await reader?.read()) ?? {}
      if (value !== undefined) parts.push(value)
    }
    await reader?.cancel()
    const path = `/v1/aci/receipts/${authHashOf(signed)}`
    await until(async () => (await ask(running, path, signed)).status === 200)
    const text = await (await ask(running, path, signed)).text()
    const received = new Uint8Array(Buffer.concat(parts))
    const held = { signed, sent: utf8(body), received, chatId: '' }
    expect(objections(verifyAciReceipt(text, await expectationOf(running, held)))).toEqual([])
    await running.node.drain()
    const after = await running.restart()
    expect(await (await ask(after, path, signed)).text()).toBe(text)
  })

  test('a refusal of an authorised request has a receipt over the error, and none is made of strangers', async () => {
    const running = await startNode()
    const body = chatBody({ provider: { aci_session_ids: ['ab'.repeat(32)] } })
    const signed = running.client.sign(body)
    const response = await running.fetch(running.client.request(body, signed))
    expect(response.status).toBe(412)
    expect(response.headers.get('x-receipt-id')).toBe(authHashOf(signed))
    const received = new Uint8Array(await response.arrayBuffer())
    const path = `/v1/aci/receipts/${authHashOf(signed)}`
    const text = await (await ask(running, path, signed)).text()
    const held = { signed, sent: utf8(body), received, chatId: '' }
    expect(objections(verifyAciReceipt(text, await expectationOf(running, held)))).toEqual([])
    expect(text).not.toContain('request.forwarded')
    const forged = running.client.sign(body, { key: new Uint8Array(32).fill(1) })
    const refused = await running.fetch(running.client.request(body, forged))
    expect(refused.headers.get('x-receipt-id')).toBeNull()
  })

  test('refusals push out no record of what was served', async () => {
    const store = await openStore(await temporaryFolder())
    const log = await openRecordLog(store, createLogger('silent'), () => new Date())
    const record = (receiptId: string): KeptExchange => ({
      receiptId,
      chatId: null,
      model: null,
      credential: '',
      sealed: false,
      servedAt: Math.floor(Date.now() / 1000),
      requestSha256: '',
      responseSha256: '',
      receipt: {},
    })
    log.keep(record('served'), false)
    for (let index = 0; index < 3_000; index++) log.keep(record(`refused ${index}`), true)
    await log.flush()
    expect(await log.find('served')).toBeDefined()
    expect(await log.find('refused 0')).toBeUndefined()
    expect(await log.find('refused 2999')).toBeDefined()
    const rows = await store.all('SELECT 1 FROM exchanges')
    expect(rows.length).toBeLessThan(1_024 + 256 + 2)
    await store.close()
  })

  test('constraints of ACI are read or refused, never ignored', async () => {
    const running = await startNode()
    const code = async (provider: JsonValue): Promise<string | number> => {
      const body = chatBody({ provider })
      const response = await running.fetch(running.client.request(body))
      return response.status === 200 ? 200 : (await errorOf(response)).code
    }
    expect(await code({ aci_verified: true })).toBe(200)
    expect(await code({ aci_verified: false })).toBe(200)
    expect(await code({ aci_verified: 'yes' })).toBe('invalid_request')
    expect(await code({ aci_session_ids: [] })).toBe('invalid_request')
    expect(await code({ aci_session_ids: ['AB'.repeat(32)] })).toBe('invalid_request')
    expect(await code({ aci_verified: false, aci_session_ids: ['ab'.repeat(32)] })).toBe(
      'invalid_request',
    )
    expect(await code({ aci_other: 1 })).toBe('unsupported_field')
  })
})

describe('signatures of the vllm-proxy dialect', () => {
  const hex = (bytes: Uint8Array): string => toBareHex(sha256(bytes))

  test.each(['ecdsa', 'ed25519'] as const)('%s over the very bytes', async (signingAlgo) => {
    const running = await startNode()
    const held = await exchange(running, { stream: true })
    const report = JSON.parse(
      await (await running.get(`/v1/attestation/report?signing_algo=${signingAlgo}`)).text(),
    ) as { signing_address: string }
    const signer = {
      signingAlgo,
      signingAddress: report.signing_address,
      tlsSpkiSha256: undefined,
    }
    const path = `/v1/signature/${held.chatId}?model=scripted&signing_algo=${signingAlgo}`
    expect((await errorOf(await ask(running, path))).code).toBe('unauthorized')
    const text = await (await ask(running, path, held.signed)).text()
    const expectation = {
      model: 'scripted',
      requestSha256: hex(held.sent),
      responseSha256: hex(held.received),
      signer,
    }
    expect(verifyExchange(text, expectation).outcome).toBe('verified')
    // old_signed_pair_rejected
    const other = { ...expectation, responseSha256: hex(utf8('another')) }
    expect(verifyExchange(text, other).outcome).toBe('refused')
    const last = signer.signingAddress.endsWith('a') ? 'b' : 'a'
    const planted = { ...signer, signingAddress: signer.signingAddress.slice(0, -1) + last }
    expect(verifyExchange(text, { ...expectation, signer: planted }).outcome).toBe('refused')
    expect(verifyExchange(undefined, expectation).outcome).toBe('refused')
  })

  test('E1 request_hash_header_ignored', async () => {
    const running = await startNode()
    const held = await exchange(running, {}, { 'x-request-hash': 'ab'.repeat(32) })
    const answer = await ask(running, `/v1/signature/${held.chatId}`, held.signed)
    const { text } = (await answer.json()) as { text: string }
    expect(text).toBe(`scripted:${hex(held.sent)}:${hex(held.received)}`)
  })

  test('E11 public_hashes_are_salted: of a sealed exchange they are over ciphertext, and anybody may have them', async () => {
    const running = await startNode()
    const answer = await running.get(`/v1/attestation?nonce=${'ab'.repeat(32)}`)
    const { keyset } = decodeEvidence(new Uint8Array(await answer.arrayBuffer()))
    const key = sealingKeyOf(parseKeyset(keyset))
    if (key === undefined) throw new Error('no sealing key')
    const plain = utf8(chatBody())
    const sealed = await sealRequest(key, plain)
    const signed = running.client.sign(sealed.body)
    const request = running.client.request(sealed.body, signed)
    for (const [name, value] of Object.entries(sealed.headers)) request.headers.set(name, value)
    const response = await running.fetch(request)
    const received = new Uint8Array(await response.arrayBuffer())
    const signature = await ask(running, `/v1/signature/${authHashOf(signed)}`)
    const { text } = (await signature.json()) as { text: string }
    const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
    expect(text).toBe(`scripted:${digest(sealed.body)}:${digest(received)}`)
    expect(text).not.toContain(digest(plain))
  })
})
