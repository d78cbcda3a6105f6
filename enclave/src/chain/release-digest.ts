import type { ContractDomain, Hex } from '@jeju/verifier/protocol'
import { hashTypedData } from 'viem'

/** What a user signs who is done with a channel (docs/protocol.md §5.1). */
export interface Release {
  readonly channelId: Hex
  /** Wei that the receipts of the user come to. */
  readonly paid: bigint
  /** Unix seconds. */
  readonly deadline: bigint
}

/** EIP-712 digest of a release in the ledger's domain. */
export function releaseDigest(release: Release, ledger: ContractDomain): Hex {
  return hashTypedData({
    domain: { name: 'LedgerManager', version: '1', ...ledger },
    types: {
      Release: [
        { name: 'channelId', type: 'bytes32' },
        { name: 'paid', type: 'uint128' },
        { name: 'deadline', type: 'uint64' },
      ],
    },
    primaryType: 'Release',
    message: release,
  })
}
