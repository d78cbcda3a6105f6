import { nativeSignatures } from '@jeju/verifier/node'
import {
  ProtocolError,
  voucherDigest,
  type ContractDomain,
  type Hex,
  type SignedVoucher,
} from '@jeju/verifier/protocol'
import { NodeError } from '../http/node-error.ts'

/**
 * Throws unless the session key signed the voucher, as the contract would read it.
 * @throws NodeError `voucher_invalid`
 */
export function assertVoucher(
  voucher: SignedVoucher,
  sessionKey: Hex,
  serving: ContractDomain,
): void {
  if (signerOf(voucher, serving) === sessionKey) return
  throw new NodeError('voucher_invalid', 'voucher: not by the session key of the channel')
}

function signerOf(voucher: SignedVoucher, serving: ContractDomain): Hex {
  try {
    const digest = voucherDigest(voucher, serving, nativeSignatures.keccak256)
    return nativeSignatures.recoverAddress(digest, voucher.signature)
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    throw new NodeError('voucher_invalid', `voucher: ${error.message}`)
  }
}
