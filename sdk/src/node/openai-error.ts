import { NotVerified } from '../errors/not-verified.ts'
import { SdkError, type SdkErrorCode } from '../errors/sdk-error.ts'

/** Codes of the proxy's own; SDK errors keep theirs, in lower case (docs/errors.md). */
export const PROXY_ERROR_CODES = [
  'not_verified', // the provider or its answer; the message names the checks
  'not_found',
  'request_too_large',
  'cross_origin_request',
  'host_not_allowed',
  'content_type_unsupported',
  'proxy_failed',
] as const

/** An error as OpenAI clients read it. */
export interface OpenAiError {
  readonly status: number
  readonly code: string
  readonly message: string
  /** The member of the request that is meant. */
  readonly param?: string | undefined
}

const STATUS: Readonly<Partial<Record<SdkErrorCode, number>>> = {
  REQUEST_REFUSED: 404,
  REQUEST_INVALID: 400,
  REQUEST_TOO_LARGE: 413,
  NO_PROVIDER: 404,
  NO_PROVIDER_ALLOWED: 412,
  BUDGET_EXHAUSTED: 402,
  PROVIDER_UNAVAILABLE: 503,
}

/** What a failed request looks like to the proxy's client. Texts of foreign errors stay inside. */
export function toOpenAiError(error: unknown): OpenAiError {
  if (error instanceof NotVerified) {
    return { status: 502, code: 'not_verified', message: error.message }
  }
  if (error instanceof SdkError) {
    const status = STATUS[error.code] ?? 502
    const { message, param } = error
    return { status, code: error.code.toLowerCase(), message, param }
  }
  return { status: 502, code: 'proxy_failed', message: 'the request failed' }
}

/** JSON body of an error. */
export function errorBody({ status, code, message, param }: OpenAiError): string {
  const type = status < 500 ? 'invalid_request_error' : 'server_error'
  return JSON.stringify({ error: { message, type, code, param: param ?? null } })
}
