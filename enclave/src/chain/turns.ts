/** Lets one after the other do something. */
export type Turns = <Answer>(act: () => Promise<Answer>) => Promise<Answer>

/** Turns for whatever sends from one account, so that two transactions never take one nonce. */
export function createTurns(): Turns {
  let last: Promise<unknown> = Promise.resolve()
  return (act) => {
    const mine = last.then(act)
    last = mine.catch(() => undefined)
    return mine
  }
}
