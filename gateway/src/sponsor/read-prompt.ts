import type { IncomingHttpHeaders } from 'node:http'
import { parsePromptRequest, SdkError, type PromptRequest } from '@jeju/sdk/payment'
import type { PromptPath } from '@jeju/verifier/protocol'
import { ENCAPSULATED_KEY_HEADER } from '@jeju/verifier/sealing'
import { GatewayError } from '../http/gateway-error.ts'

/**
 * What a gateway has to read of a prompt that it pays for: the model, and what bounds the answer.
 * @throws GatewayError `invalid_request`, for a sealed body too, of which it can read neither
 */
export function readPrompt(
  body: Buffer,
  path: PromptPath,
  headers: IncomingHttpHeaders,
): PromptRequest {
  if (headers[ENCAPSULATED_KEY_HEADER] !== undefined) {
    const text = 'body: a sealed one names no model; sign an authorisation for its node'
    throw new GatewayError('invalid_request', text)
  }
  try {
    return parsePromptRequest(new Uint8Array(body), path)
  } catch (error) {
    if (!(error instanceof SdkError)) throw error
    throw new GatewayError('invalid_request', error.message)
  }
}
