/** Codes of collateral that could not be fetched. Each of them refuses; none falls back to something weaker. */
export const COLLATERAL_FETCH_ERROR_CODES = [
  'FETCH_OPTIONS_INVALID', // the caller's options or clock
  'FETCH_REQUEST_INVALID', // the caller's FMSPC, CA, RIM id or nonce
  'FETCH_BUSY', // as many fetches under way as the client makes
  'FETCH_FAILED', // no answer, or one that broke off
  'FETCH_TIMEOUT', // no complete answer in time
  'FETCH_REDIRECTED', // the answer points elsewhere: only configured hosts are asked
  'FETCH_STATUS', // another status than 200
  'FETCH_TOO_LARGE', // beyond a limit
  'FETCH_CHAIN_INVALID', // issuer chain header missing, doubled or no URL-encoded PEM
  'FETCH_BODY_INVALID', // not the document or CRL that was asked for
  'FETCH_DUPLICATE_MEMBER', // a member twice in a signed answer
  'FETCH_NUMBERS_DIFFER', // TCB info and QE identity of different evaluation data numbers
  'FETCH_NOT_IN_FORCE', // before its issue date, or after its nextUpdate
  'FETCH_OLDER', // older than what is served now
] as const

/** Every code of {@link CollateralFetchError}. */
export type CollateralFetchErrorCode = (typeof COLLATERAL_FETCH_ERROR_CODES)[number]

/** There is no collateral. The message says what was asked of whom and what came. */
export class CollateralFetchError extends Error {
  override readonly name = 'CollateralFetchError'
  readonly code: CollateralFetchErrorCode

  constructor(code: CollateralFetchErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
