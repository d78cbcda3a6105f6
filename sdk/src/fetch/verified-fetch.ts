import { SdkError } from '../errors/sdk-error.ts'
import { CHAT_PATH, MODELS_PATH, type GatewayClient } from '../gateway/gateway-client.ts'
import { readChatRequest } from './chat-request.ts'
import type { ChatCompleter } from './complete-chat.ts'

/**
 * A `fetch` for one gateway that knows two endpoints: chat completions, verified and paid, and the list of models.
 * Whatever else is asked is refused, since nobody would verify the answer. A path alone is taken at the gateway.
 */
export function verifiedFetch(options: {
  /** Parsed base address. */
  readonly base: string
  readonly gateway: GatewayClient
  readonly chat: ChatCompleter
}): typeof fetch {
  const { base, gateway, chat } = options
  return async (input, init) => {
    const request = new Request(absolute(input, base), init)
    if (request.method === 'POST' && request.url === base + CHAT_PATH) {
      return chat.complete(await readChatRequest(request), request.signal)
    }
    if (request.method === 'GET' && request.url === base + MODELS_PATH) {
      return gateway.models(request.signal)
    }
    throw new SdkError(
      'REQUEST_REFUSED',
      `expected POST ${CHAT_PATH} or GET ${MODELS_PATH} at the gateway, got ${request.method} ${new URL(request.url).pathname}`,
    )
  }
}

function absolute(input: RequestInfo | URL, base: string): RequestInfo | URL {
  return typeof input === 'string' && input.startsWith('/') ? base + input : input
}
