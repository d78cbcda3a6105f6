import { createHash } from 'node:crypto'
import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  canonicalJson,
  ed25519PublicKey,
  fromBareHex,
  parseComputeReceipt,
  receiptDigest,
  toBareHex,
  utf8,
  verifyEd25519,
  type Hex,
  type JsonValue,
} from '@jeju/verifier/protocol'
import { describe, expect, test } from 'vitest'
import { createAnswerRecords } from '../../gateway/src/receipts/answer-records.ts'
import { readReceiptKey } from '../../gateway/src/receipts/receipt-key.ts'
import { servingDomain } from './network/deployment.ts'
import { jsonAnswer, streamAnswer, type Lie } from './network/signed-answer.ts'
import { answer, honest, type Responder } from './network/test-connection.ts'
import { codeOf, TestNetwork } from './network/test-network.ts'
import type { TestNode } from './network/test-node.ts'

const SEED = new Uint8Array(32).fill(0x31)
const FRAMES = ['data: {"choices":[{"delta":{"content":"a"}}]}\n\n']

type Document = { readonly [member: string]: JsonValue }
interface Events {
  readonly event_log: readonly [
    { readonly session_id: string },
    { readonly evidence_digest: string },
  ]
}

async function admitted(
  serve: (request: Parameters<Responder>[0], self: TestNode) => ReturnType<Responder>,
): Promise<{ network: TestNetwork; node: TestNode }> {
  const network = new TestNetwork({ receiptKey: SEED })
  const node = network.add({}, (self) => honest(self, (request) => serve(request, self)))
  await network.update()
  return { network, node }
}

function idOf(response: Response): string {
  return response.headers.get('x-request-id') ?? ''
}

/** Signature checked as anybody would: JCS of what was parsed, without the signature. */
function requireSigned({ signature, ...rest }: Document): void {
  if (typeof signature !== 'string') throw new Error('expected a signature')
  const key = toBareHex(ed25519PublicKey(SEED))
  expect(rest['public_key']).toBe(key)
  const holds = verifyEd25519(fromBareHex(signature), utf8(canonicalJson(rest)), fromBareHex(key))
  expect(holds).toBe(true)
}

describe('receipts of a gateway', () => {
  test('cite the receipt of the node, the session and the evidence of a JSON answer', async () => {
    const { network, node } = await admitted((request, self) => jsonAnswer(self, request, '{}'))
    const response = await network.ask(node.bindingId)
    const header = response.headers.get('compute-receipt') ?? ''
    const { receipt } = parseComputeReceipt(Buffer.from(header, 'base64url').toString('utf8'))
    const asked = await network.request(`/v1/receipts/${idOf(response)}`)
    const document: Document = await asked.json()
    requireSigned(document)
    expect(document).toMatchObject({
      type: 'jeju.gateway_receipt.v1',
      receipt_id: idOf(response),
      endpoint: '/v1/chat/completions',
      served_at: Math.floor(network.nowMs / 1000),
      event_log: [
        { type: 'upstream.verified', result: 'verified', required: true },
        {
          type: 'jeju.node_receipt',
          receipt_digest: receiptDigest(receipt, servingDomain),
          auth_hash: receipt.authHash,
          response_hash: receipt.responseHash,
          agent_id: node.agentId.toString(),
          binding_id: node.bindingId,
        },
      ],
    })
    const [verified, cited] = (document as unknown as Events).event_log
    const session = await network.request(`/v1/aci/sessions/${verified.session_id}`)
    const text = await session.text()
    expect(createHash('sha256').update(text).digest('hex')).toBe(verified.session_id)
    const { evidence } = JSON.parse(text) as { evidence: { digest: string } }
    expect(`sha256:${cited.evidence_digest.slice(2)}`).toBe(evidence.digest)
    const key = await (await network.request('/v1/receipts/key')).json()
    expect(key).toEqual({ algo: 'ed25519', public_key: document['public_key'] })
  })

  test('exist of a stream once its end was verified', async () => {
    const { network, node } = await admitted((request, self) => streamAnswer(self, request, FRAMES))
    const response = await network.ask(node.bindingId)
    await response.text()
    const document: Document = await (
      await network.request(`/v1/receipts/${idOf(response)}`)
    ).json()
    requireSigned(document)
    expect(document['receipt_id']).toBe(idOf(response))
  })

  const lie: Lie = { content: { model: 'larger' } }
  const none: readonly (readonly [string, Parameters<typeof admitted>[0]])[] = [
    ['a wrong JSON answer', (request, self) => jsonAnswer(self, request, '{}', lie)],
    ['a wrong stream', (request, self) => streamAnswer(self, request, FRAMES, lie)],
    ['a refusal', () => answer([utf8('{}')], { 'content-type': 'application/json' }, 400)],
  ]
  test.each(none)('F11 nothing is stated of %s', async (_name, serve) => {
    const { network, node } = await admitted(serve)
    const response = await network.ask(node.bindingId)
    await response.text()
    expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
    const asked = await network.request(`/v1/receipts/${idOf(response)}`)
    expect([asked.status, await codeOf(asked)]).toEqual([404, 'not_found'])
  })

  test('E11 hold no unsalted hash, no wallet and no channel', async () => {
    const body = '{"secret":1}'
    const { network, node } = await admitted((request, self) => jsonAnswer(self, request, body))
    const response = await network.ask(node.bindingId)
    const text = await (await network.request(`/v1/receipts/${idOf(response)}`)).text()
    expect(text).toContain(node.bindingId)
    expect(text).not.toContain(createHash('sha256').update(body).digest('hex'))
    expect(text).not.toContain('5a'.repeat(32))
    expect(text).not.toContain('ee'.repeat(20))
    expect(text).not.toContain('channel')
  })

  test('are forgotten after an hour, and cannot be changed', async () => {
    const { network, node } = await admitted((request, self) => jsonAnswer(self, request, '{}'))
    const id = idOf(await network.ask(node.bindingId))
    network.pass(59)
    const first = await (await network.request(`/v1/receipts/${id}`)).text()
    const document = JSON.parse(first) as Document
    requireSigned(document)
    expect(() => requireSigned({ ...document, receipt_id: 'another' })).toThrow()
    expect(await (await network.request(`/v1/receipts/${id}`)).text()).toBe(first)
    network.pass(2)
    expect((await network.request(`/v1/receipts/${id}`)).status).toBe(404)
  })

  test('F16 are bounded in number: the oldest go first', () => {
    const hash: Hex = `0x${'00'.repeat(32)}`
    const records = createAnswerRecords(() => new Date(0), 2)
    for (const requestId of ['a', 'b', 'c']) {
      records.add({
        requestId,
        path: '/v1/chat/completions',
        at: 0,
        agentId: 1n,
        bindingId: hash,
        sessionId: new Uint8Array(32),
        evidenceDigest: hash,
        model: 'm',
        modelId: hash,
        priceVersion: 1,
        fee: 1n,
        receipt: {
          authHash: hash,
          responseHash: hash,
          inputTokens: 1,
          outputTokens: 1,
          finish: 0,
          issuedAt: 1n,
        },
      })
    }
    expect(['a', 'b', 'c'].map((name) => records.get(name)?.requestId)).toEqual([
      undefined,
      'b',
      'c',
    ])
  })

  test('are given by no gateway without a key', async () => {
    const network = new TestNetwork()
    expect((await network.request('/v1/receipts/key')).status).toBe(404)
  })
})

describe('the key file', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'jeju-receipt-key-')), 'key')

  test('holds 64 lowercase hex digits, for this account alone', async () => {
    writeFileSync(file, `${toBareHex(SEED)}\n`, { mode: 0o600 })
    expect(await readReceiptKey(file)).toEqual(SEED)
    chmodSync(file, 0o644)
    await expect(readReceiptKey(file)).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  })

  test.each(['', 'ab', 'zz'.repeat(32)])('not %j, which no error quotes', async (text) => {
    writeFileSync(file, text, { mode: 0o600 })
    chmodSync(file, 0o600)
    await expect(readReceiptKey(file)).rejects.toThrow('expected 64 lowercase hex digits')
    await expect(readReceiptKey(`${file}-none`)).rejects.toThrow('cannot be read')
  })
})
