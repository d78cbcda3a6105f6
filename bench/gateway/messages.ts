/** A prompt as it is sent. */
export interface BenchPrompt {
  readonly authorization: string
  readonly body: string
}

/** An answer as the upstream gives it: frames of a stream are written one by one. */
export interface BenchAnswer {
  readonly headers: Readonly<Record<string, string>>
  readonly pieces: readonly string[]
}

/** What the gateway under test was asked to accept: prompts of both kinds, and the one signed answer to each. */
export interface BenchExchange {
  readonly json: readonly BenchPrompt[]
  readonly stream: readonly BenchPrompt[]
  readonly answers: Readonly<Record<string, BenchAnswer>>
}

/** How long the upstream waits before each piece of an answer, from now on. */
export interface Pace {
  readonly paceMs: number
}

/** From a process that serves, once it does. */
export interface Serving {
  readonly port: number
  readonly exchange?: BenchExchange
}

/** Processor time and memory of a process that serves, when asked. */
export interface Usage {
  readonly cpuMs: number
  readonly rssMb: number
}

/** Asks a child for its usage; both sides of it. */
export const USAGE = 'usage'
/** The same with garbage collected, for its memory: collecting costs time, and makes what follows slower. */
export const USAGE_COLLECTED = 'usage, collected'

/** Answers {@link USAGE}; for processes that serve. */
export function answerUsage(): void {
  process.on('message', (message) => {
    if (message !== USAGE && message !== USAGE_COLLECTED) return
    if (message === USAGE_COLLECTED) globalThis.gc?.()
    const { user, system } = process.cpuUsage()
    const usage: Usage = {
      cpuMs: (user + system) / 1000,
      rssMb: process.memoryUsage().rss / 2 ** 20,
    }
    process.send?.(usage)
  })
}
