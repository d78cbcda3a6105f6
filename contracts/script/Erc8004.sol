// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Where the canonical ERC-8004 registries stand
/// @notice Published in erc-8004/erc-8004-contracts; abi/erc8004.ts says the same, and a test compares them.
library Erc8004 {
    uint256 internal constant BASE = 8453;
    uint256 internal constant BASE_SEPOLIA = 84_532;

    error UnsupportedChain(uint256 chainId);

    /// @notice Reverts for a chain on which nothing is deployed from here.
    /// @param chainId of a public chain
    /// @return identity registry
    /// @return reputation registry
    function canonical(uint256 chainId) internal pure returns (address identity, address reputation) {
        if (chainId == BASE) {
            return (0x8004A169FB4a3325136EB29fA0ceB6D2e539a432, 0x8004BAa17C55a88189AE136b182e5fdA19dE9b63);
        }
        if (chainId == BASE_SEPOLIA) {
            return (0x8004A818BFB912233c491871b3d84c89A494BD9e, 0x8004B663056A597Dffe9eCcC1965A193B7388713);
        }
        revert UnsupportedChain(chainId);
    }
}
