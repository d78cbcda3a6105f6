import { parseNonce, ProtocolError } from '@jeju/verifier/protocol'
import { NodeError } from '../http/node-error.ts'

/**
 * Exactly one nonce of 64 lowercase hex characters, bare: two would leave open which one was answered (attack C2).
 * @throws NodeError `invalid_nonce`
 */
export function requiredNonce(values: readonly string[] | undefined): string {
  try {
    if (values?.length !== 1) throw new ProtocolError('INPUT_HEX', 'nonce: expected exactly one')
    return parseNonce(values[0]).slice(2)
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    throw new NodeError('invalid_nonce', error.message, 'nonce')
  }
}

/** The same, or none at all. @throws NodeError `invalid_nonce` */
export function optionalNonce(values: readonly string[] | undefined): string | undefined {
  return values === undefined ? undefined : requiredNonce(values)
}
