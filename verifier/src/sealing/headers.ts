import { fromBareHex } from '../bytes/hex.ts'
import { RESPONSE_NONCE_BYTES } from './response-keys.ts'
import { SealingError } from './sealing-error.ts'
import { SEALING_SUITES, type SealingSuite } from './suite.ts'

/** Request header: hex of the encapsulated key, exactly when the body is sealed. */
export const ENCAPSULATED_KEY_HEADER = 'ehbp-encapsulated-key'
/** Response header: 64 hex, exactly when the answer is sealed. */
export const RESPONSE_NONCE_HEADER = 'ehbp-response-nonce'

/** The encapsulated key and the suite that its length names. @throws SealingError `SEALED_HEADER` */
export function parseEncapsulatedKey(header: string): {
  readonly suite: SealingSuite
  readonly encapsulated: Uint8Array<ArrayBuffer>
} {
  const suite = SEALING_SUITES.find(
    ({ encapsulatedBytes }) => header.length === 2 * encapsulatedBytes,
  )
  if (suite === undefined || !LOWER_HEX.test(header)) {
    throw new SealingError('SEALED_HEADER', `${ENCAPSULATED_KEY_HEADER}: not of a known suite`)
  }
  return { suite, encapsulated: fromBareHex(header) }
}

/** The nonce an answer was sealed with. @throws SealingError `SEALED_HEADER` */
export function parseResponseNonce(header: string | null): Uint8Array<ArrayBuffer> {
  if (header?.length !== 2 * RESPONSE_NONCE_BYTES || !LOWER_HEX.test(header)) {
    throw new SealingError('SEALED_HEADER', `${RESPONSE_NONCE_HEADER}: expected 64 hex characters`)
  }
  return fromBareHex(header)
}

/** One spelling only: two readers must never see two keys in one header (attack E19). */
const LOWER_HEX = /^[0-9a-f]+$/
