/** The whole part that judges TDX and dstack, custody of keys included: what has a size to keep. */
export { checkAttestationLog } from '../../../verifier/src/dstack/attestation/check-attestation-log.ts'
export { checkComposeHash, checkInstance } from '../../../verifier/src/dstack/check-compose.ts'
export { checkKeyCustody } from '../../../verifier/src/dstack/check-key-custody.ts'
export * from './entry-quotes.ts'
