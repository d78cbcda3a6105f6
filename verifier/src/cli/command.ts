import type { Terminal } from './terminal.ts'

/** One subcommand. */
export interface Command {
  /** Text of `--help`: usage, flags, examples. */
  readonly help: string
  /** Gives the exit code. @throws UsageError */
  run(args: readonly string[], terminal: Terminal): Promise<number>
}
