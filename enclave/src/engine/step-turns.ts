/** Steps that begin together. */
class Turn {
  steps = 0
  begin: () => void = () => undefined
  /** Resolves when it is this turn's time. */
  readonly due = new Promise<void>((resolve) => (this.begin = resolve))
  /**
   * Resolves when its steps are evaluated: the library collects what is asked for in one turn of the event loop and begins
   * it in the next. Whoever works before that makes the engine wait.
   */
  readonly begun = this.due.then(
    () => new Promise<void>((resolve) => process.nextTick(() => setImmediate(resolve))),
  )
}

/**
 * Lets parallel answers take their steps together. What is asked for while steps are under way begins when the last of
 * them is over, and with it what that one asks for next. The library itself evaluates at once whatever is there when a
 * batch is done: answers would drift apart, and be evaluated one by one. Nobody waits for an answer that asks late.
 */
export class StepTurns {
  #underWay = 0
  #next = new Turn()

  /** Runs a step in the next turn. */
  take<Result>(step: () => Promise<Result>): Promise<Result> {
    const turn = this.#next
    turn.steps++
    if (turn.steps === 1 && this.#underWay === 0) this.#schedule()
    return turn.due.then(step).finally(() => this.#over())
  }

  /** Resolves when the steps that were taken last have begun. */
  get begun(): Promise<void> {
    return this.#next.begun
  }

  #over(): void {
    this.#underWay--
    if (this.#underWay === 0 && this.#next.steps > 0) this.#schedule()
  }

  /** When whoever was just answered has asked again. */
  #schedule(): void {
    process.nextTick(() => {
      const turn = this.#next
      this.#next = new Turn()
      this.#underWay = turn.steps
      turn.begin()
    })
  }
}
