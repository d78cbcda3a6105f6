/** Seeded choices: the same seed gives the same choices in the same order, and so the same corpus. */
export interface Random {
  /** In [0, 1). */
  fraction(): number
  /** True with this probability. */
  chance(probability: number): boolean
  /** A whole number from `low` to `high`, both included. */
  integer(low: number, high: number): number
  pick<T>(list: readonly T[]): T
  /** Reorders a list in place and returns it. */
  shuffle<T>(list: T[]): T[]
}

const SEED_MASK = 0x9e3779b9

/** Xorshift with 32 bits of state (Marsaglia 2003); not for secrets. */
export function createRandom(seed: number): Random {
  let state = (seed ^ SEED_MASK) >>> 0 || 1
  const fraction = (): number => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
  const integer = (low: number, high: number): number =>
    low + Math.floor(fraction() * (high - low + 1))
  return {
    fraction,
    chance: (probability) => fraction() < probability,
    integer,
    pick: (list) => at(list, integer(0, list.length - 1)),
    shuffle: (list) => {
      for (let last = list.length - 1; last > 0; last--) {
        const other = integer(0, last)
        const moved = at(list, last)
        list[last] = at(list, other)
        list[other] = moved
      }
      return list
    },
  }
}

function at<T>(list: readonly T[], index: number): T {
  const item = list[index]
  if (item === undefined) throw new RangeError(`list of ${list.length}: no item ${index}`)
  return item
}
