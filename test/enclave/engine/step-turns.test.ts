import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { StepTurns } from '../../../enclave/src/engine/step-turns.ts'

/** Steps by name, each over when a test says so. */
class Steps {
  readonly begun: string[] = []
  readonly #over = new Map<string, { readonly end: () => void; readonly fail: () => void }>()

  step(name: string): () => Promise<string> {
    return () => {
      this.begun.push(name)
      return new Promise((resolve, reject) => {
        this.#over.set(name, {
          end: () => resolve(name),
          fail: () => reject(new Error(`${name} failed`)),
        })
      })
    }
  }

  end(name: string): void {
    this.#over.get(name)?.end()
  }

  fail(name: string): void {
    this.#over.get(name)?.fail()
  }
}

describe('steps of parallel answers', () => {
  test('what is asked for while others are under way begins when the last of them is over', async () => {
    const [turns, steps] = [new StepTurns(), new Steps()]
    const a1 = turns.take(steps.step('a1'))
    const b1 = turns.take(steps.step('b1'))
    await nextTurn()
    expect(steps.begun).toEqual(['a1', 'b1'])

    const c1 = turns.take(steps.step('c1'))
    steps.end('a1')
    expect(await a1).toBe('a1')
    const a2 = turns.take(steps.step('a2'))
    await nextTurn()
    expect(steps.begun).toEqual(['a1', 'b1'])

    // Whoever is answered last asks again before the others begin.
    const b2 = b1.then(() => turns.take(steps.step('b2')))
    steps.end('b1')
    await nextTurn()
    expect(steps.begun).toEqual(['a1', 'b1', 'c1', 'a2', 'b2'])
    for (const name of ['c1', 'a2', 'b2']) steps.end(name)
    expect(await Promise.all([c1, a2, b2])).toEqual(['c1', 'a2', 'b2'])
  })

  test('nobody waits for an answer that asks late', async () => {
    const [turns, steps] = [new StepTurns(), new Steps()]
    const a1 = turns.take(steps.step('a1'))
    const b1 = turns.take(steps.step('b1'))
    await nextTurn()
    steps.end('a1')
    steps.end('b1')
    await Promise.all([a1, b1])
    void turns.take(steps.step('a2'))
    await nextTurn()
    expect(steps.begun).toEqual(['a1', 'b1', 'a2'])
  })

  test('a step that fails fails alone, and holds nobody up', async () => {
    const [turns, steps] = [new StepTurns(), new Steps()]
    const a1 = turns.take(steps.step('a1'))
    const b1 = turns.take(steps.step('b1'))
    await nextTurn()
    const a2 = turns.take(steps.step('a2'))
    steps.fail('b1')
    await expect(b1).rejects.toThrow('b1 failed')
    steps.end('a1')
    expect(await a1).toBe('a1')
    await nextTurn()
    expect(steps.begun).toEqual(['a1', 'b1', 'a2'])
    steps.end('a2')
    expect(await a2).toBe('a2')
  })

  test('a step is said to have begun after it was asked of the engine', async () => {
    const [turns, steps] = [new StepTurns(), new Steps()]
    void turns.take(steps.step('a1'))
    const begun = turns.begun.then(() => [...steps.begun])
    expect(steps.begun).toEqual([])
    expect(await begun).toEqual(['a1'])
  })
})
