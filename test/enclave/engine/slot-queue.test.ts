import { describe, expect, test } from 'vitest'
import { EngineError } from '../../../enclave/src/engine/engine-error.ts'
import { LlamaSlot } from '../../../enclave/src/engine/llama-slot.ts'
import { SlotQueue } from '../../../enclave/src/engine/slot-queue.ts'
import { StepTurns } from '../../../enclave/src/engine/step-turns.ts'

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

/** A context sequence that draws the token after the last one. */
class CountingSequence {
  tokens: number[] = []
  /** Tokens that are never erased. */
  stuck = 0
  readonly evaluated: number[] = []

  get nextTokenIndex(): number {
    return this.tokens.length
  }

  evaluateWithoutGeneratingNewTokens(tokens: number[]): Promise<void> {
    this.#take(tokens)
    return Promise.resolve()
  }

  async *evaluateWithMetadata(tokens: number[]): AsyncGenerator<{ token: number }, void> {
    for (let next = tokens; ;) {
      await Promise.resolve()
      this.#take(next)
      const token = (next.at(-1) ?? 0) + 1
      yield { token }
      next = [token]
    }
  }

  eraseContextTokenRanges([range]: { start: number; end: number }[]): Promise<void> {
    this.tokens.length = Math.max(this.stuck, range?.start ?? 0)
    return Promise.resolve()
  }

  #take(tokens: readonly number[]): void {
    this.tokens.push(...tokens)
    this.evaluated.push(...tokens)
  }
}

const SAMPLING = { temperature: 0, topP: 1, seed: 0 }

describe('a slot', () => {
  test('that keeps a token of a request is not given to the next', async () => {
    const sequence = new CountingSequence()
    sequence.stuck = 1
    const slot = new LlamaSlot<number, never>(sequence, new StepTurns())
    await slot.feed([7])
    await expect(slot.clear()).rejects.toMatchObject({
      code: 'ENGINE_FAILED',
      message: 'slot: expected 0 tokens left, actual 1',
    })
  })

  test('E10 cache_salt_per_tenant: a prefix is reused for its own owner, and for nobody else', async () => {
    const sequence = new CountingSequence()
    const slot = new LlamaSlot<number, never>(sequence, new StepTurns())
    const ask = async (owner: string | undefined, prompt: readonly number[]): Promise<number> => {
      const reused = await slot.reuse(owner, prompt)
      slot.begin(prompt.slice(reused), SAMPLING)
      await slot.next()
      await slot.next()
      await slot.rest()
      return reused
    }
    expect(await ask('a', [1, 2, 3])).toBe(0)
    expect(sequence.tokens).toEqual([1, 2, 3, 4])
    // The last token is evaluated again, since it gives the next one.
    expect(await ask('a', [1, 2, 3])).toBe(2)
    expect(await ask('a', [1, 2, 3, 4, 9])).toBe(4)
    expect(await ask('b', [1, 2, 3, 4, 9])).toBe(0)
    expect(await ask(undefined, [1, 2, 3])).toBe(0)
    expect(slot.empty).toBe(true)
    expect(sequence.tokens).toEqual([])
    expect(await ask(undefined, [1, 2, 3])).toBe(0)
    expect(await ask('b', [5, 2, 3])).toBe(0)
    expect(await ask('b', [5, 2, 8])).toBe(2)
    expect(sequence.tokens).toEqual([5, 2, 8, 9])
  })
})
