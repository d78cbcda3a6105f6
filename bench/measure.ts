/** What was measured of one piece of work, in milliseconds. */
export interface Measurement {
  readonly medianMs: number
  readonly p10Ms: number
  /** Time of all processors together, a run: what else the machine does hardly changes it. */
  readonly cpuMs: number
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

/** Long enough that a turn is not spent on what the one before it left in the caches and to the garbage collector. */
const RUNS_PER_TURN = 50
/** Runs at the start of a turn that are not counted. */
const RUNS_TO_SETTLE = 20

/**
 * Measures all of them in turns, so that whatever else the machine does meets each alike: figures of one run can be
 * compared, figures of two machines cannot.
 */
export async function measureInTurns(
  contestants: Contestants,
  { warmUp, runs }: { readonly warmUp: number; readonly runs: number },
): Promise<Readonly<Record<string, Measurement>>> {
  const entries = Object.entries(contestants)
  const times = new Map<string, Taken[]>(entries.map(([name]) => [name, []]))
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
        const cpu = process.cpuUsage()
        const start = performance.now()
        await work()
        const wallMs = performance.now() - start
        const { user, system } = process.cpuUsage(cpu)
        times.get(name)?.push({ wallMs, cpuMs: (user + system) / 1000 })
      }
    }
  }
  return Object.fromEntries([...times].map(([name, taken]) => [name, summary(taken)]))
}

interface Taken {
  readonly wallMs: number
  readonly cpuMs: number
}

function summary(times: readonly Taken[]): Measurement {
  const [wall, cpu] = [times.map(({ wallMs }) => wallMs), times.map(({ cpuMs }) => cpuMs)]
  return {
    medianMs: round(at(wall, 0.5)),
    p10Ms: round(at(wall, 0.1)),
    cpuMs: round(at(cpu, 0.5)),
    runs: times.length,
  }
}

function at(times: readonly number[], share: number): number {
  const sorted = times.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length * share)] ?? Number.NaN
}

function round(value: number): number {
  return Number(value.toFixed(3))
}
