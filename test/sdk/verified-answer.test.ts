import { NotVerified } from '@jeju/sdk'
import {
  concatBytes,
  fromBase64Url,
  parseAuthorization,
  requestHash,
  toBase64Url,
  utf8,
} from '@jeju/verifier/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { chat, CHAT_URL, Market } from './market/market.ts'
import { ANSWER_TEXT, receiptHeader, type WireAnswer } from './market/test-node.ts'

const market = new Market()
const STREAM = { stream: true, stream_options: { include_usage: true } }

/** The error of a response's body. */
async function bodyError(response: Response): Promise<unknown> {
  return response.text().then(
    () => undefined,
    (error: unknown) => error,
  )
}

async function failedChecks(response: Response): Promise<readonly string[]> {
  const error = await bodyError(response)
  if (!(error instanceof NotVerified)) throw new Error('the body was delivered', { cause: error })
  expect(error.subject).toBe('answer')
  return error.failedChecks
}

/** One request whose answer is changed on the way. */
async function tampered(
  change: (answer: WireAnswer) => WireAnswer,
  members: Record<string, unknown> = {},
): Promise<Response> {
  market.gateway.changeAnswer = change
  try {
    return await market.fetch(CHAT_URL, chat(members))
  } finally {
    market.gateway.changeAnswer = (answer) => answer
  }
}

const body = (answer: WireAnswer): Uint8Array => concatBytes(...answer.chunks)
const withBody = (answer: WireAnswer, bytes: Uint8Array): WireAnswer => ({
  ...answer,
  chunks: [bytes],
})

describe('an answer that verifies', () => {
  test('JSON is delivered, with the fee of its receipt', async () => {
    const response = await market.fetch(CHAT_URL, chat())
    const completion: { choices: [{ message: { content: string } }] } = await response.json()
    expect(completion.choices[0].message.content).toBe(ANSWER_TEXT)
    expect(market.eventsOf('receipt-verified').at(-1)).toMatchObject({ agentId: 0n, fee: 21n })
  })

  test('E15 stream_signed_before_done: frames come before the end, [DONE] after verification', async () => {
    const { fetch, eventsOf } = sequence(new Market())
    const response = await fetch(CHAT_URL, chat(STREAM))
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
    const texts: string[] = []
    for (;;) {
      const next = await reader?.read()
      if (next?.value === undefined) break
      if (next.value.includes('[DONE]')) expect(eventsOf('receipt-verified')).toHaveLength(1)
      else if (texts.length === 0) expect(eventsOf('receipt-verified')).toHaveLength(0)
      texts.push(next.value)
    }
    expect(texts.length).toBeGreaterThan(5)
    expect(texts.at(-1)).toMatch(/^event: receipt\ndata: .*\n\ndata: \[DONE\]\n\n$/)
  })

  test('holdStream gives out nothing before the end is verified', async () => {
    const held = new Market([{}], { holdStream: true })
    const response = await held.fetch(CHAT_URL, chat(STREAM))
    const reader = response.body?.getReader()
    const first = await reader?.read()
    expect(held.eventsOf('receipt-verified')).toHaveLength(1)
    expect(new TextDecoder().decode(first?.value)).toContain('data: [DONE]\n\n')

    held.gateway.changeAnswer = (answer) => ({ ...answer, chunks: answer.chunks.slice(0, -2) })
    const cut = await held.fetch(CHAT_URL, chat(STREAM))
    await expect(cut.body?.getReader().read()).rejects.toBeInstanceOf(NotVerified)
  })
})

function sequence(of: Market): { fetch: typeof fetch; eventsOf: Market['eventsOf'] } {
  return { fetch: of.fetch, eventsOf: (type) => of.eventsOf(type) }
}

describe('an answer that does not', () => {
  test('E3 receipt_of_other_request_rejected', async () => {
    let first: WireAnswer | undefined
    await tampered((answer) => (first = answer))
    const response = await tampered(() => first ?? { status: 500, headers: {}, chunks: [] })
    expect(await failedChecks(response)).toEqual(['receipt-authorisation', 'receipt-response'])
  })

  test('E14 old_signed_pair_rejected: a signed receipt with another text', async () => {
    const response = await tampered((answer) =>
      withBody(answer, utf8(new TextDecoder().decode(body(answer)).replace('gern', 'nein'))),
    )
    expect(await failedChecks(response)).toEqual(['receipt-response'])
  })

  test('E15 missing_signature_is_error, E20 stripped_proof_rejected: JSON', async () => {
    const response = await tampered((answer) => ({
      ...answer,
      headers: { 'content-type': 'application/json' },
    }))
    expect(await failedChecks(response)).toEqual(['receipt-present'])
  })

  test('E20 stripped_proof_rejected: stream', async () => {
    const response = await tampered(
      (answer) => ({
        ...answer,
        chunks: answer.chunks.filter(
          (chunk) => !new TextDecoder().decode(chunk).startsWith('event'),
        ),
      }),
      STREAM,
    )
    expect(await failedChecks(response)).toEqual(['receipt-present'])
  })

  test('E17 receipt_commits_to_bytes: request and answer hash to what both signed', async () => {
    const own = new Market()
    await (await own.fetch(CHAT_URL, chat())).text()
    const [sent] = own.gateway.chats
    if (sent === undefined) throw new Error('nothing was sent')
    const { auth, salt } = parseAuthorization(sent.headers.get('compute-authorization') ?? '')
    expect(auth.requestHash).toBe(requestHash(salt, 'POST', '/v1/chat/completions', sent.body))
    expect(sent.body).toEqual(utf8(chat().body))
    const otherSalt = requestHash(`0x${'01'.repeat(32)}`, 'POST', '/v1/chat/completions', sent.body)
    expect(auth.requestHash).not.toBe(otherSalt)
  })

  test('E3 a receipt of another verified node is refused', async () => {
    const two = new Market([{}, { agentId: 1n }])
    const [, other] = two.nodes
    two.gateway.changeAnswer = (answer, node, request) => {
      if (node === other || other === undefined) return answer
      const signed = parseAuthorization(request.headers.get('compute-authorization') ?? '')
      const receipt = other.receipt(signed, answer.chunks)
      return {
        ...answer,
        headers: { ...answer.headers, 'compute-receipt': receiptHeader(receipt) },
      }
    }
    const response = await two.fetch(CHAT_URL, chat())
    expect(await failedChecks(response)).toEqual(['receipt-signer', 'receipt-document'])
  })

  test('a stream that ends early, at any frame', async () => {
    for (let frames = 0; frames < 12; frames++) {
      const response = await tampered(
        (answer) => ({ ...answer, chunks: answer.chunks.slice(0, frames) }),
        STREAM,
      )
      expect(await failedChecks(response)).toEqual(['receipt-present'])
    }
  })

  test('a stream without its [DONE], with two receipts, or with bytes after [DONE]', async () => {
    const changes: ((chunks: readonly Uint8Array[]) => readonly Uint8Array[])[] = [
      (chunks) => chunks.slice(0, -1),
      (chunks) => [...chunks.slice(0, -1), ...chunks.slice(-2)],
      (chunks) => [...chunks.slice(0, -2), ...chunks.slice(-2), ...chunks.slice(-2)],
      (chunks) => [...chunks, utf8('data: {"choices":[]}\n\n')],
      (chunks) => [...chunks, utf8('\n')],
    ]
    for (const change of changes) {
      const response = await tampered(
        (answer) => ({ ...answer, chunks: change(answer.chunks) }),
        STREAM,
      )
      expect(await failedChecks(response)).toEqual(['receipt-present'])
    }
  })

  test('text in the receipt frame, which the receipt does not cover', async () => {
    const response = await tampered((answer) => {
      const chunks = answer.chunks.map((chunk) => {
        const text = new TextDecoder().decode(chunk)
        const choice = '"choices":[{"delta":{"content":"buy this"},"index":0}]'
        return text.startsWith('event') ? utf8(text.replace('"choices":[]', choice)) : chunk
      })
      return { ...answer, chunks }
    }, STREAM)
    const delivered: string[] = []
    const reading = response.body
      ?.pipeThrough(new TextDecoderStream())
      .pipeTo(new WritableStream({ write: (text) => void delivered.push(text) }))
    await expect(reading).rejects.toMatchObject({ failedChecks: ['receipt-present'] })
    expect(delivered.join('')).not.toContain('buy this')
  })

  // Clients that take one of these for the end read no further, and never learn that nothing was verified.
  test.each([
    'data: [DONE]\n\n',
    'data:[DONE]\n\n',
    '\ndata: [DONE]\n\n',
    ': wait\ndata: [DONE]\n\n',
    'event: done\ndata: {}\n\n',
    'data: {}\rdata: [DONE]\n\n',
    'data: {}\r\n\r\ndata: [DONE]\r\n\r\n\n\n',
  ])('E9 stream_truncation_rejected: an end before the receipt, %j', async (early) => {
    const response = await tampered(({ chunks, ...answer }) => {
      return { ...answer, chunks: [...chunks.slice(0, 2), utf8(early), ...chunks.slice(2)] }
    }, STREAM)
    const delivered: string[] = []
    const reading = response.body
      ?.pipeThrough(new TextDecoderStream())
      .pipeTo(new WritableStream({ write: (text) => void delivered.push(text) }))
    await expect(reading).rejects.toMatchObject({ failedChecks: ['receipt-present'] })
    expect(delivered.join('')).not.toMatch(/DONE|event/)
  })

  test('frames of a stream in another order', async () => {
    const response = await tampered(({ chunks: [first, second, ...others], ...answer }) => {
      if (first === undefined || second === undefined) throw new Error('no frames')
      return { ...answer, chunks: [second, first, ...others] }
    }, STREAM)
    expect(await failedChecks(response)).toEqual(['receipt-response'])
  })

  test('two receipts in the header', async () => {
    const response = await tampered((answer) => {
      const receipt = answer.headers['compute-receipt'] ?? ''
      return {
        ...answer,
        headers: { ...answer.headers, 'compute-receipt': `${receipt}, ${receipt}` },
      }
    })
    expect(await failedChecks(response)).toEqual(['receipt-present'])
  })

  test('a byte flipped anywhere in a JSON body or its receipt', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 255 }), fc.boolean(), flippedJson),
      { numRuns: 60 },
    )
  })

  test('a byte flipped anywhere in a stream', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 255 }), async (index, mask) => {
        const response = await tampered(
          (answer) => withBody(answer, flip(body(answer), index, mask)),
          STREAM,
        )
        expect(await bodyError(response)).toBeInstanceOf(NotVerified)
      }),
      { numRuns: 60 },
    )
  })
})

async function flippedJson(index: number, mask: number, inReceipt: boolean): Promise<void> {
  const response = await tampered((answer) => {
    if (!inReceipt) return withBody(answer, flip(body(answer), index, mask))
    const receipt = fromBase64Url(answer.headers['compute-receipt'] ?? '')
    const headers = {
      ...answer.headers,
      'compute-receipt': toBase64Url(flip(receipt, index, mask)),
    }
    return { ...answer, headers }
  })
  expect(await bodyError(response)).toBeInstanceOf(NotVerified)
}

function flip(bytes: Uint8Array, index: number, mask: number): Uint8Array {
  const flipped = bytes.slice()
  const at = index % bytes.length
  flipped[at] = (flipped[at] ?? 0) ^ mask
  return flipped
}
