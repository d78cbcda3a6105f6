import { pino, type DestinationStream, type Logger as PinoLogger } from 'pino'

/** Structured log. Callers hand in identifiers, checks and counts only: never bodies, headers or authorisations. */
export type Logger = PinoLogger

/** A logger without host name or process id. */
export function createLogger(level: string, destination?: DestinationStream): Logger {
  const options = { level, base: null }
  return destination === undefined ? pino(options) : pino(options, destination)
}
