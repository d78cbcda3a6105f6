import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { loadEmbeddedEngine } from '../../../enclave/src/engine/embedded-engine.ts'
import { embeddedModel } from '../../../enclave/src/engine/embedded-model.ts'
import { readRowsInOrder } from '../../../enclave/src/engine/rows-in-order.ts'
import { answer, generate, user, type ChatGeneration } from './run-engine.ts'

/** A native context whose rows are read when the test says so. */
function nativeContext(): {
  readonly context: {
    readonly _ctx: Readonly<
      Record<'decodeBatch' | 'sampleToken', (row?: number) => Promise<unknown>>
    >
  }
  /** Rows that are being read, by what ends each. */
  readonly reading: Map<number, (error?: Error) => void>
} {
  const reading = new Map<number, (error?: Error) => void>()
  const sampleToken = (row = -1): Promise<unknown> =>
    new Promise((resolve, reject) => {
      reading.set(row, (error) => {
        reading.delete(row)
        if (error === undefined) resolve(row)
        else reject(error)
      })
    })
  return { context: { _ctx: { decodeBatch: async () => undefined, sampleToken } }, reading }
}

describe('rows of a batch', () => {
  test('the first is read alone, the others at once after it; and again after the next batch', async () => {
    const { context, reading } = nativeContext()
    readRowsInOrder(context)
    const native = context._ctx
    for (let batch = 0; batch < 2; batch++) {
      await native.decodeBatch()
      const rows = [7, 8, 9].map((row) => native.sampleToken(row))
      await delay(5)
      expect([...reading.keys()]).toEqual([7])
      reading.get(7)?.()
      expect(await rows[0]).toBe(7)
      await delay(5)
      expect([...reading.keys()]).toEqual([8, 9])
      for (const end of reading.values()) end()
      expect(await Promise.all(rows)).toEqual([7, 8, 9])
    }
  })

  test('one that fails has ordered nothing: the next is read alone as well', async () => {
    const { context, reading } = nativeContext()
    readRowsInOrder(context)
    const native = context._ctx
    await native.decodeBatch()
    const [first, ...others] = [7, 8, 9].map((row) => native.sampleToken(row))
    const failure = new Error('broken')
    reading.get(7)?.(failure)
    await expect(first).rejects.toBe(failure)
    await delay(5)
    expect([...reading.keys()]).toEqual([8])
    reading.get(8)?.()
    await delay(5)
    expect([...reading.keys()]).toEqual([9])
    reading.get(9)?.()
    expect(await Promise.all(others)).toEqual([8, 9])
  })

  test.each([{}, { _ctx: undefined }, { _ctx: { decodeBatch: () => undefined } }])(
    'a library that is built otherwise is not used: %j',
    (context) => {
      expect(() => readRowsInOrder(context)).toThrow('expected another native context')
    },
  )
})

test('E10 no_row_of_another: what is asked beside others is answered as if it were asked alone', async () => {
  const engine = await loadEmbeddedEngine({ ...embeddedModel, parallelRequests: 4 })
  const [math, attestation] = ['What is 7 times 8?', 'What is remote attestation?'] as const
  const ask = async (content: string, more: Partial<ChatGeneration> = {}): Promise<string> => {
    await delay(Math.random() * 8)
    const request = { messages: user(content), temperature: 0, maxTokens: 64, ...more }
    return (await answer(engine, request)).text
  }
  /** Leaves when the first piece is there. */
  const leave = async (): Promise<void> => {
    await delay(Math.random() * 8)
    const gone = new AbortController()
    const stream = await generate(engine, { messages: user(attestation) }, gone.signal)
    await stream.next()
    gone.abort()
    await stream.return({ finish: 'aborted', inputTokens: 0, outputTokens: 0 })
  }
  try {
    const alone = [await ask(math), await ask(attestation)]
    expect(alone[0]).toBe('7 * 8 = 56')
    for (let round = 0; round < 120; round++) {
      // Prompts that begin, are kept and are left while others are answered: batches of steps and prompts.
      const [answers] = await Promise.all([
        Promise.all([
          ask(math),
          ask(attestation, { owner: 'o' }),
          ask(math, { logprobs: 2 }),
          ask(math, { owner: 'p' }),
        ]),
        leave(),
      ])
      expect(answers).toEqual([alone[0], alone[1], alone[0], alone[0]])
    }
  } finally {
    await engine.close()
  }
})
