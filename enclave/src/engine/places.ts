import { EngineError } from './engine-error.ts'
import type { Admission } from './engine.ts'

/** Counts the answers that an engine has promised, so that nobody is charged and then finds no place. */
export class Places {
  readonly #limit: number
  #taken = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  get taken(): number {
    return this.#taken
  }

  /** @throws {EngineError} `ENGINE_BUSY` */
  admit(answers: number): Admission {
    if (this.#taken + answers > this.#limit) {
      throw new EngineError('ENGINE_BUSY', `answers: at most ${this.#limit} run or wait`)
    }
    this.#taken += answers
    let held = answers
    return {
      release: () => {
        this.#taken -= held
        held = 0
      },
    }
  }
}
