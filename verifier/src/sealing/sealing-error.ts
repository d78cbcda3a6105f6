/** Codes of bodies that cannot be sealed or opened. */
export const SEALING_ERROR_CODES = [
  'SEALED_HEADER', // the encapsulated key or the response nonce is missing or malformed
  'SEALED_KEY', // not a public key of the suite
  'SEALED_FRAME', // a frame beyond the limit, cut short, or without a tag
  'SEALED_OPEN', // a frame does not open under this key: another key, another order, or changed bytes
] as const

/** One of {@link SEALING_ERROR_CODES}. */
export type SealingErrorCode = (typeof SEALING_ERROR_CODES)[number]

/** A body that is not what it should be. The message never says which bytes, and holds no key. */
export class SealingError extends Error {
  override readonly name = 'SealingError'
  readonly code: SealingErrorCode

  constructor(code: SealingErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
