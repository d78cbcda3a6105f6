import type { Hex } from '@jeju/verifier/protocol'

/** The two ERC-8004 registries that this system uses, lower case. */
export interface Erc8004Registries {
  readonly identityRegistry: Hex
  readonly reputationRegistry: Hex
}

/** Canonical registries by chain id, as published in erc-8004/erc-8004-contracts; script/Erc8004.sol says the same. */
export const CANONICAL_ERC8004: ReadonlyMap<number, Erc8004Registries> = new Map([
  [
    8453,
    {
      identityRegistry: '0x8004a169fb4a3325136eb29fa0ceb6d2e539a432',
      reputationRegistry: '0x8004baa17c55a88189ae136b182e5fda19de9b63',
    },
  ],
  [
    84532,
    {
      identityRegistry: '0x8004a818bfb912233c491871b3d84c89a494bd9e',
      reputationRegistry: '0x8004b663056a597dffe9eccc1965a193b7388713',
    },
  ],
])
