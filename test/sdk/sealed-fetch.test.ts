import { NotVerified } from '@jeju/sdk'
import { concatBytes, parseAuthorization, requestHash, utf8 } from '@jeju/verifier/protocol'
import { EHBP_X25519, X_WING } from '@jeju/verifier/sealing'
import { describe, expect, test } from 'vitest'
import { chat, CHAT_URL, Market, PROMPT } from './market/market.ts'
import { ANSWER_TEXT, type WireAnswer } from './market/test-node.ts'

const STREAM = { stream: true, stream_options: { include_usage: true } }

async function failedChecks(response: Response): Promise<readonly string[]> {
  const error: unknown = await response.text().then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof NotVerified)) throw new Error('the body was delivered', { cause: error })
  return error.failedChecks
}

describe.each([
  { suites: [EHBP_X25519], used: EHBP_X25519.algo },
  { suites: [EHBP_X25519, X_WING], used: X_WING.algo },
])('a provider with $suites.length sealing keys', ({ suites, used }) => {
  test('the gateway reads neither prompt nor answer, and the answer verifies', async () => {
    const market = new Market([{ sealing: suites }])
    const seen: WireAnswer[] = []
    market.gateway.changeAnswer = (answer) => {
      seen.push(answer)
      return answer
    }
    const completion = (await (await market.fetch(CHAT_URL, chat())).json()) as {
      choices: [{ message: { content: string } }]
    }
    expect(completion.choices[0].message.content).toBe(ANSWER_TEXT)
    const text = await (await market.fetch(CHAT_URL, chat(STREAM))).text()
    expect(text).toContain('Gr\u00fc\u00dfe')
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true)
    expect(market.eventsOf('receipt-verified')).toHaveLength(2)
    expect(market.eventsOf('authorised').map(({ sealedBy }) => sealedBy)).toEqual([used, used])
    const wire = [
      ...market.gateway.chats.map(({ body }) => body),
      ...seen.flatMap((one) => one.chunks),
    ]
    const read = new TextDecoder().decode(concatBytes(...wire))
    for (const secret of [PROMPT, 'messages', 'gern', 'choices']) expect(read).not.toContain(secret)
  })

  test('what is authorised are the sealed bytes', async () => {
    const market = new Market([{ sealing: suites }])
    await (await market.fetch(CHAT_URL, chat())).text()
    const [sent] = market.gateway.chats
    const signed = parseAuthorization(sent?.headers.get('compute-authorization') ?? '')
    const hash = requestHash(signed.salt, 'POST', '/v1/chat/completions', sent?.body ?? utf8(''))
    expect(signed.auth.requestHash).toBe(hash)
  })

  const lies: readonly (readonly [string, (answer: WireAnswer) => WireAnswer])[] = [
    [
      'E16 ehbp_missing_nonce_rejected: an answer without its header is never read as plaintext',
      ({ headers, ...answer }) => {
        const { 'ehbp-response-nonce': _, ...others } = headers as Record<string, string>
        return { ...answer, headers: others }
      },
    ],
    [
      'E9 stream_truncation_rejected',
      (answer) => ({ ...answer, chunks: answer.chunks.slice(0, -3) }),
    ],
    ['E9 stream_reorder_rejected', (answer) => ({ ...answer, chunks: answer.chunks.toReversed() })],
    [
      'E16 ehbp_partial_frame_rejected',
      (answer) => ({ ...answer, chunks: [concatBytes(...answer.chunks).slice(0, -1)] }),
    ],
    [
      'an empty frame slipped in',
      (answer) => ({
        ...answer,
        chunks: [...answer.chunks.slice(0, 2), new Uint8Array(4), ...answer.chunks.slice(2)],
      }),
    ],
    [
      'plaintext of the gateway',
      (answer) => ({ ...answer, chunks: [utf8('data: {"choices":[]}\n\ndata: [DONE]\n\n')] }),
    ],
  ]
  test.each(lies)('%s', async (_, change) => {
    const market = new Market([{ sealing: suites }])
    market.gateway.changeAnswer = change
    expect(await failedChecks(await market.fetch(CHAT_URL, chat(STREAM)))).not.toEqual([])
    expect(market.eventsOf('receipt-verified')).toEqual([])
  })

  test('a JSON answer that was changed or is in clear is refused', async () => {
    for (const change of [
      (answer: WireAnswer) => ({ ...answer, headers: { 'content-type': 'application/json' } }),
      (answer: WireAnswer) => ({
        ...answer,
        chunks: answer.chunks.map((chunk) => chunk.map((byte, at) => (at === 9 ? byte ^ 1 : byte))),
      }),
      (answer: WireAnswer) => ({ ...answer, chunks: [utf8('{"choices":[]}')] }),
    ]) {
      const market = new Market([{ sealing: suites }])
      market.gateway.changeAnswer = change
      expect(await failedChecks(await market.fetch(CHAT_URL, chat()))).toEqual(['receipt-present'])
    }
  })

  test('a refusal is read where the node sealed it, and left without words where it was changed', async () => {
    const market = new Market([{ sealing: suites }])
    const [node] = market.nodes
    market.gateway.changeAnswer = (answer) => answer
    node.answer = () => {
      return {
        status: 400,
        headers: { 'content-type': 'application/json' },
        chunks: [utf8('{"error":{"code":"unsupported_field"}}')],
      }
    }
    const refused = await market.fetch(CHAT_URL, chat())
    expect(refused.status).toBe(400)
    expect(await refused.text()).toContain('unsupported_field')
    market.gateway.changeAnswer = (answer) => ({ ...answer, chunks: [utf8('{"error":1}')] })
    const silent = await market.fetch(CHAT_URL, chat())
    expect([silent.status, await silent.text()]).toEqual([400, ''])
  })
})

test('without a key in the keyset prompts go in clear unless sealing is required: then to nobody', async () => {
  const market = new Market([{}])
  await (await market.fetch(CHAT_URL, chat())).text()
  expect(market.eventsOf('authorised').map(({ sealedBy }) => sealedBy)).toEqual(['none'])
  const strict = market.fetchWith({ sealing: 'required' })
  const before = market.gateway.chats.length
  await expect(strict(CHAT_URL, chat())).rejects.toMatchObject({
    failedChecks: ['sealing-offered'],
  })
  expect(market.gateway.chats).toHaveLength(before)
})
