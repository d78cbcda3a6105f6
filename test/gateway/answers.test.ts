import { PassThrough } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { requestHash, utf8, type Hex } from '@jeju/verifier/protocol'
import { parseFindings } from '../../sdk/src/findings/finding.ts'
import { judgeFindings } from '../../sdk/src/findings/provable.ts'
import { servingDomain } from './network/deployment.ts'
import type { ProviderRequest } from '../../gateway/src/admission/provider-connection.ts'
import { answer, honest, type Responder } from './network/test-connection.ts'
import { jsonAnswer, streamAnswer, streamEnd, type Lie } from './network/signed-answer.ts'
import { authorizationFor, codeOf, TestNetwork } from './network/test-network.ts'
import { TestNode } from './network/test-node.ts'
import { platform } from './network/test-network.ts'

const STREAM = { 'content-type': 'text/event-stream' }
const SEALED = { 'ehbp-encapsulated-key': 'cd'.repeat(32) }
const FRAMES = ['data: {"choices":[{"delta":{"content":"a"}}]}\n\n', 'data: {"b":1}\n\n']
const other = new TestNode(platform, { agentId: 9n })

describe('F11 response_verified_before_return', () => {
  const lies: readonly (readonly [string, Lie, string])[] = [
    ['another answer', { receipt: { responseHash: hash('aa') } }, 'receipt-response'],
    ['another request', { receipt: { authHash: hash('bb') } }, 'receipt-authorisation'],
    ['more than maxFee', { receipt: { outputTokens: 3_000_000 } }, 'receipt-price'],
    ['more tokens than bytes', { receipt: { outputTokens: 100 } }, 'receipt-usage'],
    ['another model', { content: { model: 'larger' } }, 'receipt-model'],
    ['other weights', { content: { modelId: hash('cc') } }, 'receipt-model'],
    ['another price', { content: { priceVersion: 2 } }, 'receipt-price'],
    ['another binding', { content: { bindingId: hash('dd') } }, 'receipt-document'],
    ['another keyset', { content: { keysetDigest: hash('ee') } }, 'receipt-document'],
  ]
  test.each(lies)('JSON: a receipt for %s', async (_name, lie, check) => {
    const { network, node } = await admitted((request, self) =>
      jsonAnswer(self, request, '{}', lie),
    )
    const response = await network.ask(node.bindingId)
    expect([response.status, await codeOf(response)]).toEqual([502, 'response_not_verified'])
    await expectFinding(network, node, check)
  })

  test.each(lies)('stream: a receipt for %s', async (_name, lie, check) => {
    const { network, node } = await admitted((request, self) =>
      streamAnswer(self, request, FRAMES, lie),
    )
    const text = await (await network.ask(node.bindingId)).text()
    expect(text.startsWith(FRAMES.join(''))).toBe(true)
    expect(text).toContain('response_not_verified')
    expect(text).not.toContain('[DONE]')
    expect(text).not.toContain('event: receipt')
    await expectFinding(network, node, check)
  })

  test('keys of somebody else', async () => {
    const { network, node } = await admitted((request) => {
      const { signerKey, receiptKeys, receiptContent } = other
      expect(signerKey).toBeDefined()
      const foreign = Object.create(other, {
        receiptKeys: { value: receiptKeys },
        receiptContent: { value: { ...receiptContent, ...node.receiptContent } },
      }) as TestNode
      return jsonAnswer(foreign, request, '{}')
    })
    expect((await network.ask(node.bindingId)).status).toBe(502)
    await expectFinding(network, node, 'receipt-signer')
  })

  test('a usage in the body that the receipt does not say', async () => {
    const body = '{"usage":{"prompt_tokens":3,"completion_tokens":2}}'
    const { network, node } = await admitted((request, self) => jsonAnswer(self, request, body))
    expect((await network.ask(node.bindingId)).status).toBe(502)
    await expectFinding(network, node, 'receipt-usage')
  })

  test.each([
    ['JSON without a receipt', () => answer([utf8('{}')], { 'content-type': 'application/json' })],
    ['a stream without one', () => answer([utf8('data: {}\n\ndata: [DONE]\n\n')], STREAM)],
    ['an empty stream', () => answer([], STREAM)],
  ])('%s', async (_name, serve) => {
    const { network, node } = await admitted(serve)
    const response = await network.ask(node.bindingId)
    expect(await response.text()).toContain('response_not_verified')
    await expectFinding(network, node, 'receipt-present')
  })

  test('bytes after the receipt, and a receipt that comes early', async () => {
    for (const change of [
      (frames: string, end: string) => frames + end + 'data: {}\n\n',
      (frames: string, end: string) => end.replace('data: [DONE]\n\n', '') + frames,
    ]) {
      const { network, node } = await admitted((request, self) => {
        const frames = FRAMES.join('')
        return answer([utf8(change(frames, streamEnd(self, request, frames)))], STREAM)
      })
      expect(await (await network.ask(node.bindingId)).text()).toContain('response_not_verified')
      await expectFinding(network, node, 'receipt-present')
    }
  })

  test('an honest stream passes to its last byte', async () => {
    const usage = 'data: {"usage":{"prompt_tokens":3,"completion_tokens":1}}\n\n'
    const { network, node } = await admitted((request, self) =>
      streamAnswer(self, request, [...FRAMES, usage]),
    )
    const response = await network.ask(node.bindingId)
    expect(response.headers.get('compute-verdict')).toBe('streaming')
    expect((await response.text()).endsWith('data: [DONE]\n\n')).toBe(true)
    expect(network.store.findings.page(1)?.findings).toEqual([])
  })
})

describe('E1 receipt_once: another receipt for an authorisation', () => {
  const other: Lie = { receipt: { inputTokens: 4 } }
  const serveTwice = (second: Lie): Promise<{ network: TestNetwork; node: TestNode }> => {
    let asked = 0
    return admitted((request, self) =>
      jsonAnswer(self, request, '{}', asked++ === 0 ? { receipt: { issuedAt: 9n } } : second),
    )
  }

  test('is not delivered, ends the lease, and is kept with the first', async () => {
    const { network, node } = await serveTwice(other)
    expect((await network.ask(node.bindingId)).status).toBe(200)
    expect((await network.ask(node.bindingId)).status).toBe(502)
    await expectFinding(network, node, 'receipt-once')
    const text = await (await network.gateway.app.request('/v1/findings')).text()
    const [finding] = judgeFindings(parseFindings(text).findings, servingDomain)
    expect(finding?.receipts).toHaveLength(2)
    expect(finding?.proof).toMatchObject({
      conflict: { first: { receipt: { inputTokens: 4 } }, second: { receipt: { issuedAt: 9n } } },
    })
  })

  test('the same one again is none', async () => {
    const { network, node } = await serveTwice({ receipt: { issuedAt: 9n } })
    expect((await network.ask(node.bindingId)).status).toBe(200)
    expect((await network.ask(node.bindingId)).status).toBe(200)
    expect(network.store.findings.page(1)?.findings).toEqual([])
  })

  test('a wrong answer after a right one is evidence as well', async () => {
    const { network, node } = await serveTwice({ receipt: { responseHash: hash('aa') } })
    await network.ask(node.bindingId)
    await network.ask(node.bindingId)
    const text = await (await network.gateway.app.request('/v1/findings')).text()
    const [finding] = judgeFindings(parseFindings(text).findings, servingDomain)
    expect(finding?.checks).toEqual(['receipt-response'])
    expect(finding?.proof).toHaveProperty('conflict')
  })

  test('one wrong answer alone is nothing that a contract can check', async () => {
    const { network, node } = await admitted((request, self) =>
      jsonAnswer(self, request, '{}', { receipt: { responseHash: hash('aa') } }),
    )
    await network.ask(node.bindingId)
    const text = await (await network.gateway.app.request('/v1/findings')).text()
    const [finding] = judgeFindings(parseFindings(text).findings, servingDomain)
    expect(finding?.proof).toHaveProperty('none')
  })
})

test('a stream that is sealed passes untouched: only its reader can judge it', async () => {
  const bytes = Uint8Array.of(0, 0, 0, 2, 0xff, 0xfe)
  const headers = { ...STREAM, 'ehbp-response-nonce': 'ab'.repeat(32) }
  const { network, node } = await admitted(() => answer([bytes], headers))
  const response = await network.ask(node.bindingId, { headers: SEALED })
  expect(response.headers.get('compute-verdict')).toBe('sealed')
  expect(new Uint8Array(await response.arrayBuffer())).toEqual(bytes)
})

describe('unsigned_answer_escapes_judgement: sealed_answer_to_plain_prompt', () => {
  const nonce = { 'ehbp-response-nonce': 'ab'.repeat(32) }

  test('as a stream', async () => {
    const { network, node } = await admitted(() => answer([utf8('free')], { ...STREAM, ...nonce }))
    const response = await network.ask(node.bindingId)
    expect(response.headers.get('compute-verdict')).toBe('streaming')
    expect(await response.text()).toContain('response_not_verified')
    expect(network.store.findings.page(1)?.findings).toHaveLength(1)
  })

  test('as JSON whose usage is not what was signed for', async () => {
    const text = '{"usage":{"prompt_tokens":1,"completion_tokens":1}}'
    const { network, node } = await admitted((request, self) => {
      const signed = jsonAnswer(self, request, text)
      return { ...signed, headers: { ...signed.headers, ...nonce } }
    })
    expect(await codeOf(await network.ask(node.bindingId))).toBe('response_not_verified')
  })

  test('as a stream of an endpoint that has none', async () => {
    const { network, node } = await admitted(() => answer([utf8('free')], { ...STREAM, ...nonce }))
    const response = await network.request('/v1/embeddings', {
      method: 'POST',
      body: '{}',
      headers: {
        'compute-authorization': authorizationFor(node.bindingId, '{}', {
          requestHash: requestHash(`0x${'5a'.repeat(32)}`, 'POST', '/v1/embeddings', utf8('{}')),
        }),
      },
    })
    expect(await codeOf(response)).toBe('response_not_verified')
  })
})

test('E16 JSON that is sealed is judged by its wire bytes', async () => {
  const nonce = { 'ehbp-response-nonce': 'ab'.repeat(32) }
  const { network, node } = await admitted((request, self) => {
    const signed = jsonAnswer(self, request, 'sealed bytes')
    return { ...signed, headers: { ...signed.headers, ...nonce } }
  })
  const response = await network.ask(node.bindingId, { headers: SEALED })
  expect(response.headers.get('compute-verdict')).toBe('verified')
})

test('F15 health_not_writable_by_strangers: a short authorisation condemns nobody', async () => {
  const late = BigInt(Math.floor(Date.now() / 1000)) + 200n
  const { network, node } = await admitted((request, self) =>
    jsonAnswer(self, request, '{}', { receipt: { issuedAt: 1_900_000_001n + late } }),
  )
  expect((await network.ask(node.bindingId)).status).toBe(502)
  expect((await network.only()).admitted).toBe(true)
  expect(network.store.findings.page(1)?.findings).toEqual([])
})

test('a node that lied is not admitted again for a day, not even by another process', async () => {
  const { network, node } = await admitted((request, self) =>
    jsonAnswer(self, request, '{}', { content: { model: 'larger' } }),
  )
  await network.ask(node.bindingId)
  network.pass(23 * 60)
  await network.update()
  expect((await network.only()).admitted).toBe(false)
  const next = new TestNetwork({ store: network.store })
  next.nowMs = network.nowMs
  next.register(node)
  next.connection.at(node.endpoint, honest(node))
  await next.update()
  expect((await next.only()).judgement?.reasons.join()).toContain('distrusted')
  next.pass(61)
  await next.update()
  expect((await next.only()).admitted).toBe(true)
})

test('E11 public_hashes_are_salted, F10 dispute_carries_no_plaintext: what is kept of a wrong answer confirms no guess', async () => {
  const { network, node } = await admitted((request, self) =>
    jsonAnswer(self, request, '{"secret":1}', { content: { model: 'larger' } }),
  )
  await network.ask(node.bindingId)
  const text = await (await network.gateway.app.request('/v1/findings')).text()
  expect(text).toContain(node.bindingId)
  expect(text).toContain('receipt-model')
  expect(text).not.toContain('5a'.repeat(32))
  expect(text).not.toContain('secret')
})

test('a reader who is slow holds the node back, and loses nothing', async () => {
  const upstream = new PassThrough({ highWaterMark: 64 * 1024 })
  const frame = `data: {"x":"${'y'.repeat(60_000)}"}\n\n`
  const frames = Array.from({ length: 200 }, () => frame)
  let ahead = 0
  const { network, node } = await admitted((request, self) => {
    void (async () => {
      for (const each of frames) {
        ahead++
        if (!upstream.write(each)) await new Promise((resolve) => upstream.once('drain', resolve))
      }
      upstream.end(streamEnd(self, request, frames.join('')))
    })()
    return { status: 200, headers: STREAM, body: upstream }
  })
  const response = await network.ask(node.bindingId)
  const reader = response.body?.getReader()
  await reader?.read()
  await new Promise((resolve) => setTimeout(resolve, 300))
  expect(ahead).toBeLessThan(frames.length)
  let length = 0
  for (let part = await reader?.read(); part?.done === false; part = await reader?.read()) {
    length += part.value.length
  }
  expect(length).toBeGreaterThan(frame.length * (frames.length - 2))
})

async function expectFinding(network: TestNetwork, node: TestNode, check: string): Promise<void> {
  const [finding] = network.store.findings.page(1)?.findings ?? []
  expect(finding).toMatchObject({ agentId: node.agentId, bindingId: node.bindingId })
  expect(finding?.evidence).toContain(`"name":"${check}"`)
  expect((await network.only()).admitted).toBe(false)
  expect(await codeOf(await network.ask(node.bindingId))).toBe('provider_not_admitted')
}

async function admitted(
  completion: (request: ProviderRequest, node: TestNode) => ReturnType<Responder>,
): Promise<{ readonly network: TestNetwork; readonly node: TestNode }> {
  const network = new TestNetwork()
  const node = network.add({}, (self) => honest(self, (request) => completion(request, self)))
  await network.update()
  return { network, node }
}

function hash(byte: string): Hex {
  return `0x${byte.repeat(32)}`
}
