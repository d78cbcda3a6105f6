import {
  AUTHORIZATION_HEADER,
  MAX_REQUEST_BYTES,
  parseAuthorization,
  ProtocolError,
  type Hex,
} from '@jeju/verifier/protocol'
import type { Leases } from '../admission/leases.ts'
import type { ProviderAnswer, ProviderConnection } from '../admission/provider-connection.ts'
import { GatewayError } from '../http/gateway-error.ts'
import { readLimited } from '../http/read-limited.ts'
import { answerHeaders, requestHeaders } from './header-allowlist.ts'

/** Passes requests to the node whose binding their authorisation names. */
export interface Router {
  forward(request: Request, path: string): Promise<Response>
}

/**
 * A router over the leases. The user verified and authorised one binding, so there is no other node a request could
 * go to; bytes pass unmodified both ways.
 */
export function createRouter(leases: Leases, connection: ProviderConnection): Router {
  return {
    forward: async (request, path) => {
      const bindingId = bindingOf(request.headers.get(AUTHORIZATION_HEADER))
      const lease = leases.byBinding(bindingId)
      if (lease === undefined) {
        throw new GatewayError('provider_not_admitted', 'no verified node has that binding now')
      }
      const body = await readLimited(request.body, MAX_REQUEST_BYTES)
      if (body === undefined) {
        throw new GatewayError('body_too_large', `body: more than ${MAX_REQUEST_BYTES} bytes`)
      }
      const answer = await connection
        .send(lease.endpoint, {
          method: 'POST',
          path,
          headers: requestHeaders(request.headers),
          body,
          signal: request.signal,
        })
        .catch((): ProviderAnswer => {
          leases.end(bindingId)
          throw new GatewayError('provider_unavailable', 'the node did not answer')
        })
      return new Response(answer.body, {
        status: answer.status,
        headers: answerHeaders(answer.headers),
      })
    },
  }
}

function bindingOf(header: string | null): Hex {
  if (header === null) {
    throw new GatewayError('authorization_missing', `${AUTHORIZATION_HEADER} header is required`)
  }
  try {
    return parseAuthorization(header).auth.bindingId
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    throw new GatewayError('authorization_invalid', error.message)
  }
}
