import { MAX_REQUEST_BYTES } from '@jeju/verifier/protocol'
import { NodeError } from './node-error.ts'

/** The request body as sent, counted while it is read: a length header is only a hint. */
export async function readBody(request: Request): Promise<Uint8Array> {
  const stated = Number(request.headers.get('content-length') ?? 0)
  if (stated > MAX_REQUEST_BYTES) throw tooLarge()
  if (request.body === null) return new Uint8Array(0)
  const parts: Uint8Array[] = []
  let length = 0
  try {
    for await (const part of request.body as AsyncIterable<Uint8Array>) {
      length += part.length
      if (length > MAX_REQUEST_BYTES) throw tooLarge()
      parts.push(part)
    }
  } catch (error) {
    if (error instanceof NodeError) throw error
    // Whoever sent it left; anybody can, so it is no fault to report.
    throw new NodeError('invalid_request', 'body: not received whole')
  }
  return new Uint8Array(Buffer.concat(parts))
}

function tooLarge(): NodeError {
  return new NodeError('body_too_large', `body: more than ${MAX_REQUEST_BYTES} bytes`)
}
