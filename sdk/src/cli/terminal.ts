import { oneLine, printable } from './printable.ts'

/** Where a command reads and writes. */
export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Writes a line of the result to standard output; settles when the reader keeps up. */
  print(line: string): Promise<void>
  /** Writes a line of progress or a complaint to standard error. */
  tell(line: string): void
  /** Settles when the user wants a long command to end. */
  interrupted(): Promise<void>
}

/** The terminal of this process. A reader that goes away (`| head`) ends it quietly. */
export function processTerminal(): Terminal {
  const { stdout, stderr, env } = process
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    // Exit 141 is what a shell reports of a program that a closed pipe ended.
    if (error.code === 'EPIPE') process.exit(141)
    throw error
  })
  return {
    env,
    print: (line) =>
      stdout.write(`${printable(line)}\n`)
        ? Promise.resolve()
        : new Promise((resolve) => stdout.once('drain', () => resolve())),
    tell: (line) => void stderr.write(`jeju: ${printable(oneLine(line))}\n`),
    interrupted: () =>
      new Promise((resolve) => {
        for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
          process.once(signal, () => resolve())
        }
      }),
  }
}
