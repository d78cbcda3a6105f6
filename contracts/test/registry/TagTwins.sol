// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {NodeStatement} from "../../src/interfaces/NodeStatement.sol";
import {NodeStatementLib} from "../../src/libraries/NodeStatementLib.sol";
import {Fixture} from "../Fixture.sol";

/// @title Two statements of one agent whose bindings end in the same 32 bits
/// @notice What whoever makes both finds in a second, by trying instance ids.
abstract contract TagTwins is Fixture {
    uint256 private constant FIRSTS = 1 << 17;
    uint256 private constant PLACES = 1 << 18;

    function _twins(uint256 id, address firstOperator, address secondOperator)
        internal
        view
        returns (NodeStatement memory first, NodeStatement memory second)
    {
        first = _statement(id, firstOperator, signer, 0);
        second = _statement(id, secondOperator, signer, 0);
        bytes32 domain = registry.domainSeparator();
        // A table of tag and instance, by tag; a place that is taken is left to whoever has it.
        uint256[] memory table = new uint256[](PLACES);
        bytes memory words = _words(first);
        for (uint256 i = 1; i <= FIRSTS; ++i) {
            uint256 tag = _tagOf(words, domain, i);
            if (table[tag % PLACES] == 0) table[tag % PLACES] = tag << 32 | i;
        }
        words = _words(second);
        for (uint256 i = FIRSTS + 1;; ++i) {
            uint256 tag = _tagOf(words, domain, i);
            uint256 found = table[tag % PLACES];
            if (found == 0 || found >> 32 != tag) continue;
            first.instanceId = bytes32(found & type(uint32).max);
            second.instanceId = bytes32(i);
            return (first, second);
        }
    }

    function _words(NodeStatement memory s) private pure returns (bytes memory) {
        return abi.encode(NodeStatementLib.NODE_STATEMENT_TYPEHASH, s);
    }

    /// Of the statement with this instance id, which is its last word.
    function _tagOf(bytes memory words, bytes32 domain, uint256 instance) private pure returns (uint256 tag) {
        bytes32 structHash;
        assembly ("memory-safe") {
            mstore(add(words, 0x120), instance)
            structHash := keccak256(add(words, 0x20), 0x120)
            let free := mload(0x40)
            mstore(free, shl(240, 0x1901))
            mstore(add(free, 0x02), domain)
            mstore(add(free, 0x22), structHash)
            tag := and(keccak256(free, 0x42), 0xffffffff)
        }
    }
}
