/** Every code a gateway answers with: HTTP status and OpenAI error type (docs/errors.md). */
export const GATEWAY_ERRORS = {
  invalid_request: { status: 400, type: 'invalid_request_error' },
  invalid_nonce: { status: 400, type: 'invalid_request_error' },
  payment_invalid: { status: 400, type: 'invalid_request_error' },
  authorization_invalid: { status: 401, type: 'authentication_error' },
  authorization_expired: { status: 401, type: 'authentication_error' },
  request_hash_mismatch: { status: 401, type: 'authentication_error' },
  account_unknown: { status: 401, type: 'authentication_error' },
  authorization_missing: { status: 402, type: 'payment_required' },
  budget_exhausted: { status: 402, type: 'payment_required' },
  payment_failed: { status: 402, type: 'payment_required' },
  payment_required: { status: 402, type: 'payment_required' },
  price_too_high: { status: 402, type: 'payment_required' },
  channel_unusable: { status: 402, type: 'payment_required' },
  not_found: { status: 404, type: 'not_found' },
  provider_not_found: { status: 404, type: 'not_found' },
  method_not_allowed: { status: 405, type: 'invalid_request_error' },
  no_provider_allowed: { status: 412, type: 'invalid_request_error' },
  session_not_accepted: { status: 412, type: 'session_not_accepted' },
  body_too_large: { status: 413, type: 'invalid_request_error' },
  rate_limited: { status: 429, type: 'rate_limit_error' },
  too_many_requests: { status: 429, type: 'rate_limit_error' },
  internal_error: { status: 500, type: 'server_error' },
  collateral_unavailable: { status: 502, type: 'server_error' },
  provider_unavailable: { status: 502, type: 'server_error' },
  response_not_verified: { status: 502, type: 'server_error' },
  chain_unavailable: { status: 503, type: 'server_error' },
  facilitator_unavailable: { status: 503, type: 'server_error' },
  shared_state_unavailable: { status: 503, type: 'server_error' },
  sponsor_unavailable: { status: 503, type: 'server_error' },
  draining: { status: 503, type: 'server_error' },
  overloaded: { status: 503, type: 'server_error' },
  provider_not_admitted: { status: 503, type: 'server_error' },
} as const

/** One of {@link GATEWAY_ERRORS}. */
export type GatewayErrorCode = keyof typeof GATEWAY_ERRORS

/** What goes with a refusal beside its code. */
interface RefusalDetails {
  /** The field that is wrong. */
  readonly param?: string
  /** When it is worth trying again, seconds. */
  readonly retryAfterS?: number
  /** Further headers. */
  readonly headers?: Readonly<Record<string, string>>
}

/** A refusal with a stable code. Messages never hold content, keys or authorisations. */
export class GatewayError extends Error {
  override readonly name = 'GatewayError'
  readonly code: GatewayErrorCode
  readonly details: RefusalDetails

  constructor(code: GatewayErrorCode, message: string, details: RefusalDetails = {}) {
    super(message)
    this.code = code
    this.details = details
  }
}

/** What an error answers over HTTP. */
export interface ErrorAnswer {
  readonly status: (typeof GATEWAY_ERRORS)[GatewayErrorCode]['status']
  readonly headers: Readonly<Record<string, string>>
  /** OpenAI's error document. */
  readonly body: {
    readonly error: {
      readonly message: string
      readonly type: string
      readonly code: GatewayErrorCode
      readonly param: string | null
    }
  }
}

/** The answer of a refusal; of what is no refusal nothing but that it happened. */
export function errorAnswer(error: unknown): ErrorAnswer {
  const known =
    error instanceof GatewayError ? error : new GatewayError('internal_error', 'internal error')
  const { code, message, details } = known
  const { status, type } = GATEWAY_ERRORS[code]
  return {
    status,
    headers: {
      ...details.headers,
      ...(details.retryAfterS === undefined ? {} : { 'retry-after': String(details.retryAfterS) }),
    },
    body: { error: { message, type, code, param: details.param ?? null } },
  }
}
