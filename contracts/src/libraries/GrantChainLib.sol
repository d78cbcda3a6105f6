// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBindings} from "../interfaces/registry/IBindings.sol";

/// @title Chain of the grants of one binding
/// @notice Each grant is hashed onto those before it, so that one slot keeps all of them; who says that there was a grant names
/// it and the later ones (docs/protocol.md §9). 160 bits: an accuser would need a second preimage. Two grants that
/// hash alike can be made by who signs them, and only ever be held against the same.
library GrantChainLib {
    /// @notice Head of the chain after one more grant.
    /// @param head before it; zero for the first of a version
    /// @param evidenceHash that it was given on
    /// @param verifierIndex who judged
    /// @param blockNumber that the evidence names
    /// @return first 20 bytes of the keccak256 of the four, each as a word
    function headAfter(bytes20 head, bytes32 evidenceHash, uint256 verifierIndex, uint256 blockNumber)
        internal
        pure
        returns (bytes20)
    {
        return bytes20(keccak256(abi.encode(head, evidenceHash, verifierIndex, blockNumber)));
    }

    /// @notice The same after several.
    /// @param head before them
    /// @param grants in their order
    /// @return head after the last
    function headAfter(bytes20 head, IBindings.Grant[] calldata grants) internal pure returns (bytes20) {
        uint256 count = grants.length;
        for (uint256 i = 0; i < count; ++i) {
            IBindings.Grant calldata grant = grants[i];
            head = headAfter(head, grant.evidenceHash, grant.verifierIndex, grant.blockNumber);
        }
        return head;
    }
}
