// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBindings} from "../../src/interfaces/registry/IBindings.sol";
import {IComputeStaking} from "../../src/interfaces/IComputeStaking.sol";
import {IEvidence} from "../../src/interfaces/staking/IEvidence.sol";
import {NodeStatement} from "../../src/interfaces/NodeStatement.sol";
import {BindSignerFixture} from "./BindSignerFixture.sol";

/// What a binding has behind it, and how long.
contract BindingBondTest is BindSignerFixture {
    /// K5: after the first proof against a key, the bond stands for it no more for long; so it is bound no more.
    function test_burned_key_cannot_be_bound_again(bool leaked) public {
        NodeStatement memory sibling = _statement(agentId, provider, signer, "sibling");
        bytes32 siblingId = _bind(sibling, SIGNER_KEY);
        Attest memory a = _ready();
        bytes32 bond = _bondId(IComputeStaking.Role.PROVIDER, agentId, provider);
        vm.assertFalse(staking.isKeySpent(bond, signer));
        vm.startPrank(relayer);
        if (leaked) {
            bytes memory sig = _signature(SIGNER_KEY, staking.leakDigest(bindingId, relayer));
            staking.commitEvidence(staking.commitmentOf(relayer, staking.leakHash(bindingId, sig), "s"));
            vm.warp(block.timestamp + 5 minutes);
            staking.proveLeakedKey(bindingId, sig, "s");
        } else {
            IEvidence.Conflict memory c;
            c.auth = _auth(channelId, bindingId, 1);
            c.first = _receipt(serving.authDigest(c.auth), 100, 50);
            c.second = _receipt(serving.authDigest(c.auth), 100, 60);
            c.firstSig = _signature(SIGNER_KEY, serving.receiptDigest(c.first));
            c.secondSig = _signature(SIGNER_KEY, serving.receiptDigest(c.second));
            staking.commitEvidence(staking.commitmentOf(relayer, staking.conflictHash(c), "s"));
            vm.warp(block.timestamp + 5 minutes);
            staking.proveConflict(c, "s");
        }
        vm.stopPrank();
        vm.prank(provider);
        staking.addStake{value: 1 ether}(bond);
        vm.assertTrue(staking.isKeySpent(bond, signer));
        vm.assertTrue(registry.isActive(agentId));

        a.deadline = block.timestamp;
        a.validUntil = uint64(block.timestamp + 1 hours);
        _send(a, abi.encodeWithSelector(IBindings.KeyIsSpent.selector, signer));
        (IBindings.Status status,) = registry.statusOf(siblingId);
        vm.assertEq(uint256(status), uint256(IBindings.Status.REVOKED));
        // Its receipts stay payable, and another key is another key.
        (, address still) = registry.signerOf(siblingId);
        vm.assertEq(still, signer);
        _bind(_statement(agentId, provider, vm.addr(0xcafe), "sibling"), 0xcafe);
    }

    /// R11: nothing that is bound outlives the bond's way out, however it is renewed in the meantime.
    function test_bond_locked_while_valid() public {
        vm.prank(governor);
        registry.setBindingValidity(7 days);
        Attest memory a = _ready();
        a.validUntil = uint64(START + 7 days);
        bytes32 id = _send(a, "");
        bytes32 bond = _bondId(IComputeStaking.Role.PROVIDER, agentId, provider);
        vm.prank(provider);
        staking.requestUnstake(bond, uint128(BOND));
        // The binding's last second passes with the money still in reach.
        vm.warp(a.validUntil);
        vm.expectRevert();
        vm.prank(provider);
        staking.completeUnstake(bond, provider);
        (bool covered,) = registry.bindingAt(id, a.validUntil);
        vm.assertTrue(covered);
        vm.warp(START + 14 days);
        (covered,) = registry.bindingAt(id, uint64(block.timestamp));
        vm.assertFalse(covered);
        vm.prank(provider);
        staking.completeUnstake(bond, provider);
    }

    /// R11: whoever has to show something and does not, has not shown it. Silence ends a binding, and never grants one.
    function test_timeout_not_for_prover() public {
        Attest memory a = _ready();
        bytes32 id = registry.bindingIdOf(a.statement);
        vm.warp(START + 365 days);
        vm.roll(block.number + 1_000_000);
        (bool valid,) = registry.bindingOf(id);
        vm.assertFalse(valid, "approved and never attested");
        (valid,) = registry.bindingOf(bindingId);
        vm.assertFalse(valid, "attested and never renewed");
        _send(a, _outOfWindow(a.blockNumber));
    }

    /// K7: without its bond a provider is not active and its bindings are not valid.
    function test_slashed_provider_inactive() public {
        vm.prank(provider);
        staking.requestUnstake(_bondId(IComputeStaking.Role.PROVIDER, agentId, provider), uint128(BOND));
        (bool valid,) = registry.bindingOf(bindingId);
        vm.assertFalse(valid);
    }
}
