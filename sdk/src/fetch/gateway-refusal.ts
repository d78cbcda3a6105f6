import { decodeUtf8 } from '@jeju/verifier/protocol'
import { readBody } from '../gateway/read-body.ts'

const MAX_ERROR_BYTES = 64 * 1024

/** Codes that say that no provider has taken the request (docs/errors.md). */
const FAILOVER_CODES: readonly unknown[] = [
  'provider_unavailable',
  'provider_not_admitted',
  'not_ready',
  'draining',
]

/** An answer that is no answer: the gateway's or node's word, which nobody signed. */
export interface GatewayRefusal {
  readonly status: number
  /** Another provider may be tried. */
  readonly failover: boolean
  /** The node says that it has charged more than was signed for. */
  readonly isBehind: boolean
  toResponse(): Response
}

/** Reads an answer with an error status. */
export async function readRefusal(response: Response): Promise<GatewayRefusal> {
  const { status } = response
  const body = await readBody(response.body, MAX_ERROR_BYTES).catch(() => new Uint8Array(0))
  const code = errorCodeOf(body)
  const failover = (status === 502 || status === 503) && FAILOVER_CODES.includes(code)
  const isBehind = status === 402 && code === 'voucher_too_low'
  const headers = new Headers({
    'content-type': response.headers.get('content-type') ?? 'application/json',
    // The OpenAI client would repeat a request that may have been charged.
    'x-should-retry': 'false',
  })
  const retryAfter = response.headers.get('retry-after')
  if (retryAfter !== null) headers.set('retry-after', retryAfter)
  return { status, failover, isBehind, toResponse: () => new Response(body, { status, headers }) }
}

function errorCodeOf(body: Uint8Array): unknown {
  try {
    const { error }: { error?: { code?: unknown } } = JSON.parse(decodeUtf8(body))
    return error?.code
  } catch {
    return undefined
  }
}
