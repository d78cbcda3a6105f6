/** Where a command reads and writes. */
export interface Terminal {
  readonly input: AsyncIterable<Uint8Array>
  /** Whether output may be coloured. */
  readonly isColoured: boolean
  /** Writes to standard output; settles when the reader keeps up. */
  print(text: string): Promise<void>
  /** Writes one line to standard error. */
  complain(line: string): void
}

/** The terminal of this process. A reader that goes away (`| head`) ends it quietly. */
export function processTerminal(): Terminal {
  const { stdin, stdout, stderr, env } = process
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    // Exit 141 is what a shell reports of a program that a closed pipe ended.
    if (error.code === 'EPIPE') process.exit(141)
    throw error
  })
  // https://no-color.org: any value but the empty one.
  const isPlain = (env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb'
  return {
    input: stdin,
    isColoured: stdout.isTTY && !isPlain,
    print: (text) =>
      stdout.write(text)
        ? Promise.resolve()
        : new Promise((resolve) => stdout.once('drain', () => resolve())),
    complain: (line) => void stderr.write(`jeju-verify: ${line}\n`),
  }
}
