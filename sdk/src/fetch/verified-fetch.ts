import { isPromptPath } from '@jeju/verifier/protocol'
import { SdkError } from '../errors/sdk-error.ts'
import { MODELS_PATH, type GatewayClient } from '../gateway/gateway-client.ts'
import { readPromptBody } from './prompt-request.ts'
import { routePrompt } from './routed-prompt.ts'
import type { PromptCompleter } from './complete-prompt.ts'

/**
 * A `fetch` for one gateway that knows the endpoints that take a prompt, verified and paid, and the list of models.
 * Whatever else is asked is refused, since nobody would verify the answer. A path alone is taken at the gateway.
 */
export function verifiedFetch(options: {
  /** Parsed base address. */
  readonly base: string
  readonly gateway: GatewayClient
  readonly prompts: PromptCompleter
}): typeof fetch {
  const { base, gateway, prompts } = options
  return async (input, init) => {
    const request = new Request(absolute(input, base), init)
    const path = request.url.startsWith(base) ? request.url.slice(base.length) : ''
    if (request.method === 'POST' && isPromptPath(path)) {
      return prompts.complete(routePrompt(await readPromptBody(request), path), request.signal)
    }
    if (request.method === 'GET' && request.url === base + MODELS_PATH) {
      return gateway.models(request.signal)
    }
    throw new SdkError(
      'REQUEST_REFUSED',
      `expected POST of a prompt or GET ${MODELS_PATH} at the gateway, got ${request.method} ${new URL(request.url).pathname}`,
    )
  }
}

function absolute(input: RequestInfo | URL, base: string): RequestInfo | URL {
  return typeof input === 'string' && input.startsWith('/') ? base + input : input
}
