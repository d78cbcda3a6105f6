// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IReceiptRoots} from "../../src/interfaces/IReceiptRoots.sol";
import {RootsFixture} from "./RootsFixture.sol";

contract KeyHistoryTest is RootsFixture {
    function test_signersInOrderOfTheirFirstEpochs() public {
        (bytes32 second, address secondSigner) = _replica("second");
        _anchor(secondSigner, second, 0, 0, ROOT);
        vm.warp(block.timestamp + 60);
        _anchor(signer, bindingId, 0, 0, ROOT);
        _anchor(secondSigner, second, 1, ROOT, ROOT);

        (IReceiptRoots.Key[] memory keys, uint256 next) = roots.keysOf(agentId, 0, 10);
        vm.assertEq(next, 0);
        vm.assertEq(keys.length, 2);
        vm.assertEq(keys[0].bindingId, second);
        vm.assertEq(keys[0].signer, secondSigner);
        vm.assertEq(keys[0].openedAt, START);
        vm.assertEq(keys[1].bindingId, bindingId);
        vm.assertEq(keys[1].openedAt, START + 60);
    }

    /// Revocation ends what a key may do, and takes nothing out of the history.
    function test_key_history_is_append_only() public {
        _anchor(signer, bindingId, 0, 0, ROOT);
        vm.startPrank(provider);
        registry.revokeBinding(bindingId);
        identity.transferFrom(provider, attacker, agentId);
        vm.stopPrank();
        (IReceiptRoots.Key[] memory keys,) = roots.keysOf(agentId, 0, 10);
        vm.assertEq(keys.length, 1);
        vm.assertEq(keys[0].signer, signer);
    }

    function test_pages(uint8 count, uint8 cursor, uint8 limit) public {
        uint256 total = _bound(count, 0, 6);
        bytes32[] memory ids = new bytes32[](total);
        for (uint256 i = 0; i < total; ++i) {
            address nodeSigner;
            (ids[i], nodeSigner) = _replica(vm.toString(i));
            _anchor(nodeSigner, ids[i], 0, 0, ROOT);
        }
        (IReceiptRoots.Key[] memory keys, uint256 next) = roots.keysOf(agentId, cursor, limit);
        uint256 rest = cursor < total ? total - cursor : 0;
        vm.assertEq(keys.length, rest < limit ? rest : limit);
        for (uint256 i = 0; i < keys.length; ++i) {
            vm.assertEq(keys[i].bindingId, ids[cursor + i]);
        }
        vm.assertEq(next, rest > limit ? uint256(cursor) + limit : 0);
    }

    function test_unknownAgentHasNone(uint256 other) public {
        _anchor(signer, bindingId, 0, 0, ROOT);
        vm.assume(other != agentId);
        (IReceiptRoots.Key[] memory keys, uint256 next) = roots.keysOf(other, 0, 10);
        vm.assertEq(keys.length, 0);
        vm.assertEq(next, 0);
    }
}
