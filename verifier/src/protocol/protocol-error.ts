/** Codes of input that cannot be read as what it claims to be; who acts: the sender. */
export const PROTOCOL_ERROR_CODES = [
  'INPUT_HEX', // not hex of the expected form or length
  'INPUT_BASE64URL', // not canonical unpadded base64url
  'INPUT_UTF8', // not well-formed UTF-8
  'INPUT_JSON', // not JSON, or not in its canonical form
  'INPUT_CBOR', // not deterministic CBOR
  'INPUT_FIELD', // a member is missing, unknown, or of the wrong type or range
  'INPUT_TOO_LARGE', // beyond a documented limit
  'INPUT_SIGNATURE', // not a signature that could verify for anybody
  'INPUT_STREAM', // an event stream whose receipt is missing, doubled or not last
] as const

/** One of {@link PROTOCOL_ERROR_CODES}. */
export type ProtocolErrorCode = (typeof PROTOCOL_ERROR_CODES)[number]

/** Input that nobody can judge. The message says place, expected, actual, and never holds user content. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError'
  readonly code: ProtocolErrorCode

  constructor(code: ProtocolErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
