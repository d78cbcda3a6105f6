import { EngineError } from './engine-error.ts'

interface Waiter<Slot> {
  readonly take: (slot: Slot | undefined) => void
  readonly refuse: (error: EngineError) => void
}

/** Hands a fixed number of slots to requests in the order they came; at most `maxWaiting` may wait. */
export class SlotQueue<Slot> {
  readonly #free: Slot[]
  readonly #waiting: Waiter<Slot>[] = []
  readonly #maxWaiting: number
  #refusal: EngineError | undefined

  constructor(slots: readonly Slot[], maxWaiting: number) {
    this.#free = [...slots]
    this.#maxWaiting = maxWaiting
  }

  /**
   * The next free slot, or undefined when the signal is aborted first. Of several the one with the highest rank.
   *
   * @throws {EngineError} `ENGINE_BUSY` when too many wait, or the error the queue was ended with
   */
  acquire(signal: AbortSignal, rank: (slot: Slot) => number = () => 0): Promise<Slot | undefined> {
    if (this.#refusal) return Promise.reject(this.#refusal)
    if (signal.aborted) return Promise.resolve(undefined)
    const free = this.#takeFree(rank)
    if (free !== undefined) return Promise.resolve(free)
    if (this.#waiting.length >= this.#maxWaiting) {
      const text = `waiting requests: expected at most ${this.#maxWaiting}, actual one more`
      return Promise.reject(new EngineError('ENGINE_BUSY', text))
    }
    return this.#wait(signal)
  }

  #takeFree(rank: (slot: Slot) => number): Slot | undefined {
    const best = this.#free.toSorted((a, b) => rank(b) - rank(a))[0]
    if (best !== undefined) this.#free.splice(this.#free.indexOf(best), 1)
    return best
  }

  #wait(signal: AbortSignal): Promise<Slot | undefined> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1)
        resolve(undefined)
      }
      const waiter: Waiter<Slot> = {
        take: (slot) => {
          signal.removeEventListener('abort', leave)
          resolve(slot)
        },
        refuse: (error) => {
          signal.removeEventListener('abort', leave)
          reject(error)
        },
      }
      signal.addEventListener('abort', leave, { once: true })
      this.#waiting.push(waiter)
    })
  }

  /** Gives a slot back; whoever waits longest gets it. */
  release(slot: Slot): void {
    const next = this.#waiting.shift()
    if (next) next.take(slot)
    else this.#free.push(slot)
  }

  /** Refuses everybody who waits or comes later with this error. */
  end(refusal: EngineError): void {
    this.#refusal ??= refusal
    for (const waiter of this.#waiting.splice(0)) waiter.refuse(this.#refusal)
  }
}
