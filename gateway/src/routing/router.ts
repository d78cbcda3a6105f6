import {
  AUTHORIZATION_HEADER,
  MAX_REQUEST_BYTES,
  parseAuthorization,
  ProtocolError,
  type Hex,
} from '@jeju/verifier/protocol'
import type { Lease } from '../admission/lease.ts'
import type { Leases } from '../admission/leases.ts'
import type { ProviderAnswer, ProviderConnection } from '../admission/provider-connection.ts'
import { GatewayError } from '../http/gateway-error.ts'
import { readLimited } from '../http/read-limited.ts'
import { answerHeaders, requestHeaders } from './header-allowlist.ts'

/** Statuses that never have a body (Fetch, null body status). */
const NO_BODY: readonly number[] = [204, 205, 304]

/** Passes requests to the node whose binding their authorisation names. */
export interface Router {
  forward(request: Request, path: string): Promise<Response>
}

/**
 * A router over the leases. The user verified and authorised one binding, so there is no other node a request could
 * go to; bytes pass unmodified both ways.
 */
export function createRouter(leases: Leases, connection: ProviderConnection): Router {
  const leaseOf = (bindingId: Hex): Lease => {
    const lease = leases.byBinding(bindingId)
    if (lease === undefined) {
      throw new GatewayError('provider_not_admitted', 'no verified node has that binding now')
    }
    return lease
  }
  return {
    forward: async (request, path) => {
      const bindingId = bindingOf(request.headers.get(AUTHORIZATION_HEADER))
      leaseOf(bindingId)
      const body = await readLimited(request.body, MAX_REQUEST_BYTES).catch(() => {
        throw new GatewayError('invalid_request', 'body: broke off')
      })
      if (body === undefined) {
        throw new GatewayError('body_too_large', `body: more than ${MAX_REQUEST_BYTES} bytes`)
      }
      // Again, because a body can take longer to arrive than a lease holds (attack F2).
      const { endpoint } = leaseOf(bindingId)
      const answer = await connection
        .send(endpoint, {
          method: 'POST',
          path,
          headers: requestHeaders(request.headers),
          body,
          signal: request.signal,
        })
        .then(passable)
        .catch((): ProviderAnswer => {
          // A caller who hangs up says nothing about the node: a stranger must not switch it off (attack F15).
          if (!request.signal.aborted) leases.end(bindingId)
          throw new GatewayError('provider_unavailable', 'the node did not answer')
        })
      return new Response(answer.body, {
        status: answer.status,
        headers: answerHeaders(answer.headers),
      })
    },
  }
}

/** Refuses a status that cannot go with a body, which no node has a use for. */
async function passable(answer: ProviderAnswer): Promise<ProviderAnswer> {
  const { status, body } = answer
  if (status >= 200 && status <= 599 && !NO_BODY.includes(status)) return answer
  await body.cancel()
  throw new GatewayError('provider_unavailable', `the node answered ${status}`)
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
