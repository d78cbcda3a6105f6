import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadEmbeddedEngine } from '../../../enclave/src/engine/embedded-engine.ts'
import { embeddedModel } from '../../../enclave/src/engine/embedded-model.ts'
import type { Engine } from '../../../enclave/src/engine/engine.ts'
import { answer, collect, generate, user } from './run-engine.ts'

const POEM = user('Write a poem.')
const QUOTE = user('What is a quote?')

function load(): Promise<Engine> {
  return loadEmbeddedEngine({ ...embeddedModel, parallelRequests: 2, maxWaiting: 2 })
}

describe('one engine', () => {
  let engine: Engine
  beforeAll(async () => {
    engine = await load()
  })
  afterAll(() => engine.close())

  test('serves requests at once, and each gets the answer it gets alone', async () => {
    const alone = [
      await answer(engine, { messages: POEM }),
      await answer(engine, { messages: QUOTE }),
    ]
    const together = await Promise.all([
      answer(engine, { messages: POEM }),
      answer(engine, { messages: QUOTE }),
      answer(engine, { messages: POEM }),
      answer(engine, { messages: QUOTE }),
    ])
    expect(together).toEqual([...alone, ...alone])
  })

  test('really interleaves two answers', async () => {
    const order: string[] = []
    const follow = async (name: string): Promise<void> => {
      const stream = await generate(engine, { messages: POEM, maxTokens: 30 })
      for await (const part of stream) order.push(part.type === 'text' ? name : 'other')
    }
    await Promise.all([follow('a'), follow('b')])
    expect(order.indexOf('b')).toBeLessThan(order.lastIndexOf('a'))
    expect(order.indexOf('a')).toBeLessThan(order.lastIndexOf('b'))
  })

  test('shows nothing of one conversation to the next', async () => {
    const ask = user('What is my name?')
    const fresh = await load()
    const unknowing = await answer(fresh, { messages: ask })
    await fresh.close()
    for (const name of ['Alice', 'Oscar', 'Victor', 'Zoe']) {
      await answer(engine, { messages: user(`My name is ${name}.`) })
    }
    expect(await answer(engine, { messages: ask })).toEqual(unknowing)
  })

  test('an abort ends an answer with the counts of what was delivered, and frees its slot', async () => {
    const whole = await answer(engine, { messages: POEM })
    for (let round = 0; round < 6; round++) {
      const abort = new AbortController()
      const stream = await generate(engine, { messages: POEM }, abort.signal)
      for (const _ of [1, 2, 3]) await stream.next()
      abort.abort()
      const end = await stream.next()
      expect(end.value).toEqual({
        finish: 'aborted',
        inputTokens: whole.inputTokens,
        outputTokens: 3,
      })
    }
    expect(await answer(engine, { messages: POEM })).toEqual(whole)
  })

  test('an abort during a long prompt does not wait for the prompt', async () => {
    const abort = new AbortController()
    const pending = answer(engine, { messages: user('1'.repeat(1000)) }, abort.signal)
    setTimeout(() => abort.abort(), 1)
    const { finish, inputTokens, outputTokens } = await pending
    expect({ finish, outputTokens }).toEqual({ finish: 'aborted', outputTokens: 0 })
    expect(inputTokens).toBeLessThan(1000)
  })

  test('an aborted signal takes no slot', async () => {
    const result = await answer(engine, { messages: POEM }, AbortSignal.abort())
    expect(result).toMatchObject({ finish: 'aborted', inputTokens: 0, outputTokens: 0 })
  })

  test('a reader that leaves frees its slot', async () => {
    for (let round = 0; round < 6; round++) {
      for await (const part of await generate(engine, { messages: POEM })) {
        expect(part.type).toBe('text')
        break
      }
    }
    expect((await answer(engine, { messages: POEM })).finish).toBe('stop')
  })

  test('one more than slots and queue hold is refused, and a waiting one can leave', async () => {
    const abort = new AbortController()
    const admissions = [engine.admit(3), engine.admit(1)]
    const busy: unknown = expect.objectContaining({ code: 'ENGINE_BUSY' })
    expect(() => engine.admit(1)).toThrow(busy)
    const running = [1, 2, 3].map(() => answer(engine, { messages: POEM }))
    const leaving = answer(engine, { messages: POEM }, abort.signal)
    abort.abort()
    admissions[1]?.release()
    admissions[1]?.release()
    expect(engine.admitted).toBe(3)
    engine.admit(1).release()
    expect(() => engine.admit(2)).toThrow(busy)
    expect(await leaving).toMatchObject({ finish: 'aborted', inputTokens: 0 })
    const finishes = (await Promise.all(running)).map(({ finish }) => finish)
    expect(finishes).toEqual(['stop', 'stop', 'stop'])
  })
})

test('close ends what runs, refuses what waits and what comes, and can be called again', async () => {
  const engine = await load()
  const running = await generate(engine, { messages: POEM })
  await running.next()
  const other = collect(await generate(engine, { messages: POEM }))
  const waiting = collect(await generate(engine, { messages: POEM }))
  await new Promise((resolve) => setTimeout(resolve, 5))
  const refused = expect(waiting).rejects.toMatchObject({ code: 'ENGINE_FAILED' })
  await Promise.all([engine.close(), engine.close()])
  await refused
  expect((await other).finish).toBe('aborted')
  expect((await running.next()).value).toMatchObject({ finish: 'aborted', outputTokens: 1 })
  await expect(answer(engine, { messages: POEM })).rejects.toThrow('the engine is closed')
})
