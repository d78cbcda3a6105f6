// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBindings} from "../../src/interfaces/registry/IBindings.sol";
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
                abi.encodeWithSelector(IBindings.NotStaking.selector, address(staking), others[i])
            );
            vm.prank(others[i]);
            registry.revokeForEvidence(id);
        }

        vm.expectEmit(address(registry));
        emit IBindings.BindingRevoked(agentId, id, address(staking));
        vm.prank(address(staking));
        registry.revokeForEvidence(id);
        _expectStatus(id, IBindings.Status.REVOKED);
        // A second piece of evidence must not fail on it.
        vm.prank(address(staking));
        registry.revokeForEvidence(id);

        vm.expectRevert(abi.encodeWithSelector(IBindings.UnknownBinding.selector, bytes32("none")));
        vm.prank(address(staking));
        registry.revokeForEvidence("none");
    }

    function test_refutesEvidence_asksTheGrantingVerifier() public {
        (bytes32 id, Attest memory a) = _attested("replica");
        vm.assertFalse(_refutes(id, a));
        verifier.setRefuting(true);
        vm.assertTrue(_refutes(id, a));
        verifier.setFailing(true);
        vm.assertFalse(_refutes(id, a));
    }

    /// E2: the remover or the owner must not let anybody go by dropping the verifier while the case is prepared.
    function test_dropped_verifier_still_refutes_what_it_granted() public {
        (bytes32 id, Attest memory a) = _attested("replica");
        verifier.setRefuting(true);
        vm.prank(governor);
        registry.dropVerifier(0);
        _expectStatus(id, IBindings.Status.OUT_OF_POLICY);
        vm.assertTrue(_refutes(id, a));
        vm.assertEq(registry.verifierAt(0).droppedInBlock, block.number);
    }

    /// E2: neither renewals on good evidence nor `bindSigner` nor a move takes the bad evidence away.
    function test_renewal_does_not_erase_evidence(uint8 renewals, bool bySigner, bool moves) public {
        (bytes32 id, Attest memory a) = _attested("replica");
        bytes memory opened = _opened(a);
        uint256 count = 1 + renewals % 4 + (bySigner ? 1 : 0);
        IBindings.GrantProof memory proof;
        proof.endpointVersion = 1;
        proof.grants = new IBindings.Grant[](count);
        proof.grants[0] = _grantOf(a);
        for (uint256 i = 1; i <= renewals % 4; ++i) {
            vm.roll(block.number + 2);
            (, Attest memory later) = _attested("replica");
            proof.grants[i] = _grantOf(later);
        }
        if (bySigner) {
            vm.roll(block.number + 2);
            _attest(a.statement, SIGNER_KEY);
            proof.grants[count - 1] =
                IBindings.Grant(EVIDENCE, registry.NO_VERIFIER(), uint64(block.number - 1));
        }
        if (moves) {
            vm.prank(provider);
            registry.updateEndpoint(agentId, "https://moved.example");
            vm.roll(block.number + 2);
            _attested("replica");
        }
        verifier.setRefuting(true);
        vm.assertTrue(registry.refutesEvidence(id, a.statement, opened, proof));

        bytes32 bond = staking.bondIdOf(IComputeStaking.Role.PROVIDER, agentId, provider);
        bytes32 commitment = staking.commitmentOf(relayer, staking.attestationHash(id, opened), "salt");
        vm.startPrank(relayer);
        staking.commitEvidence(commitment);
        vm.warp(block.timestamp + staking.COMMIT_AGE());
        staking.proveBadAttestation(id, a.statement, opened, proof, "salt");
        vm.stopPrank();
        vm.assertEq(staking.slashable(bond), 0);
    }

    /// From the verifier's answer to the bond: nothing in between is mocked.
    function test_refutedEvidenceTakesTheBond() public {
        (bytes32 id, Attest memory a) = _attested("replica");
        bytes memory opened = _opened(a);
        IBindings.GrantProof memory proof = _proof(a);
        bytes32 bond = staking.bondIdOf(IComputeStaking.Role.PROVIDER, agentId, provider);
        bytes32 commitment = staking.commitmentOf(relayer, staking.attestationHash(id, opened), "salt");
        vm.startPrank(relayer);
        staking.commitEvidence(commitment);
        vm.warp(block.timestamp + staking.COMMIT_AGE());
        vm.expectRevert(abi.encodeWithSelector(IEvidence.NotRefuted.selector, id));
        staking.proveBadAttestation(id, a.statement, opened, proof, "salt");
        vm.assertEq(staking.slashable(bond), BOND);

        verifier.setRefuting(true);
        staking.proveBadAttestation(id, a.statement, opened, proof, "salt");
        vm.stopPrank();
        vm.assertEq(staking.slashable(bond), 0);
        _expectStatus(id, IBindings.Status.REVOKED);
    }

    /// Other bytes than the binding was granted on are nobody's evidence.
    function testFuzz_otherBytesProveNothing(bytes calldata evidence) public {
        (bytes32 id, Attest memory a) = _attested("replica");
        bytes32 given = keccak256(evidence);
        vm.assume(given != keccak256(_opened(a)));
        IBindings.GrantProof memory proof = _proof(a);
        bytes32 commitment = staking.commitmentOf(relayer, staking.attestationHash(id, evidence), "salt");
        vm.startPrank(relayer);
        staking.commitEvidence(commitment);
        vm.warp(block.timestamp + staking.COMMIT_AGE());
        vm.expectRevert(abi.encodeWithSelector(IBindings.EvidenceNotGranted.selector, id, given));
        staking.proveBadAttestation(id, a.statement, evidence, proof, "salt");
        vm.stopPrank();
    }

    /// The escape is closed: neither a change of endpoint nor a revocation takes the evidence away.
    function test_refutesEvidence_outlivesTheBinding() public {
        (bytes32 id, Attest memory a) = _attested("replica");
        verifier.setRefuting(true);
        vm.startPrank(provider);
        registry.withdrawApproval(agentId, id);
        registry.revokeBinding(id);
        registry.updateEndpoint(agentId, "x");
        vm.stopPrank();
        vm.assertTrue(_refutes(id, a));
    }

    /// I8: an owner who proposes a verifier that refutes everything reaches no bond by it: not what was granted before it was
    /// proposed, nor in the two days in which everybody sees it coming, nor in the block in which it is listed.
    function test_new_verifier_cannot_refute_the_past() public {
        (bytes32 before, Attest memory a) = _attested("before");
        TestVerifier later = new TestVerifier(false);
        later.setRefuting(true);
        vm.roll(block.number + 1);
        vm.prank(governor);
        uint256 index = registry.proposeVerifier(later);
        vm.roll(block.number + 5);
        (bytes32 noticed, Attest memory n) = _attested("noticed");
        vm.warp(block.timestamp + 48 hours);
        n.deadline = block.timestamp;
        registry.acceptVerifier(index);
        uint256 listedInBlock = block.number;
        vm.assertEq(registry.verifierAt(index).listedInBlock, listedInBlock);
        vm.assertFalse(_refutes(before, a));
        vm.assertFalse(_refutes(noticed, n));

        vm.roll(listedInBlock + 1);
        (bytes32 same, Attest memory s) = _attested("same block");
        vm.assertEq(s.blockNumber, listedInBlock);
        vm.assertFalse(_refutes(same, s));
        vm.roll(listedInBlock + 2);
        (bytes32 after_, Attest memory b) = _attested("after");
        vm.assertTrue(_refutes(after_, b));

        // Dropped again, it keeps what was granted in its time, and judges nothing later.
        uint256 droppedInBlock = block.number;
        vm.prank(governor);
        registry.dropVerifier(index);
        vm.assertTrue(_refutes(after_, b));
        vm.roll(droppedInBlock + 1);
        (bytes32 last, Attest memory l) = _attested("last");
        vm.assertEq(l.blockNumber, droppedInBlock);
        vm.assertFalse(_refutes(last, l));
    }

    /// One that was never listed judges nobody.
    function test_proposed_verifier_refutes_nothing() public {
        TestVerifier later = new TestVerifier(false);
        later.setRefuting(true);
        vm.prank(governor);
        uint256 index = registry.proposeVerifier(later);
        vm.roll(block.number + 5);
        (bytes32 id, Attest memory a) = _attested("replica");
        vm.assertFalse(_refutes(id, a));
        vm.prank(governor);
        registry.dropVerifier(index);
        vm.assertFalse(_refutes(id, a));
    }

    /// An older verifier takes attributes it does not know for faults; it has no word on what a newer one granted.
    function test_older_verifier_cannot_refute_a_newer_grant() public {
        TestVerifier older = verifier;
        older.setRefuting(true);
        verifier = new TestVerifier(false);
        uint256 index = _listVerifier(verifier);
        vm.roll(block.number + 5);
        Attest memory a = _ready("replica");
        a.verifierIndex = index;
        bytes32 id = _send(a, "");
        vm.assertFalse(_refutes(id, a));
        verifier.setRefuting(true);
        vm.assertTrue(_refutes(id, a));
    }

    function test_refutesEvidence_onlyWhatWasGrantedOn() public {
        (bytes32 id, Attest memory a) = _attested("replica");
        IBindings.GrantProof memory proof = _proof(a);
        verifier.setRefuting(true);
        bytes memory other = bytes.concat(_opened(a), hex"00");
        vm.expectRevert(abi.encodeWithSelector(IBindings.EvidenceNotGranted.selector, id, keccak256(other)));
        registry.refutesEvidence(id, a.statement, other, proof);

        bytes32 wrong = registry.bindingIdOf(_statement(agentId, provider, signer, "other"));
        vm.expectRevert(abi.encodeWithSelector(IBindings.StatementMismatch.selector, id, wrong));
        registry.refutesEvidence(id, _statement(agentId, provider, signer, "other"), "", proof);
        vm.expectRevert(abi.encodeWithSelector(IBindings.UnknownBinding.selector, wrong));
        registry.refutesEvidence(wrong, _statement(agentId, provider, signer, "other"), "", proof);
    }

    /// Nobody judged it, so there is nothing to refute, though the grant itself can be shown.
    function test_refutesEvidence_notWithoutAJudgement() public {
        verifier.setRefuting(true);
        bytes memory evidence = "evidence";
        vm.assertEq(keccak256(evidence), EVIDENCE);
        (, IBindings.Binding memory b) = registry.bindingOf(bindingId);
        IBindings.GrantProof memory proof;
        proof.endpointVersion = 1;
        proof.grants = new IBindings.Grant[](1);
        proof.grants[0] = IBindings.Grant(EVIDENCE, registry.NO_VERIFIER(), b.blockNumber);
        vm.expectRevert(abi.encodeWithSelector(IBindings.EvidenceNotGranted.selector, bindingId, EVIDENCE));
        registry.refutesEvidence(
            bindingId, _statement(agentId, provider, signer, "instance"), evidence, proof
        );
    }
}
