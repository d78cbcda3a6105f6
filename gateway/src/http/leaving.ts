/** Says that nobody waits any more: an AbortSignal, or what costs less than one for each request. */
export interface EndSignal {
  readonly aborted: boolean
  readonly reason: unknown
  addEventListener(type: 'abort', listener: () => void): void
  removeEventListener(type: 'abort', listener: () => void): void
}

/** The signal of one request: its caller has left, or it has taken too long. */
export class Leaving implements EndSignal {
  readonly #listeners = new Set<() => void>()
  aborted = false
  reason: unknown

  /** Tells everybody who listens, once. */
  abort(reason: Error): void {
    if (this.aborted) return
    this.aborted = true
    this.reason = reason
    for (const listener of this.#listeners) listener()
    this.#listeners.clear()
  }

  addEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners.add(listener)
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners.delete(listener)
  }
}
