import type { Terminal } from './terminal.ts'

/** One command. */
export interface Command {
  /** Half a line for the list of commands. */
  readonly summary: string
  /** Text of `--help`: usage, flags, examples. */
  readonly help: string
  /** Gives the exit code. Throws a UsageError or an SdkError. */
  run(args: readonly string[], terminal: Terminal): Promise<number>
}
