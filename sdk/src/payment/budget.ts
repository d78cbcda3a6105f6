import { SdkError } from '../errors/sdk-error.ts'
import type { TakenBudget } from './channel-book.ts'

/** What one client may lock in channels, openings and top-ups together. Wei. */
export class Budget {
  readonly #limit: bigint | undefined
  #locked = 0n

  /** Undefined: whatever the wallet has. */
  constructor(limit: bigint | undefined) {
    this.#limit = limit
  }

  /**
   * As much of `wanted` as is left, at least `needed`; taken from what is left until it is given back. Throws
   * `BUDGET_EXHAUSTED`.
   */
  take(wanted: bigint, needed: bigint): TakenBudget {
    const left = this.#limit === undefined ? wanted : this.#limit - this.#locked
    if (left < needed) {
      throw new SdkError(
        'BUDGET_EXHAUSTED',
        `budget: ${needed} wei more are needed, ${left} of ${this.#limit} are left`,
      )
    }
    const amount = wanted < left ? wanted : left
    this.#locked += amount
    return {
      amount,
      giveBack: () => {
        this.#locked -= amount
      },
    }
  }
}
