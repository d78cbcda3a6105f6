// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ILedgerManager} from "../interfaces/ILedgerManager.sol";

/// @title Identity of a channel, and what its user signs
/// @notice EIP-712 types of LedgerManager's domain.
library ChannelLib {
    bytes32 internal constant OPEN_TYPEHASH = keccak256(
        "Open(address user,uint256 agentId,uint32 serviceId,uint32 priceVersion,uint8 mode,uint128 amount,address sessionKey,uint256 salt,uint256 deadline)"
    );

    bytes32 internal constant TOP_UP_TYPEHASH =
        keccak256("TopUp(bytes32 channelId,uint128 amount,uint256 salt,uint256 deadline)");

    /// @notice Derived from signed content only, never from a clock or a counter (attacks P5, P9).
    /// @param o what is opened
    /// @param chainId of the channel's chain
    /// @param ledger address of the ledger
    function channelId(ILedgerManager.Open calldata o, uint256 chainId, address ledger)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(
            abi.encode(
                chainId,
                ledger,
                o.user,
                o.agentId,
                o.serviceId,
                o.priceVersion,
                o.mode,
                o.amount,
                o.sessionKey,
                o.salt
            )
        );
    }

    /// @notice EIP-712 struct hash; the deadline is inside, so that a relayer cannot hold an opening back.
    /// @param o what is opened
    /// @param deadline of the signature, Unix seconds
    function hashOpen(ILedgerManager.Open calldata o, uint256 deadline) internal pure returns (bytes32) {
        return keccak256(
            abi.encode(
                OPEN_TYPEHASH,
                o.user,
                o.agentId,
                o.serviceId,
                o.priceVersion,
                o.mode,
                o.amount,
                o.sessionKey,
                o.salt,
                deadline
            )
        );
    }

    /// @notice EIP-712 struct hash.
    /// @param id of the channel
    /// @param amount wei
    /// @param salt any
    /// @param deadline of the signature, Unix seconds
    function hashTopUp(bytes32 id, uint128 amount, uint256 salt, uint256 deadline)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(TOP_UP_TYPEHASH, id, amount, salt, deadline));
    }
}
