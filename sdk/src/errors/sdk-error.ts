/** Codes of the SDK's own errors; the prefix says who acts (docs/errors.md). */
export const SDK_ERROR_CODES = [
  'CONFIG_GATEWAY', // the gateway address is not https, nor http on loopback
  'CONFIG_CHAIN', // the wallet's chain is not the deployment's
  'CONFIG_ENDPOINT', // the endpoint that the registry names for an agent is none that others can reach
  'CONFIG_AMOUNT', // an amount or limit in the options is out of range
  'CONFIG_WALLET', // a key file or keystore is none, or its password is another
  'STORE_FAILED', // what is kept cannot be read or written, or others may read it
  'RECORD_INVALID', // a record of the store is not of its form
  'BUDGET_EXHAUSTED', // the channel would lock more than the caller's budget: nothing was sent
  'CLIENT_CLOSED', // the client was closed
  'REQUEST_REFUSED', // an endpoint, method or origin whose answer nobody verifies: nothing was sent
  'REQUEST_INVALID', // the body is no request for an answer
  'REQUEST_TOO_LARGE', // the body is beyond MAX_REQUEST_BYTES
  'NO_PROVIDER', // no active provider offers the model at an effective price
  'NO_PROVIDER_ALLOWED', // the routing preferences leave nobody; `param` names one that took a provider away
  'PROVIDER_UNAVAILABLE', // evidence of no candidate could be fetched
  'GATEWAY_UNAVAILABLE', // the gateway does not answer
  'GATEWAY_ANSWER', // the gateway answers something that cannot be read
  'NOT_VERIFIED', // a check failed; of an answer or a node the error carries the report
  'OUTCOME_UNKNOWN', // the connection ended after the authorisation was sent: the request may be charged
  'CHANNEL_UNKNOWN', // no such channel, or none that this wallet may ask for
  'RELEASE_REFUSED', // the provider does not release a channel at once: the refund is left
  'CHAIN_READ', // a contract could not be read
  'CHAIN_REVERT', // a contract refused; the message names its error
  'CHAIN_WRITE', // a transaction could not be sent or was not confirmed
  'CHAIN_EVENT', // a confirmed transaction lacks the event that states its result
] as const

/** One of {@link SDK_ERROR_CODES}. */
export type SdkErrorCode = (typeof SDK_ERROR_CODES)[number]

/** What the SDK could not do. The message says place, expected, actual; never prompts, answers or keys. */
export class SdkError extends Error {
  override readonly name: string = 'SdkError'
  readonly code: SdkErrorCode
  /** The member of the request that is meant, as OpenAI's errors name it. */
  readonly param: string | undefined

  constructor(
    code: SdkErrorCode,
    message: string,
    { param, ...options }: ErrorOptions & { readonly param?: string } = {},
  ) {
    super(message, options)
    this.code = code
    this.param = param
  }
}
