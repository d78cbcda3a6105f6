// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IComputeRegistry} from "../../src/interfaces/IComputeRegistry.sol";
import {IComputeStaking} from "../../src/interfaces/IComputeStaking.sol";
import {IEvidence} from "../../src/interfaces/staking/IEvidence.sol";
import {AttestFixture} from "../AttestFixture.sol";
import {TestVerifier} from "../TestVerifier.sol";

/// What ComputeStaking may ask and do after evidence.
contract RegistryEvidenceTest is AttestFixture {
    function test_revokeForEvidence_byStakingOnly() public {
        (bytes32 id,) = _attested("replica");
        address[4] memory others = [governor, provider, attacker, relayer];
        for (uint256 i = 0; i < others.length; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(IComputeRegistry.NotStaking.selector, address(staking), others[i])
            );
            vm.prank(others[i]);
            registry.revokeForEvidence(id);
        }

        vm.expectEmit(address(registry));
        emit IComputeRegistry.BindingRevoked(agentId, id, address(staking));
        vm.prank(address(staking));
        registry.revokeForEvidence(id);
        _expectStatus(id, IComputeRegistry.Status.REVOKED);
        // A second piece of evidence must not fail on it.
        vm.prank(address(staking));
        registry.revokeForEvidence(id);

        vm.expectRevert(abi.encodeWithSelector(IComputeRegistry.UnknownBinding.selector, bytes32("none")));
        vm.prank(address(staking));
        registry.revokeForEvidence("none");
    }

    function test_refutesEvidence_asksTheListedVerifiers() public {
        (bytes32 id, Attest memory a) = _attested("replica");
        bytes memory opened = _opened(a);
        vm.assertFalse(registry.refutesEvidence(id, a.statement, opened));
        verifier.setRefuting(true);
        vm.assertTrue(registry.refutesEvidence(id, a.statement, opened));
        verifier.setFailing(true);
        vm.assertFalse(registry.refutesEvidence(id, a.statement, opened));
        verifier.setFailing(false);
        vm.prank(governor);
        registry.dropVerifier(0);
        vm.assertFalse(registry.refutesEvidence(id, a.statement, opened));
    }

    /// From the verifier's answer to the bond: nothing in between is mocked.
    function test_refutedEvidenceTakesTheBond() public {
        (bytes32 id, Attest memory a) = _attested("replica");
        bytes memory opened = _opened(a);
        bytes32 bond = staking.bondIdOf(IComputeStaking.Role.PROVIDER, agentId, provider);
        bytes32 commitment = staking.commitmentOf(relayer, staking.attestationHash(id, opened), "salt");
        vm.startPrank(relayer);
        staking.commitEvidence(commitment);
        vm.warp(block.timestamp + staking.COMMIT_AGE());
        vm.expectRevert(abi.encodeWithSelector(IEvidence.NotRefuted.selector, id));
        staking.proveBadAttestation(id, a.statement, opened, "salt");
        vm.assertEq(staking.slashable(bond), BOND);

        verifier.setRefuting(true);
        staking.proveBadAttestation(id, a.statement, opened, "salt");
        vm.stopPrank();
        vm.assertEq(staking.slashable(bond), 0);
        _expectStatus(id, IComputeRegistry.Status.REVOKED);
    }

    /// Other bytes than the binding was granted on are nobody's evidence.
    function testFuzz_otherBytesProveNothing(bytes calldata evidence) public {
        (bytes32 id, Attest memory a) = _attested("replica");
        bytes24 granted = bytes24(keccak256(_opened(a)));
        bytes24 given = bytes24(keccak256(evidence));
        vm.assume(given != granted);
        bytes32 commitment = staking.commitmentOf(relayer, staking.attestationHash(id, evidence), "salt");
        vm.startPrank(relayer);
        staking.commitEvidence(commitment);
        vm.warp(block.timestamp + staking.COMMIT_AGE());
        vm.expectRevert(abi.encodeWithSelector(IComputeRegistry.EvidenceMismatch.selector, granted, given));
        staking.proveBadAttestation(id, a.statement, evidence, "salt");
        vm.stopPrank();
    }

    /// The escape is closed: neither a change of endpoint nor a revocation takes the evidence away.
    function test_refutesEvidence_outlivesTheBinding() public {
        (bytes32 id, Attest memory a) = _attested("replica");
        bytes memory opened = _opened(a);
        verifier.setRefuting(true);
        vm.startPrank(provider);
        registry.withdrawApproval(agentId, id);
        registry.revokeBinding(id);
        registry.updateEndpoint(agentId, "x");
        vm.stopPrank();
        vm.assertTrue(registry.refutesEvidence(id, a.statement, opened));
    }

    /// I8: a verifier that was announced after the evidence cannot refute it, so no owner reaches a bond by a new rule.
    function test_refutesEvidence_notByALaterRule() public {
        (bytes32 before, Attest memory a) = _attested("before");
        TestVerifier later = new TestVerifier(false);
        later.setRefuting(true);
        vm.roll(block.number + 1);
        _listVerifier(later);
        vm.assertFalse(registry.refutesEvidence(before, a.statement, _opened(a)));

        vm.roll(block.number + 5);
        (bytes32 after_, Attest memory b) = _attested("after");
        vm.assertTrue(registry.refutesEvidence(after_, b.statement, _opened(b)));
    }

    function test_refutesEvidence_onlyWhatWasGrantedOn() public {
        (bytes32 id, Attest memory a) = _attested("replica");
        verifier.setRefuting(true);
        bytes24 granted = bytes24(keccak256(_opened(a)));
        bytes memory other = bytes.concat(_opened(a), hex"00");
        vm.expectRevert(
            abi.encodeWithSelector(
                IComputeRegistry.EvidenceMismatch.selector, granted, bytes24(keccak256(other))
            )
        );
        registry.refutesEvidence(id, a.statement, other);

        bytes32 wrong = registry.bindingIdOf(_statement(agentId, provider, signer, "other"));
        vm.expectRevert(abi.encodeWithSelector(IComputeRegistry.StatementMismatch.selector, id, wrong));
        registry.refutesEvidence(id, _statement(agentId, provider, signer, "other"), "");
        vm.expectRevert(abi.encodeWithSelector(IComputeRegistry.UnknownBinding.selector, wrong));
        registry.refutesEvidence(wrong, _statement(agentId, provider, signer, "other"), "");
    }

    /// Nobody judged it, so there is nothing to refute.
    function test_refutesEvidence_falseWithoutAVerifier() public {
        verifier.setRefuting(true);
        vm.assertFalse(
            registry.refutesEvidence(bindingId, _statement(agentId, provider, signer, "instance"), "x")
        );
    }
}
