import type { Logger } from './logging.ts'

const METHODS = ['debug', 'error', 'info', 'log', 'trace', 'warn'] as const

/**
 * What libraries print becomes a line of the log that says which method they used, and nothing of what they said: it may
 * quote a conversation, and is no JSON.
 */
export function muteLibraries(
  target: Pick<Console, (typeof METHODS)[number]>,
  logger: Pick<Logger, 'debug'>,
): void {
  for (const method of METHODS) {
    target[method] = () => logger.debug({ method }, 'a library printed')
  }
}

/** What {@link endOnFault} needs of a process. */
export interface FaultyProcess {
  on(event: 'uncaughtException', listener: (error: unknown) => void): unknown
  exit(code: number): unknown
}

/**
 * Ends the process on a fault that nobody expected, by its name and code. Node would print the whole of it, and what a
 * fault says may quote a conversation. What was promised is on disk.
 */
export function endOnFault(process: FaultyProcess, logger: Pick<Logger, 'fatal'>): void {
  process.on('uncaughtException', (error) => {
    const code = error instanceof Error && 'code' in error ? String(error.code) : undefined
    logger.fatal({ error: error instanceof Error ? error.name : typeof error, code }, 'a fault')
    process.exit(1)
  })
}
