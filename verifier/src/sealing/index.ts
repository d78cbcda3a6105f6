/** Sealed bodies: EHBP, and our hybrid suite in the same framing (docs/protocol.md §10). */
export { encodeFrame, MAX_FRAME_BYTES, TAG_BYTES } from './framing.ts'
export {
  ENCAPSULATED_KEY_HEADER,
  parseEncapsulatedKey,
  parseResponseNonce,
  RESPONSE_NONCE_HEADER,
} from './headers.ts'
export { encodeKeyConfig, KEY_CONFIG_MEDIA_TYPE, parseKeyConfig } from './key-config.ts'
export { openRequest, type OpenedRequest } from './open-request.ts'
export { type OpenedFrame, ResponseOpener, type ResponseSecrets } from './response-opener.ts'
export {
  deriveResponseKeys,
  frameNonce,
  RESPONSE_NONCE_BYTES,
  type ResponseKeys,
} from './response-keys.ts'
export { SEALING_ERROR_CODES, SealingError, type SealingErrorCode } from './sealing-error.ts'
export { sealRequest, type SealedRequest } from './seal-request.ts'
export {
  EHBP_X25519,
  SEALING_SUITES,
  sealingKeyOf,
  X_WING,
  type SealingAlgo,
  type SealingKey,
  type SealingSuite,
} from './suite.ts'
export { x25519PublicKey } from './x25519.ts'
export { xWingPublicKey } from './x-wing.ts'
