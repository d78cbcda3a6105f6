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
        bytes memory opened = _opened(a);
        vm.assertFalse(registry.refutesEvidence(id, a.statement, opened));
        verifier.setRefuting(true);
        vm.assertTrue(registry.refutesEvidence(id, a.statement, opened));
        verifier.setFailing(true);
        vm.assertFalse(registry.refutesEvidence(id, a.statement, opened));
    }

    /// E2: the remover or the owner must not let anybody go by dropping the verifier while the case is prepared.
    function test_dropped_verifier_still_refutes_what_it_granted() public {
        (bytes32 id, Attest memory a) = _attested("replica");
        verifier.setRefuting(true);
        vm.prank(governor);
        registry.dropVerifier(0);
        _expectStatus(id, IBindings.Status.OUT_OF_POLICY);
        vm.assertTrue(registry.refutesEvidence(id, a.statement, _opened(a)));
        vm.assertEq(registry.verifierAt(0).droppedInBlock, block.number);
    }

    /// E2: neither a renewal on good evidence nor `bindSigner` takes the bad evidence away.
    function test_renewal_does_not_erase_evidence(uint8 renewals, bool bySigner) public {
        (bytes32 id, Attest memory a) = _attested("replica");
        bytes memory opened = _opened(a);
        for (uint256 i = 0; i < renewals % 4; ++i) {
            vm.roll(block.number + 2);
            _attested("replica");
        }
        if (bySigner) {
            vm.roll(block.number + 2);
            _attest(a.statement, SIGNER_KEY);
        }
        verifier.setRefuting(true);
        vm.assertTrue(registry.refutesEvidence(id, a.statement, opened));
        (bool granted, uint16 index, uint64 blockNumber) = registry.judgementOf(id, keccak256(opened));
        vm.assertTrue(granted);
        vm.assertEq(index, 0);
        vm.assertEq(blockNumber, a.blockNumber);

        bytes32 bond = staking.bondIdOf(IComputeStaking.Role.PROVIDER, agentId, provider);
        bytes32 commitment = staking.commitmentOf(relayer, staking.attestationHash(id, opened), "salt");
        vm.startPrank(relayer);
        staking.commitEvidence(commitment);
        vm.warp(block.timestamp + staking.COMMIT_AGE());
        staking.proveBadAttestation(id, a.statement, opened, "salt");
        vm.stopPrank();
        vm.assertEq(staking.slashable(bond), 0);
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
        _expectStatus(id, IBindings.Status.REVOKED);
    }

    /// Other bytes than the binding was granted on are nobody's evidence.
    function testFuzz_otherBytesProveNothing(bytes calldata evidence) public {
        (bytes32 id, Attest memory a) = _attested("replica");
        bytes32 given = keccak256(evidence);
        vm.assume(given != keccak256(_opened(a)));
        bytes32 commitment = staking.commitmentOf(relayer, staking.attestationHash(id, evidence), "salt");
        vm.startPrank(relayer);
        staking.commitEvidence(commitment);
        vm.warp(block.timestamp + staking.COMMIT_AGE());
        vm.expectRevert(abi.encodeWithSelector(IBindings.EvidenceNotGranted.selector, id, given));
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
        vm.assertFalse(registry.refutesEvidence(before, a.statement, _opened(a)));
        vm.assertFalse(registry.refutesEvidence(noticed, n.statement, _opened(n)));

        vm.roll(listedInBlock + 1);
        (bytes32 same, Attest memory s) = _attested("same block");
        vm.assertEq(s.blockNumber, listedInBlock);
        vm.assertFalse(registry.refutesEvidence(same, s.statement, _opened(s)));
        vm.roll(listedInBlock + 2);
        (bytes32 after_, Attest memory b) = _attested("after");
        vm.assertTrue(registry.refutesEvidence(after_, b.statement, _opened(b)));

        // Dropped again, it keeps what was granted in its time, and judges nothing later.
        uint256 droppedInBlock = block.number;
        vm.prank(governor);
        registry.dropVerifier(index);
        vm.assertTrue(registry.refutesEvidence(after_, b.statement, _opened(b)));
        vm.roll(droppedInBlock + 1);
        (bytes32 last, Attest memory l) = _attested("last");
        vm.assertEq(l.blockNumber, droppedInBlock);
        vm.assertFalse(registry.refutesEvidence(last, l.statement, _opened(l)));
    }

    /// One that was never listed judges nobody.
    function test_proposed_verifier_refutes_nothing() public {
        TestVerifier later = new TestVerifier(false);
        later.setRefuting(true);
        vm.prank(governor);
        uint256 index = registry.proposeVerifier(later);
        vm.roll(block.number + 5);
        (bytes32 id, Attest memory a) = _attested("replica");
        vm.assertFalse(registry.refutesEvidence(id, a.statement, _opened(a)));
        vm.prank(governor);
        registry.dropVerifier(index);
        vm.assertFalse(registry.refutesEvidence(id, a.statement, _opened(a)));
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
        vm.assertFalse(registry.refutesEvidence(id, a.statement, _opened(a)));
        verifier.setRefuting(true);
        vm.assertTrue(registry.refutesEvidence(id, a.statement, _opened(a)));
    }

    function test_refutesEvidence_onlyWhatWasGrantedOn() public {
        (bytes32 id, Attest memory a) = _attested("replica");
        verifier.setRefuting(true);
        bytes memory other = bytes.concat(_opened(a), hex"00");
        vm.expectRevert(abi.encodeWithSelector(IBindings.EvidenceNotGranted.selector, id, keccak256(other)));
        registry.refutesEvidence(id, a.statement, other);

        bytes32 wrong = registry.bindingIdOf(_statement(agentId, provider, signer, "other"));
        vm.expectRevert(abi.encodeWithSelector(IBindings.StatementMismatch.selector, id, wrong));
        registry.refutesEvidence(id, _statement(agentId, provider, signer, "other"), "");
        vm.expectRevert(abi.encodeWithSelector(IBindings.UnknownBinding.selector, wrong));
        registry.refutesEvidence(wrong, _statement(agentId, provider, signer, "other"), "");
    }

    /// Nobody judged it, so there is nothing to refute.
    function test_refutesEvidence_notWithoutAJudgement() public {
        verifier.setRefuting(true);
        vm.expectRevert(
            abi.encodeWithSelector(IBindings.EvidenceNotGranted.selector, bindingId, keccak256("x"))
        );
        registry.refutesEvidence(bindingId, _statement(agentId, provider, signer, "instance"), "x");
        (bool granted,,) = registry.judgementOf(bindingId, EVIDENCE);
        vm.assertFalse(granted);
    }
}
