// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBindings} from "../../src/interfaces/registry/IBindings.sol";
import {IComputeStaking} from "../../src/interfaces/IComputeStaking.sol";
import {IEvidence} from "../../src/interfaces/staking/IEvidence.sol";
import {IRewards} from "../../src/interfaces/staking/IRewards.sol";
import {StakingFixture} from "./StakingFixture.sol";

contract ProveLeakedKeyTest is StakingFixture {
    function testFuzz_wholeBond(uint256 add, address who) public {
        vm.assume(who != address(0));
        add = _bound(add, 1, 9 ether);
        vm.prank(provider);
        staking.addStake{value: add}(bond);
        uint256 total = BOND + add;
        uint256 share = total / 10 > 0.5 ether ? 0.5 ether : total / 10;
        _commitLeak(who, bindingId, SIGNER_KEY);
        bytes memory sig = _leakSig(bindingId, who, SIGNER_KEY);

        vm.expectEmit(address(staking));
        emit IEvidence.EvidenceProven(bindingId, IEvidence.Kind.LEAKED_KEY, bond, who, total);
        vm.expectEmit(address(staking));
        emit IRewards.Slashed(bond, who, address(0), total, 0, share, total - share);
        vm.expectEmit(address(registry));
        emit IBindings.BindingRevoked(agentId, bindingId, address(staking));
        vm.prank(who);
        staking.proveLeakedKey(bindingId, sig, SALT);

        vm.assertEq(staking.slashable(bond), 0);
        vm.assertEq(staking.rewardOf(who), share);
        (bool valid,) = registry.bindingOf(bindingId);
        vm.assertFalse(valid);
    }

    /// K14: the message names reporter, binding, chain and contract; in no other name, place or wording is it a proof.
    function test_leak_proof_binds_reporter(address thief, uint64 chain) public {
        vm.assume(thief != reporter);
        bytes memory sig = _leakSig(bindingId, reporter, SIGNER_KEY);
        _expectRefused(thief, sig);

        chain = uint64(_bound(chain, 1, type(uint64).max - 1));
        if (chain != block.chainid) {
            uint256 home = block.chainid;
            vm.chainId(chain);
            _expectRefused(reporter, sig);
            vm.chainId(home);
        }

        // Another contract's domain, and no domain at all.
        bytes32 structHash = keccak256(
            abi.encode(keccak256("KeyLeak(bytes32 bindingId,address reporter)"), bindingId, reporter)
        );
        _expectRefused(reporter, _signature(SIGNER_KEY, _typed(serving.domainSeparator(), structHash)));
        _expectRefused(reporter, _signature(SIGNER_KEY, structHash));
        // What a node does sign.
        _expectRefused(reporter, _signature(SIGNER_KEY, serving.receiptDigest(_receiptOf(_item(1)))));

        vm.assertEq(staking.leakDigest(bindingId, reporter), _typed(staking.domainSeparator(), structHash));
        vm.prank(reporter);
        staking.proveLeakedKey(bindingId, sig, SALT);
        vm.assertEq(staking.rewardOf(reporter), BOND / 10);
    }

    /// The thief's own key proves nothing about the node's.
    function testFuzz_otherKey(uint256 key) public {
        key = _bound(key, 1, 1e30);
        vm.assume(key != SIGNER_KEY);
        _commitLeak(reporter, bindingId, key);
        bytes memory sig = _leakSig(bindingId, reporter, key);
        vm.expectRevert(abi.encodeWithSelector(IEvidence.InvalidSignature.selector, signer, vm.addr(key)));
        vm.prank(reporter);
        staking.proveLeakedKey(bindingId, sig, SALT);
    }

    function test_onceForEachBinding() public {
        _proveLeakedKey(reporter);
        _commitLeak(attacker, bindingId, SIGNER_KEY);
        bytes memory sig = _leakSig(bindingId, attacker, SIGNER_KEY);
        vm.expectRevert(
            abi.encodeWithSelector(IEvidence.AlreadyProven.selector, bindingId, IEvidence.Kind.LEAKED_KEY)
        );
        vm.prank(attacker);
        staking.proveLeakedKey(bindingId, sig, SALT);
    }

    /// One leak is one fault: the key's other bindings end by it, new stake stays whole.
    function test_otherBindingsOfTheKeyOnlyEnd() public {
        bytes32 sibling = _bind(_statement(agentId, provider, signer, "sibling"), SIGNER_KEY);
        _proveLeakedKey(reporter);
        vm.prank(provider);
        staking.addStake{value: 1 ether}(bond);
        (bool valid,) = registry.bindingOf(sibling);
        vm.assertFalse(valid, "its key is known to have leaked");
        (, IBindings.Binding memory b) = registry.bindingOf(sibling);
        vm.assertFalse(b.revoked);

        _commitLeak(reporter, sibling, SIGNER_KEY);
        bytes memory sig = _leakSig(sibling, reporter, SIGNER_KEY);
        vm.expectEmit(address(staking));
        emit IEvidence.EvidenceProven(sibling, IEvidence.Kind.LEAKED_KEY, bond, reporter, 0);
        vm.prank(reporter);
        staking.proveLeakedKey(sibling, sig, SALT);
        (, b) = registry.bindingOf(sibling);
        vm.assertTrue(b.revoked);
        vm.assertEq(staking.slashable(bond), 1 ether);
    }

    /// Another key of the same provider is another fault.
    function test_otherKeySlashesAgain() public {
        bytes32 other = _bind(_statement(agentId, provider, vm.addr(0xcafe), "other"), 0xcafe);
        _proveLeakedKey(reporter);
        vm.prank(provider);
        staking.addStake{value: 1 ether}(bond);
        _commitLeak(reporter, other, 0xcafe);
        bytes memory sig = _leakSig(other, reporter, 0xcafe);
        vm.prank(reporter);
        staking.proveLeakedKey(other, sig, SALT);
        vm.assertEq(staking.slashable(bond), 0);
    }

    /// K3: while it leaves, and after the agent was sold.
    function testFuzz_unbondingAndSoldAgent(uint256 wait) public {
        vm.prank(provider);
        staking.requestUnstake(bond, uint128(BOND));
        _sellAgentTo(attacker);
        vm.warp(START + _bound(wait, 0, 30 days));
        _proveLeakedKey(reporter);
        vm.assertEq(staking.slashable(bond), 0);
        vm.assertEq(staking.slashable(_bondId(IComputeStaking.Role.PROVIDER, agentId, attacker)), BOND);
        vm.expectRevert(abi.encodeWithSelector(IComputeStaking.NothingUnbonding.selector, bond));
        vm.prank(provider);
        staking.completeUnstake(bond, provider);
    }

    function test_unknownBinding() public {
        vm.expectRevert(abi.encodeWithSelector(IEvidence.UnknownBinding.selector, bytes32(0)));
        staking.proveLeakedKey(0, "", SALT);
    }

    function _expectRefused(address who, bytes memory sig) private {
        // Whatever is wrong with it, it is not the want of a commitment.
        bytes32 commitment = staking.commitmentOf(who, staking.leakHash(bindingId, sig), SALT);
        vm.prank(who);
        try staking.commitEvidence(commitment) {} catch {}
        vm.warp(block.timestamp + staking.COMMIT_AGE());
        vm.prank(who);
        (bool success,) =
            address(staking).call(abi.encodeCall(staking.proveLeakedKey, (bindingId, sig, SALT)));
        vm.assertFalse(success, "a proof in another name");
        vm.assertEq(staking.slashable(bond), BOND);
    }
}
