import { pino, type DestinationStream, type Logger as PinoLogger } from 'pino'

/** Structured log. Callers hand in identifiers and counts only: never prompts, answers, keys or authorisations. */
export type Logger = PinoLogger

/** Names that are cut out wherever they appear, should a caller ever hand them in. */
const SECRET_NAMES = [
  'authorization',
  'compute-authorization',
  'content',
  'body',
  'headers',
  'key',
  'messages',
  'privateKey',
  'prompt',
  'salt',
  'signature',
]

/** A logger without host name or process id: both would identify the host (attack N8). */
export function createLogger(level: string, destination?: DestinationStream): Logger {
  const paths = SECRET_NAMES.flatMap((name) => [`["${name}"]`, `*["${name}"]`])
  const options = { level, base: null, redact: { paths, censor: '[cut]' } }
  return destination === undefined ? pino(options) : pino(options, destination)
}
