import type { z } from 'zod'
import { EngineError } from '../engine-error.ts'
import type { UpstreamAnswer } from './upstream-connection.ts'

const MAX_DOCUMENT_BYTES = 64 * 1024 * 1024

/**
 * Reads a whole answer. What an upstream says in an error may quote the prompt: only its status is taken.
 *
 * @throws {EngineError} `ENGINE_FAILED`
 */
export async function readDocument<Schema extends z.ZodType>(
  { status, body }: UpstreamAnswer,
  schema: Schema,
): Promise<z.output<Schema>> {
  if (status !== 200) {
    body.destroy()
    throw statusError(status)
  }
  const parts: Uint8Array[] = []
  let length = 0
  try {
    for await (const part of body) {
      length += part.length
      if (length > MAX_DOCUMENT_BYTES) throw new Error('too large')
      parts.push(part)
    }
  } catch {
    throw new EngineError('ENGINE_FAILED', 'upstream: an answer that broke off or is too large')
  }
  return parseDocument(Buffer.concat(parts).toString('utf8'), schema)
}

/** @throws {EngineError} `ENGINE_FAILED` */
export function parseDocument<Schema extends z.ZodType>(
  text: string,
  schema: Schema,
): z.output<Schema> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new EngineError('ENGINE_FAILED', 'upstream: an answer that is not JSON')
  }
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  // Names of its members are the upstream's own; values are not stated.
  const field = parsed.error.issues[0]?.path.map(String).join('.').slice(0, 64) ?? ''
  throw new EngineError('ENGINE_FAILED', `upstream: unexpected ${field || 'document'}`)
}

/** A refusal of the upstream, by its status alone. */
export function statusError(status: number): EngineError {
  switch (status) {
    case 429:
    case 503:
      return new EngineError('ENGINE_BUSY', 'upstream: busy')
    default:
      return new EngineError('ENGINE_FAILED', `upstream: expected 200, actual ${status}`)
  }
}
