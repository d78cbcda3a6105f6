import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { loadEmbeddedEngine } from '../../../enclave/src/engine/embedded-engine.ts'
import { embeddedModel } from '../../../enclave/src/engine/embedded-model.ts'
import { readRowsInOrder } from '../../../enclave/src/engine/rows-in-order.ts'
import { answer, user } from './run-engine.ts'

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
    for (const failure of [undefined, new Error('broken')]) {
      await native.decodeBatch()
      const [first, ...others] = [7, 8, 9].map((row) => native.sampleToken(row))
      await delay(5)
      expect([...reading.keys()]).toEqual([7])
      reading.get(7)?.(failure)
      if (failure === undefined) expect(await first).toBe(7)
      else await expect(first).rejects.toBe(failure)
      await delay(5)
      expect([...reading.keys()]).toEqual([8, 9])
      for (const end of reading.values()) end()
      expect(await Promise.all(others)).toEqual([8, 9])
    }
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
  const questions = ['What is 7 times 8?', 'What is remote attestation?']
  const ask = async (content: string): Promise<string> => {
    await delay(Math.random() * 8)
    return (await answer(engine, { messages: user(content), temperature: 0, maxTokens: 64 })).text
  }
  try {
    const alone = [await ask(questions[0] ?? ''), await ask(questions[1] ?? '')]
    for (let round = 0; round < 150; round++) {
      // Prompts that begin while others are answered: batches of steps and prompts.
      const [first = '', second = ''] = questions
      const answers = await Promise.all([first, first, second, first].map(ask))
      expect(answers).toEqual([alone[0], alone[0], alone[1], alone[0]])
    }
  } finally {
    await engine.close()
  }
})
