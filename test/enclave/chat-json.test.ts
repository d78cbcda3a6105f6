import {
  encodeComputeReceipt,
  FINISH_CODES,
  receiptDigest,
  recoverAddress,
  sha256,
  toHex,
  utf8,
} from '@jeju/verifier/protocol'
import { verifyReceipt } from '@jeju/verifier'
import { afterAll, describe, expect, test } from 'vitest'
import { servingDomain } from './setting/deployment.ts'
import { objections } from '../check-names.ts'
import { expectationOf } from './setting/expected-receipt.ts'
import { MODEL } from './setting/scripted-engine.ts'
import { cleanUp, startNode } from './setting/start-node.ts'
import { authHashOf, chatBody, errorOf, readJsonAnswer } from './setting/test-client.ts'

afterAll(cleanUp)

const ANSWER = 'Ja, gern. Grüße aus dem TD 🎉'

describe('a JSON answer', () => {
  test('E17 receipt_commits_to_bytes: the verifier accepts receipt, keys and counts', async () => {
    const running = await startNode()
    const { client, fetch } = running
    const body = chatBody()
    const signed = client.sign(body)
    const response = await fetch(client.request(body, signed))
    expect(response.status).toBe(200)
    expect(response.headers.get('x-receipt-id')).toBe(authHashOf(signed))
    const { receipt, responseHash, text } = await readJsonAnswer(response, signed.salt)
    expect(JSON.parse(text)).toMatchObject({
      object: 'chat.completion',
      model: MODEL,
      choices: [{ message: { role: 'assistant', content: ANSWER }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 5, completion_tokens: 5, total_tokens: 10 },
    })
    const report = verifyReceipt(
      {
        receipt: { text: encodeComputeReceipt(receipt) },
        responseHash,
        responseBytes: utf8(text).length,
        statedUsage: { inputTokens: 5, outputTokens: 5 },
      },
      await expectationOf(running, signed, body),
    )
    expect(objections(report)).toEqual([])
    expect(report.verdict).toMatchObject({ outcome: 'verified', fee: 40n })
  })

  test('E1 request_hash_header_ignored: the node hashes what it received', async () => {
    const { client, fetch } = await startNode()
    const body = chatBody()
    const signed = client.sign(body)
    const request = client.request(body, signed)
    request.headers.set('x-request-hash', toHex(sha256(utf8('chosen'))))
    const { receipt, responseHash } = await readJsonAnswer(await fetch(request), signed.salt)
    expect(receipt.receipt.responseHash).toBe(responseHash)

    const other = client.request(chatBody({ seed: 1 }), client.sign(body))
    other.headers.set('x-request-hash', client.sign(body).auth.requestHash)
    expect(await errorOf(await fetch(other))).toMatchObject({
      status: 401,
      code: 'request_hash_mismatch',
    })
  })

  test('E2 forwarded_bytes_are_hashed_bytes: JSON of the same meaning in other bytes is another request', async () => {
    const { client, fetch, engine } = await startNode()
    const body = chatBody({ seed: 7 })
    const spaced = JSON.stringify(JSON.parse(body), null, 1)
    const swapped = client.request(spaced, client.sign(body))
    expect(await errorOf(await fetch(swapped))).toMatchObject({ code: 'request_hash_mismatch' })
    expect(engine.requests).toEqual([])
    expect((await fetch(client.request(spaced))).status).toBe(200)
    expect(engine.requests).toMatchObject([
      { messages: [{ role: 'user', content: 'Wie geht es?' }], seed: 7 },
    ])
  })

  test('E2 wire_bytes_hashed: one changed byte of the answer is another hash', async () => {
    const { client, fetch } = await startNode()
    const body = chatBody()
    const signed = client.sign(body)
    const answer = await fetch(client.request(body, signed))
    const wire = new Uint8Array(await answer.clone().arrayBuffer())
    const { receipt, responseHash } = await readJsonAnswer(answer, signed.salt)
    expect(receipt.receipt.responseHash).toBe(responseHash)
    const at = wire.length - 2
    wire[at] = (wire[at] ?? 0) ^ 1
    const changed = new Response(wire, { headers: answer.headers })
    const held = await readJsonAnswer(changed, signed.salt)
    expect(held.receipt.receipt.responseHash).not.toBe(held.responseHash)
  })

  test('N18 the settled signature is by the signer of the statement', async () => {
    const { client, fetch, chain, node } = await startNode()
    const body = chatBody()
    const signed = client.sign(body)
    const answer = await fetch(client.request(body, signed))
    const { receipt } = await readJsonAnswer(answer, signed.salt)
    const signer = recoverAddress(
      receiptDigest(receipt.receipt, servingDomain),
      receipt.receiptSignature,
    )
    expect(chain.bindings.get(node.bindingId)?.signer).toBe(signer)
    expect(receipt.receipt).toMatchObject({ authHash: authHashOf(signed), finish: 0 })
  })

  test('a length bound ends with length, in body and receipt', async () => {
    const { client, fetch } = await startNode()
    const body = chatBody({ max_tokens: 2 })
    const signed = client.sign(body)
    const answer = await fetch(client.request(body, signed))
    const { receipt, text } = await readJsonAnswer(answer, signed.salt)
    expect(JSON.parse(text)).toMatchObject({
      choices: [{ message: { content: 'Ja, gern' }, finish_reason: 'length' }],
      usage: { completion_tokens: 2 },
    })
    expect(receipt.receipt).toMatchObject({ finish: FINISH_CODES.length, outputTokens: 2 })
  })
})
