import { describe, expect, test } from 'vitest'
import { EngineError } from '../../../enclave/src/engine/engine-error.ts'
import { LlamaSlot } from '../../../enclave/src/engine/llama-slot.ts'
import { SlotQueue } from '../../../enclave/src/engine/slot-queue.ts'

const never = (): AbortSignal => new AbortController().signal

describe('slot queue', () => {
  test('serves in the order of arrival', async () => {
    const queue = new SlotQueue(['slot'], 3)
    const slot = await queue.acquire(never())
    const order: number[] = []
    const waiting = [1, 2, 3].map(async (name) => {
      const own = await queue.acquire(never())
      order.push(name)
      if (own !== undefined) queue.release(own)
    })
    if (slot !== undefined) queue.release(slot)
    await Promise.all(waiting)
    expect(order).toEqual([1, 2, 3])
  })

  test('who leaves makes room, and is never handed a slot', async () => {
    const queue = new SlotQueue(['slot'], 1)
    await queue.acquire(never())
    const abort = new AbortController()
    const leaving = queue.acquire(abort.signal)
    await expect(queue.acquire(never())).rejects.toMatchObject({ code: 'ENGINE_BUSY' })
    abort.abort()
    expect(await leaving).toBeUndefined()
    const next = queue.acquire(never())
    queue.release('slot')
    expect(await next).toBe('slot')
  })

  test('an end refuses who waits and who comes, with the first reason', async () => {
    const queue = new SlotQueue(['slot'], 1)
    await queue.acquire(never())
    const waiting = queue.acquire(never())
    queue.end(new EngineError('ENGINE_FAILED', 'first'))
    queue.end(new EngineError('ENGINE_FAILED', 'second'))
    await expect(waiting).rejects.toThrow('first')
    await expect(queue.acquire(never())).rejects.toThrow('first')
  })
})

test('a slot that keeps a token of a request is not given to the next', async () => {
  const slot = new LlamaSlot<number>({
    nextTokenIndex: 1,
    evaluateWithoutGeneratingNewTokens: () => Promise.resolve(),
    evaluate: async function* () {
      yield await Promise.resolve(1)
    },
    clearHistory: () => Promise.resolve(),
  })
  await expect(slot.clear()).rejects.toMatchObject({
    code: 'ENGINE_FAILED',
    message: 'slot: expected 0 tokens after clearing, actual 1',
  })
})
