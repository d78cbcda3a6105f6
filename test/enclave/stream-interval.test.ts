import {
  createResponseHasher,
  FINISH_CODES,
  type PromptPath,
  type Receipt,
  type StreamKind,
} from '@jeju/verifier/protocol'
import { afterAll, describe, expect, test } from 'vitest'
import { gatherSteps } from '../../enclave/src/answer/gather-steps.ts'
import type { ChoiceStep } from '../../enclave/src/answer/merge-choices.ts'
import { EngineError } from '../../enclave/src/engine/engine-error.ts'
import type { AnswerPart, TokenLogprob } from '../../enclave/src/engine/engine.ts'
import { cleanUp, startNode, type Running } from './setting/start-node.ts'
import { chatBody, contentOf, readStreamAnswer } from './setting/test-client.ts'

afterAll(cleanUp)

/** No answer of these tests lasts as long. */
const NEVER_MS = 600_000
const STREAM = chatBody({ stream: true })

async function startPaced(streamIntervalMs: number): Promise<Running> {
  return startNode({ config: { streamIntervalMs } })
}

interface ChunkReader {
  read(): Promise<{ readonly bytes: Uint8Array; readonly text: string }>
  cancel(): Promise<void>
}

function chunksOf(response: Response): ChunkReader {
  const reader = response.body?.getReader()
  if (reader === undefined) throw new Error('no body')
  return {
    read: async () => {
      const { value = new Uint8Array(0) } = await reader.read()
      return { bytes: value, text: new TextDecoder('utf-8', { fatal: true }).decode(value) }
    },
    cancel: () => reader.cancel(),
  }
}

async function onlyReceipt({ node, chain }: Running): Promise<Receipt> {
  await node.drain()
  const [item, ...more] = chain.settlements.flat()
  if (item === undefined || more.length > 0) throw new Error('expected one receipt')
  return item.receipt
}

describe('a stream whose pieces are gathered', () => {
  test('the first piece leaves at once, and the end keeps nothing back', async () => {
    const { client, fetch } = await startPaced(NEVER_MS)
    const chunks = chunksOf(await fetch(client.request(STREAM)))
    expect(contentOf((await chunks.read()).text)).toBe('')
    expect(contentOf((await chunks.read()).text)).toBe('Ja')
    const rest = (await chunks.read()).text
    expect(rest.match(/data: /g)).toHaveLength(1)
    expect(contentOf(rest)).toBe(', gern. Grüße aus dem TD 🎉')
    expect((await chunks.read()).text).toMatch(/"finish_reason":"stop".*"receipt".*\[DONE\]/s)
  })

  test('what is held leaves after the interval, while the engine thinks', async () => {
    const { client, fetch, engine } = await startPaced(30)
    engine.holdAt = 3
    const chunks = chunksOf(await fetch(client.request(STREAM)))
    await chunks.read()
    let text = contentOf((await chunks.read()).text)
    expect(text).toBe('Ja')
    while (text.length < 'Ja, gern. Grüße'.length) text += contentOf((await chunks.read()).text)
    expect(text).toBe('Ja, gern. Grüße')
    engine.release()
    await chunks.cancel()
  })

  test('N2 a reader who leaves owes what left, and not what was held for him', async () => {
    const running = await startPaced(NEVER_MS)
    const { client, fetch, engine } = running
    engine.holdAt = 3
    const signed = client.sign(STREAM)
    const chunks = chunksOf(await fetch(client.request(STREAM, signed)))
    const hasher = createResponseHasher(signed.salt)
    hasher.update((await chunks.read()).bytes)
    hasher.update((await chunks.read()).bytes)
    const pending = chunks.read()
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(engine.handedOut).toBe(3)
    await chunks.cancel()
    await pending
    expect(await onlyReceipt(running)).toMatchObject({
      responseHash: hasher.digest(),
      outputTokens: 1,
      finish: FINISH_CODES.aborted,
    })
  })

  test('E15 what was made before a failure leaves before the stream breaks', async () => {
    const { client, fetch, engine } = await startPaced(NEVER_MS)
    engine.failAt = { piece: 3, error: new EngineError('ENGINE_FAILED', 'inference failed') }
    const chunks = chunksOf(await fetch(client.request(STREAM)))
    let text = ''
    const reading = (async () => {
      for (;;) text += contentOf((await chunks.read()).text)
    })()
    await expect(reading).rejects.toThrow('the answer broke off')
    expect(text).toBe('Ja, gern. Grüße')
  })

  test.each<[StreamKind, PromptPath, object]>([
    ['chat', '/v1/chat/completions', { messages: [{ role: 'user', content: 'Hallo' }] }],
    ['completion', '/v1/completions', { prompt: 'Hallo' }],
    ['responses', '/v1/responses', { input: 'Hallo' }],
    ['messages', '/v1/messages', { messages: [{ role: 'user', content: 'Hi' }], max_tokens: 9 }],
  ])(
    'E17 %s: text, counts and receipt are those of pieces one by one',
    async (kind, path, body) => {
      const answers = []
      for (const intervalMs of [0, NEVER_MS]) {
        const { client, fetch } = await startPaced(intervalMs)
        const text = JSON.stringify({ model: 'scripted', stream: true, ...body })
        const signed = client.sign(text, { path })
        const response = await fetch(client.request(text, signed, path))
        const { receipt, responseHash, covered } = await readStreamAnswer(
          response,
          signed.salt,
          kind,
        )
        expect(receipt.receipt.responseHash).toBe(responseHash)
        const { inputTokens, outputTokens, finish } = receipt.receipt
        const deltas = [...covered.matchAll(/"(?:content|text|delta)":("(?:[^"\\]|\\.)*")/g)]
        answers.push({ inputTokens, outputTokens, finish, frames: covered.split('\n\n').length })
        expect(deltas.map(([, json = '""']) => JSON.parse(json) as string).join('')).toContain(
          'Ja, gern. Grüße aus dem TD 🎉',
        )
      }
      const [single, gathered] = answers
      expect({ ...gathered, frames: 0 }).toEqual({ ...single, frames: 0 })
      expect(gathered?.frames).toBeLessThan(single?.frames ?? 0)
    },
  )
})

describe('steps that are gathered', () => {
  const logprob = (byte: number): TokenLogprob => ({
    bytes: Uint8Array.of(byte),
    logprob: -byte,
    top: [],
  })
  const text = (choice: number, piece: string, byte?: number): ChoiceStep => ({
    choice,
    part: {
      type: 'text',
      text: piece,
      tokens: 1,
      ...(byte === undefined ? {} : { logprobs: [logprob(byte)] }),
    },
  })
  const part = (choice: number, of: AnswerPart): ChoiceStep => ({ choice, part: of })
  const end = (choice: number): ChoiceStep => ({
    choice,
    end: { finish: 'stop', inputTokens: 1, outputTokens: 1 },
  })

  async function gathered(steps: readonly ChoiceStep[], intervalMs = NEVER_MS): Promise<unknown[]> {
    async function* all(): AsyncGenerator<ChoiceStep, void> {
      for (const step of steps) yield await Promise.resolve(step)
    }
    const from = all()
    const groups: unknown[] = []
    for await (const group of gatherSteps(await from.next(), from, intervalMs)) groups.push(group)
    return groups
  }

  test('log probabilities and counts are added up, each choice for itself', async () => {
    const steps = [
      text(0, 'a', 1),
      text(0, 'b', 2),
      text(1, 'x', 3),
      text(0, 'c', 4),
      end(0),
      text(1, 'y', 5),
      end(1),
    ]
    expect(await gathered(steps)).toEqual([
      [text(0, 'a', 1)],
      [
        part(0, { type: 'text', text: 'bc', tokens: 2, logprobs: [logprob(2), logprob(4)] }),
        part(1, { type: 'text', text: 'xy', tokens: 2, logprobs: [logprob(3), logprob(5)] }),
        end(0),
        end(1),
      ],
    ])
    expect(await gathered(steps, 0)).toEqual(steps.map((step) => [step]))
  })

  test('arguments are joined within one call, and never across another or text', async () => {
    const call = (index: number): ChoiceStep =>
      part(0, { type: 'tool_call', index, id: `call-${index}`, name: 'f', tokens: 1 })
    const args = (index: number, piece: string, tokens = 1): ChoiceStep =>
      part(0, { type: 'tool_arguments', index, text: piece, tokens })
    const steps = [text(0, 'a'), call(0), args(0, '{'), args(0, '}'), call(1), args(1, '{}')]
    expect(await gathered([...steps, text(0, 'b'), end(0)])).toEqual([
      [text(0, 'a')],
      [call(0), args(0, '{}', 2), call(1), args(1, '{}'), text(0, 'b'), end(0)],
    ])
  })
})
