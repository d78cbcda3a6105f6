import { NotVerified } from '../errors/not-verified.ts'
import { SdkError, type SdkErrorCode } from '../errors/sdk-error.ts'

/** An error as OpenAI clients read it. */
export interface OpenAiError {
  readonly status: number
  readonly code: string
  readonly message: string
}

const STATUS: Partial<Record<SdkErrorCode, number>> = {
  REQUEST_REFUSED: 404,
  REQUEST_INVALID: 400,
  REQUEST_TOO_LARGE: 413,
  NO_PROVIDER: 404,
  PROVIDER_UNAVAILABLE: 503,
}

/** What a failed request looks like to the proxy's client. Texts of foreign errors stay inside. */
export function toOpenAiError(error: unknown): OpenAiError {
  if (error instanceof NotVerified) {
    return { status: 502, code: 'not_verified', message: error.message }
  }
  if (error instanceof SdkError) {
    const status = STATUS[error.code] ?? 502
    return { status, code: error.code.toLowerCase(), message: error.message }
  }
  return { status: 502, code: 'proxy_failed', message: 'the request failed' }
}

/** JSON body of an error. */
export function errorBody({ status, code, message }: OpenAiError): string {
  const type = status < 500 ? 'invalid_request_error' : 'server_error'
  return JSON.stringify({ error: { message, type, code, param: null } })
}
