import { run } from '../../../sdk/src/cli/run.ts'
import type { Terminal } from '../../../sdk/src/cli/terminal.ts'

/** A command that runs or has ended, and what it printed. */
export interface Ran {
  readonly exit: Promise<number>
  /** Lines on standard output, without their line breaks. */
  readonly out: readonly string[]
  readonly err: readonly string[]
  /** What Ctrl-C does. */
  interrupt(): void
}

/** Runs `jeju` in this process, with an environment of its own. */
export function jeju(args: readonly string[], env: Terminal['env'] = {}): Ran {
  const out: string[] = []
  const err: string[] = []
  let interrupt: () => void = () => undefined
  const interrupted = new Promise<void>((resolve) => {
    interrupt = resolve
  })
  const exit = run(args, {
    env,
    print: async (line) => void out.push(line),
    tell: (line) => void err.push(line),
    interrupted: () => interrupted,
  })
  return { exit, out, err, interrupt }
}
