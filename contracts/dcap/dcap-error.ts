/** Why collateral or evidence did not reach the chain, or was not taken there. */
export const DCAP_ERROR_CODES = [
  'QUOTE_INVALID', // not a TDX quote of version 4 or 5 with its PCK chain
  'CERTIFICATE_INVALID', // a certificate or revocation list that cannot be read
  'COLLATERAL_INVALID', // a document that is not the one that was asked for
  'WRONG_ROOT', // the quote's chain ends in another root than the verifier's
  'PCK_REVOKED', // the chain knows the platform's key as revoked
  'GAS_MONEY', // the sender cannot pay for it
  'REFUSED', // a contract refused; the message says why in words
  'CHAIN_UNAVAILABLE', // the RPC did not answer, or a transaction was not mined
] as const

/** One of {@link DCAP_ERROR_CODES}. */
export type DcapErrorCode = (typeof DCAP_ERROR_CODES)[number]

/** The message names the place, what was expected and what came; it holds public values only. */
export class DcapError extends Error {
  override readonly name = 'DcapError'
  readonly code: DcapErrorCode

  constructor(code: DcapErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
