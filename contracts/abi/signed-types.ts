import type { Hex } from '@jeju/verifier/protocol'
import type { Deployment } from './deployment.ts'
import { SIGNED_TYPES } from './generated/signed-types.ts'

/** A contract that checks signatures. */
export type SigningContract = keyof typeof SIGNED_TYPES

/** Domain and types as `signTypedData` and `hashTypedData` of wallets take them (EIP-712). */
export interface SignedTypes<C extends SigningContract> {
  readonly domain: {
    readonly name: string
    readonly version: string
    readonly chainId: number
    readonly verifyingContract: Hex
  }
  readonly types: (typeof SIGNED_TYPES)[C]['types']
}

/**
 * What one contract of a deployment lets be signed (docs/protocol.md §5). The identity registry's is that of ERC-8004:
 * our own registry of local chains and the canonical one take the same.
 */
export function signedTypes<C extends SigningContract>(
  contract: C,
  deployment: Deployment,
): SignedTypes<C> {
  const { name, version, types } = SIGNED_TYPES[contract]
  return {
    domain: { name, version, chainId: deployment.chainId, verifyingContract: deployment[contract] },
    types,
  }
}
