import { StopStrings, type StopOutcome } from './stop-strings.ts'
import { Utf8Pieces } from './utf8-pieces.ts'

/** The text of one answer as it grows: whole characters, ended at stop strings, and counted in tokens. */
export class AnswerText {
  readonly #decoder = new Utf8Pieces()
  readonly #stops: StopStrings
  /** Where the text of each token ends, in UTF-16 units, for tokens that are not handed out whole. */
  readonly #pendingEnds: number[] = []
  #length = 0
  #handed = 0
  #generated = 0

  constructor(stop: readonly string[]) {
    this.#stops = new StopStrings(stop)
  }

  /** Tokens pushed so far. */
  get generated(): number {
    return this.#generated
  }

  /** Tokens whose whole text was handed out. */
  get delivered(): number {
    return this.#generated - this.#pendingEnds.length
  }

  /** Adds the bytes of a generated token and returns the text to hand out. */
  push(bytes: Uint8Array): StopOutcome {
    const piece = this.#decoder.push(bytes)
    this.#generated++
    this.#length += piece.length
    this.#pendingEnds.push(this.#length + (this.#decoder.incomplete ? 1 : 0))
    return this.#handOut(this.#stops.push(piece))
  }

  /** Returns the rest, when no more tokens come. */
  end(): string {
    const last = this.#stops.push(this.#decoder.end())
    const text = last.stopped ? last.text : last.text + this.#stops.end()
    return this.#handOut({ ...last, text }).text
  }

  #handOut(outcome: StopOutcome): StopOutcome {
    this.#handed += outcome.text.length
    while ((this.#pendingEnds[0] ?? Infinity) <= this.#handed) this.#pendingEnds.shift()
    return outcome
  }
}
