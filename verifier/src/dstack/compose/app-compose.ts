import { decodeUtf8 } from '../../bytes/bytes.ts'
import { JsonError, parseStrictJson } from '../../bytes/strict-json.ts'
import { VerifierError } from '../../errors.ts'
import { ProtocolError } from '../../protocol/protocol-error.ts'
import { MAX_APP_COMPOSE_BYTES } from './template.ts'

/** Members of an app-compose file (dstack struct AppCompose), as JSON gives them. */
export type AppCompose = ReadonlyMap<string, unknown>

const MAX_DEPTH = 16

/**
 * Reads an app-compose file. A doubled member is refused: the guest's programs do not agree on which one counts.
 * @throws VerifierError `COMPOSE_INVALID`
 */
export function parseAppCompose(bytes: Uint8Array): AppCompose {
  if (bytes.length > MAX_APP_COMPOSE_BYTES) throw composeInvalid(`${bytes.length} bytes`)
  let value: unknown
  try {
    value = parseStrictJson(decodeUtf8(bytes, 'app-compose'), { maxDepth: MAX_DEPTH })
  } catch (cause) {
    if (!(cause instanceof JsonError || cause instanceof ProtocolError)) throw cause
    throw composeInvalid(cause.message, cause)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw composeInvalid('not an object')
  }
  return new Map(Object.entries(value))
}

/** The refusal of an app-compose file that cannot be judged. */
export function composeInvalid(what: string, cause?: unknown): VerifierError {
  return new VerifierError('COMPOSE_INVALID', `app-compose: ${what}`, { cause })
}
