// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBindings} from "../../src/interfaces/registry/IBindings.sol";
import {NodeStatement} from "../../src/interfaces/NodeStatement.sol";
import {IEvidence} from "../../src/interfaces/staking/IEvidence.sol";
import {IRewards} from "../../src/interfaces/staking/IRewards.sol";
import {StakingFixture} from "./StakingFixture.sol";

contract ProveBadAttestationTest is StakingFixture {
    function test_wholeBond() public {
        _mockRefutes(true);
        _commit(reporter, staking.attestationHash(bindingId, EVIDENCE_BYTES));
        vm.expectEmit(address(staking));
        emit IEvidence.EvidenceProven(bindingId, IEvidence.Kind.BAD_ATTESTATION, bond, reporter, BOND);
        vm.expectEmit(address(staking));
        emit IRewards.Slashed(bond, reporter, address(0), BOND, 0, BOND / 10, BOND - BOND / 10);
        vm.expectEmit(address(registry));
        emit IBindings.BindingRevoked(agentId, bindingId, address(staking));
        vm.prank(reporter);
        staking.proveBadAttestation(bindingId, _fixtureStatement(), EVIDENCE_BYTES, _proof, SALT);
        vm.assertEq(staking.slashable(bond), 0);
        vm.assertEq(staking.rewardOf(reporter), BOND / 10);
        vm.assertFalse(registry.isActive(agentId));
    }

    /// K12: what the verifiers do not refute slashes nobody. No verifier granted this binding, so nothing is refuted.
    function test_tcb_change_deactivates_only() public {
        _commit(reporter, staking.attestationHash(bindingId, EVIDENCE_BYTES));
        vm.startPrank(reporter);
        vm.expectRevert(
            abi.encodeWithSelector(
                IBindings.EvidenceNotGranted.selector, bindingId, keccak256(EVIDENCE_BYTES)
            )
        );
        staking.proveBadAttestation(bindingId, _fixtureStatement(), EVIDENCE_BYTES, _proof, SALT);
        _mockRefutes(false);
        vm.expectRevert(abi.encodeWithSelector(IEvidence.NotRefuted.selector, bindingId));
        staking.proveBadAttestation(bindingId, _fixtureStatement(), EVIDENCE_BYTES, _proof, SALT);
        vm.stopPrank();

        // The binding runs out, its bond stays whole.
        vm.warp(block.timestamp + 2 days);
        (bool valid,) = registry.bindingOf(bindingId);
        vm.assertFalse(valid);
        vm.assertEq(staking.slashable(bond), BOND);
    }

    /// Once for each binding, so that one fault is not punished for ever.
    function test_onceForEachBinding() public {
        _proveBadAttestation(reporter);
        vm.prank(provider);
        staking.addStake{value: 1 ether}(bond);
        vm.expectRevert(
            abi.encodeWithSelector(
                IEvidence.AlreadyProven.selector, bindingId, IEvidence.Kind.BAD_ATTESTATION
            )
        );
        vm.prank(reporter);
        staking.proveBadAttestation(bindingId, _fixtureStatement(), EVIDENCE_BYTES, _proof, SALT);
        vm.assertEq(staking.slashable(bond), 1 ether);
    }

    /// The statement is the binding's own.
    function testFuzz_otherStatement(bytes32 instance) public {
        vm.assume(instance != "instance");
        NodeStatement memory other = _statement(agentId, provider, signer, instance);
        bytes32 otherId = registry.bindingIdOf(other);
        _commit(reporter, staking.attestationHash(bindingId, EVIDENCE_BYTES));
        vm.expectRevert(abi.encodeWithSelector(IEvidence.StatementMismatch.selector, bindingId, otherId));
        vm.prank(reporter);
        staking.proveBadAttestation(bindingId, other, EVIDENCE_BYTES, _proof, SALT);
    }

    function test_unknownBinding() public {
        vm.expectRevert(abi.encodeWithSelector(IEvidence.UnknownBinding.selector, bytes32(0)));
        staking.proveBadAttestation(0, _fixtureStatement(), EVIDENCE_BYTES, _proof, SALT);
    }

    /* What the registry answers. */

    function test_registry_partiesOf() public {
        _sellAgentTo(attacker);
        (uint256 id, address operator, address nodeSigner) = registry.partiesOf(bindingId);
        vm.assertEq(id, agentId);
        vm.assertEq(operator, provider);
        vm.assertEq(nodeSigner, signer);
    }
}
