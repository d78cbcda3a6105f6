/** What was measured of one piece of work, in milliseconds. */
export interface Measurement {
  readonly medianMs: number
  readonly p10Ms: number
  readonly runs: number
}

/** One piece of work, and what must be done before each run of it, which is not measured. */
export interface Contestant {
  readonly prepare: () => Promise<void>
  readonly work: () => Promise<unknown>
}

/** Work to be compared, by name. */
export type Contestants = Readonly<Record<string, Contestant>>

/** Work that needs nothing prepared. */
export function contestant(work: () => Promise<unknown>): Contestant {
  return { prepare: () => Promise.resolve(), work }
}

/** Work on what is prepared afresh for each run of it. */
export function contestantWith<Prepared>(
  prepare: () => Promise<Prepared>,
  work: (prepared: Prepared) => Promise<unknown>,
): Contestant {
  const ready: Prepared[] = []
  return {
    prepare: async () => {
      ready.push(await prepare())
    },
    work: async () => {
      const prepared = ready.pop()
      if (prepared === undefined) throw new Error('nothing was prepared')
      await work(prepared)
    },
  }
}

/** Long enough that a turn is not spent on what the one before it left in the caches. */
const RUNS_PER_TURN = 20
/** Runs at the start of a turn that are not counted. */
const RUNS_TO_SETTLE = 5

/**
 * Measures all of them in turns, so that whatever else the machine does meets each alike: figures of one run can be
 * compared, figures of two machines cannot.
 */
export async function measureInTurns(
  contestants: Contestants,
  { warmUp, runs }: { readonly warmUp: number; readonly runs: number },
): Promise<Readonly<Record<string, Measurement>>> {
  const entries = Object.entries(contestants)
  const times = new Map<string, number[]>(entries.map(([name]) => [name, []]))
  for (const [, { prepare, work }] of entries) {
    for (let run = 0; run < warmUp; run++) {
      await prepare()
      await work()
    }
  }
  for (let done = 0; done < runs; done += RUNS_PER_TURN) {
    for (const [name, { prepare, work }] of entries) {
      for (let run = 0; run < RUNS_TO_SETTLE; run++) {
        await prepare()
        await work()
      }
      for (let run = 0; run < RUNS_PER_TURN; run++) {
        await prepare()
        const start = performance.now()
        await work()
        times.get(name)?.push(performance.now() - start)
      }
    }
  }
  return Object.fromEntries([...times].map(([name, taken]) => [name, summary(taken)]))
}

function summary(times: readonly number[]): Measurement {
  const sorted = times.toSorted((a, b) => a - b)
  const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? Number.NaN
  return { medianMs: round(at(0.5)), p10Ms: round(at(0.1)), runs: sorted.length }
}

function round(value: number): number {
  return Number(value.toFixed(3))
}
