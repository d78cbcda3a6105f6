/** What {@link BeforeAbort.wait} gives when the signal came first. */
export const ABORTED: unique symbol = Symbol('aborted')

/** Waits for one piece of work after the other, and for none of them once a signal is aborted; the work itself goes on. */
export class BeforeAbort {
  readonly #signal: AbortSignal
  #abort = (): void => undefined
  /** One listener for all of it: there is a piece of work for each token. */
  readonly #listener = (): void => this.#abort()

  constructor(signal: AbortSignal) {
    this.#signal = signal
    signal.addEventListener('abort', this.#listener, { once: true })
  }

  /** The result of the work, or {@link ABORTED} as soon as the signal is aborted. One at a time. */
  wait<T>(start: () => Promise<T>): Promise<T | typeof ABORTED> {
    return new Promise((resolve, reject) => {
      if (this.#signal.aborted) return resolve(ABORTED)
      this.#abort = () => resolve(ABORTED)
      start().then(resolve, reject)
    })
  }

  /** Listens no more. */
  end(): void {
    this.#signal.removeEventListener('abort', this.#listener)
  }
}
