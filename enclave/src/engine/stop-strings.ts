/** What of the text may go out, and whether a stop string was met. */
export interface StopOutcome {
  readonly text: string
  readonly stopped: boolean
  /** The stop string that was met. */
  readonly stop?: string
}

/** Ends a text before the first stop string, and holds back what may be the beginning of one. */
export class StopStrings {
  readonly #stops: readonly string[]
  #held = ''

  constructor(stops: readonly string[]) {
    this.#stops = stops
  }

  /** Text that was pushed and not handed out yet. */
  get heldText(): string {
    return this.#held
  }

  /** Adds text; nothing may be pushed after `stopped`. */
  push(piece: string): StopOutcome {
    const text = this.#held + piece
    const first = this.#firstStop(text)
    if (first !== undefined) {
      this.#held = ''
      return { text: text.slice(0, first.at), stopped: true, stop: first.stop }
    }
    const held = this.#possibleStart(text)
    this.#held = text.slice(text.length - held)
    return { text: text.slice(0, text.length - held), stopped: false }
  }

  /** What was held back, when no more text comes. */
  end(): string {
    const rest = this.#held
    this.#held = ''
    return rest
  }

  #firstStop(text: string): { readonly at: number; readonly stop: string } | undefined {
    return this.#stops
      .map((stop) => ({ stop, at: text.indexOf(stop) }))
      .filter(({ at }) => at >= 0)
      .toSorted((a, b) => a.at - b.at)[0]
  }

  /** Length of the longest end of the text that begins a stop string. */
  #possibleStart(text: string): number {
    let longest = 0
    for (const stop of this.#stops) {
      for (let length = Math.min(stop.length - 1, text.length); length > longest; length--) {
        if (text.endsWith(stop.slice(0, length))) longest = length
      }
    }
    return longest
  }
}
