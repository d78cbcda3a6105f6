/** Every code a gateway answers with: HTTP status and OpenAI error type (docs/errors.md). */
export const GATEWAY_ERRORS = {
  invalid_request: { status: 400, type: 'invalid_request_error' },
  invalid_nonce: { status: 400, type: 'invalid_request_error' },
  authorization_invalid: { status: 401, type: 'authentication_error' },
  authorization_missing: { status: 402, type: 'payment_required' },
  not_found: { status: 404, type: 'not_found' },
  provider_not_found: { status: 404, type: 'not_found' },
  method_not_allowed: { status: 405, type: 'invalid_request_error' },
  body_too_large: { status: 413, type: 'invalid_request_error' },
  too_many_requests: { status: 429, type: 'rate_limit_error' },
  internal_error: { status: 500, type: 'server_error' },
  collateral_unavailable: { status: 502, type: 'server_error' },
  provider_unavailable: { status: 502, type: 'server_error' },
  provider_not_admitted: { status: 503, type: 'server_error' },
} as const

/** One of {@link GATEWAY_ERRORS}. */
export type GatewayErrorCode = keyof typeof GATEWAY_ERRORS

/** A refusal with a stable code. */
export class GatewayError extends Error {
  override readonly name = 'GatewayError'
  readonly code: GatewayErrorCode

  constructor(code: GatewayErrorCode, message: string) {
    super(message)
    this.code = code
  }
}

/** OpenAI's error document. */
export function errorBody({ code, message }: GatewayError): {
  readonly error: {
    readonly message: string
    readonly type: string
    readonly code: GatewayErrorCode
    readonly param: null
  }
} {
  return { error: { message, type: GATEWAY_ERRORS[code].type, code, param: null } }
}
