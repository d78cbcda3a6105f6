import type { ReceiptSignatures } from '@jeju/verifier'
import { ProtocolError } from '@jeju/verifier/protocol'
import { hashTypedData } from 'viem'
import { paymentInvalid, type Payment } from './payment.ts'
import type { X402Settings } from './x402-settings.ts'

/** `0x` and 65 bytes. */
const SIGNATURE_CHARACTERS = 132

const types = {
  TransferWithAuthorization: [
    { name: 'from', type: 'address' },
    { name: 'to', type: 'address' },
    { name: 'value', type: 'uint256' },
    { name: 'validAfter', type: 'uint256' },
    { name: 'validBefore', type: 'uint256' },
    { name: 'nonce', type: 'bytes32' },
  ],
} as const

/**
 * Whether a payment is signed by its payer's key: EIP-3009 `transferWithAuthorization`, in the EIP-712 domain of the asset.
 * False where only the chain can tell, since the payer is a contract (ERC-1271, ERC-6492): its signature is of another
 * length.
 * @throws GatewayError `payment_invalid` for a signature of a key that is not the payer's
 */
export function isSignedByPayer(
  payment: Payment,
  { asset, chainId }: X402Settings,
  signatures: Pick<ReceiptSignatures, 'recoverAddress'>,
): boolean {
  const { from, to, amount, validAfter, validBefore, nonce, signature } = payment
  if (signature.length !== SIGNATURE_CHARACTERS) return false
  const digest = hashTypedData({
    domain: {
      name: asset.name,
      version: asset.version,
      chainId,
      verifyingContract: asset.address,
    },
    types,
    primaryType: 'TransferWithAuthorization',
    message: { from, to, value: amount, validAfter, validBefore, nonce },
  })
  const signer = recovered(() => signatures.recoverAddress(digest, signature))
  if (signer === from) return true
  throw paymentInvalid(`signature: expected of ${from}, got of ${signer}`)
}

function recovered<Signer>(recover: () => Signer): Signer {
  try {
    return recover()
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    throw paymentInvalid(error.message)
  }
}
