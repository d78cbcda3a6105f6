/** Every code a node answers with: HTTP status and OpenAI error type (docs/errors.md). */
export const NODE_ERRORS = {
  invalid_request: { status: 400, type: 'invalid_request_error' },
  unsupported_field: { status: 400, type: 'invalid_request_error' },
  invalid_nonce: { status: 400, type: 'invalid_request_error' },
  sealing_required: { status: 400, type: 'invalid_request_error' },
  sealed_body_invalid: { status: 400, type: 'invalid_request_error' },
  tls_not_bound: { status: 400, type: 'invalid_request_error' },
  context_length_exceeded: { status: 400, type: 'invalid_request_error' },
  authorization_invalid: { status: 401, type: 'authentication_error' },
  authorization_expired: { status: 401, type: 'authentication_error' },
  request_hash_mismatch: { status: 401, type: 'authentication_error' },
  voucher_invalid: { status: 401, type: 'authentication_error' },
  unauthorized: { status: 401, type: 'unauthorized' },
  authorization_missing: { status: 402, type: 'payment_required' },
  channel_not_usable: { status: 402, type: 'payment_required' },
  insufficient_funds: { status: 402, type: 'payment_required' },
  max_fee_too_low: { status: 402, type: 'payment_required' },
  voucher_missing: { status: 402, type: 'payment_required' },
  voucher_too_low: { status: 402, type: 'payment_required' },
  not_found: { status: 404, type: 'not_found' },
  inclusion_pending: { status: 404, type: 'not_found' },
  model_not_found: { status: 404, type: 'invalid_request_error' },
  method_not_allowed: { status: 405, type: 'invalid_request_error' },
  request_timeout: { status: 408, type: 'invalid_request_error' },
  authorization_already_used: { status: 409, type: 'invalid_request_error' },
  wrong_binding: { status: 409, type: 'invalid_request_error' },
  sealed_replay: { status: 409, type: 'invalid_request_error' },
  session_not_accepted: { status: 412, type: 'session_not_accepted' },
  sealed_key_mismatch: { status: 422, type: 'invalid_request_error' },
  body_too_large: { status: 413, type: 'invalid_request_error' },
  headers_too_large: { status: 431, type: 'invalid_request_error' },
  attestation_busy: { status: 429, type: 'rate_limit_error' },
  rate_limited: { status: 429, type: 'rate_limit_error' },
  too_many_requests: { status: 429, type: 'rate_limit_error' },
  engine_busy: { status: 429, type: 'rate_limit_error' },
  internal_error: { status: 500, type: 'server_error' },
  engine_failed: { status: 502, type: 'server_error' },
  chain_unavailable: { status: 503, type: 'server_error' },
  guest_agent_unavailable: { status: 503, type: 'server_error' },
  gpu_unavailable: { status: 503, type: 'server_error' },
  not_ready: { status: 503, type: 'server_error' },
  draining: { status: 503, type: 'server_error' },
} as const

/** One of {@link NODE_ERRORS}. */
export type NodeErrorCode = keyof typeof NODE_ERRORS

/** A refusal with a stable code. Messages never hold content, keys or authorisations. */
export class NodeError extends Error {
  override readonly name = 'NodeError'
  readonly code: NodeErrorCode
  /** The request field that is wrong. */
  readonly param: string | undefined
  /** When it is worth trying again, seconds; 1 where nothing else is known. */
  readonly retryAfterS: number

  constructor(code: NodeErrorCode, message: string, param?: string, retryAfterS = 1) {
    super(message)
    this.code = code
    this.param = param
    this.retryAfterS = retryAfterS
  }
}

/** OpenAI's error document. */
export function errorBody(error: NodeError): {
  readonly error: {
    readonly message: string
    readonly type: string
    readonly code: NodeErrorCode
    readonly param: string | null
  }
} {
  return {
    error: {
      message: error.message,
      type: NODE_ERRORS[error.code].type,
      code: error.code,
      param: error.param ?? null,
    },
  }
}

/** Anthropic's error document, for its own endpoint; code and field stand in it as well. */
export function messagesErrorBody(error: NodeError): {
  readonly type: 'error'
  readonly error: {
    readonly type: string
    readonly message: string
    readonly code: NodeErrorCode
    readonly param: string | null
  }
} {
  const { code, message, param = null } = error
  const { status, type } = NODE_ERRORS[code]
  return { type: 'error', error: { type: MESSAGES_TYPES[status] ?? type, message, code, param } }
}

/** Anthropic's types of errors by HTTP status; others have OpenAI's name. */
const MESSAGES_TYPES: Readonly<Record<number, string>> = {
  402: 'billing_error',
  404: 'not_found_error',
  408: 'timeout_error',
  413: 'request_too_large',
  500: 'api_error',
  502: 'api_error',
  503: 'overloaded_error',
}
