// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IComputeStaking} from "../interfaces/IComputeStaking.sol";

/// @title Name of a bond
/// @notice In one place for the contract that keeps bonds and the one that asks for them.
library BondLib {
    /// @notice keccak256(abi.encode(role, agentId, staker)).
    /// @param role of the staker
    /// @param agentId of a provider; zero for the other roles
    /// @param staker whose money it is
    /// @return bondId of ComputeStaking
    function idOf(IComputeStaking.Role role, uint256 agentId, address staker)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(role, agentId, staker));
    }
}
