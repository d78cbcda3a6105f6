// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IEvidence} from "../../src/interfaces/staking/IEvidence.sol";
import {StakingFixture} from "./StakingFixture.sol";

contract CommitEvidenceTest is StakingFixture {
    function testFuzz_commitOnce(bytes32 commitment, address who) public {
        uint64 usableFrom = uint64(block.timestamp) + staking.COMMIT_AGE();
        vm.expectEmit(address(staking));
        emit IEvidence.EvidenceCommitted(commitment, usableFrom);
        vm.prank(who);
        staking.commitEvidence(commitment);

        // Again would start its age anew.
        vm.warp(block.timestamp + 1 hours);
        vm.expectRevert(abi.encodeWithSelector(IEvidence.AlreadyCommitted.selector, commitment));
        staking.commitEvidence(commitment);
    }

    function testFuzz_hashesAreThoseOfTheText(
        address who,
        bytes32 hash,
        bytes32 salt,
        bytes calldata evidence
    ) public view {
        vm.assertEq(staking.commitmentOf(who, hash, salt), keccak256(abi.encode(who, hash, salt)));
        vm.assertEq(
            staking.attestationHash(bindingId, evidence),
            keccak256(abi.encode(bindingId, keccak256(evidence)))
        );
        IEvidence.Conflict memory c = _conflict(1);
        vm.assertEq(
            staking.conflictHash(c),
            keccak256(abi.encode(bindingId, serving.receiptDigest(c.first), serving.receiptDigest(c.second)))
        );
    }

    /// K10: a thief who sees a proof pending copies it in vain. Sent at once it has no commitment of its own; a commitment
    /// made now comes of age when the proof has long been included; and then it has been proven.
    function test_evidence_frontrun() public {
        IEvidence.Conflict memory c = _conflict(1);
        bytes32 evidenceHash = staking.conflictHash(c);
        _commit(reporter, evidenceHash);

        vm.startPrank(attacker);
        bytes32 stolen = staking.commitmentOf(attacker, evidenceHash, SALT);
        vm.expectRevert(abi.encodeWithSelector(IEvidence.NotCommitted.selector, stolen));
        staking.proveConflict(c, SALT);
        staking.commitEvidence(stolen);
        uint64 usableFrom = uint64(block.timestamp) + staking.COMMIT_AGE();
        vm.warp(usableFrom - 1);
        vm.expectRevert(
            abi.encodeWithSelector(IEvidence.CommitmentTooYoung.selector, usableFrom, block.timestamp)
        );
        staking.proveConflict(c, SALT);
        vm.stopPrank();

        vm.prank(reporter);
        staking.proveConflict(c, SALT);
        vm.assertEq(staking.rewardOf(reporter), BOND / 2 / 10);

        vm.warp(usableFrom);
        vm.expectRevert(
            abi.encodeWithSelector(IEvidence.AlreadyProven.selector, bindingId, IEvidence.Kind.CONFLICT)
        );
        vm.prank(attacker);
        staking.proveConflict(c, SALT);
        vm.assertEq(staking.rewardOf(attacker), 0);
    }

    /// K10, for evidence that everybody can fetch.
    function test_evidence_frontrun_attestation() public {
        _mockRefutes(true);
        _commit(reporter, staking.attestationHash(bindingId, EVIDENCE_BYTES));
        bytes32 missing =
            staking.commitmentOf(attacker, staking.attestationHash(bindingId, EVIDENCE_BYTES), SALT);
        vm.expectRevert(abi.encodeWithSelector(IEvidence.NotCommitted.selector, missing));
        vm.prank(attacker);
        staking.proveBadAttestation(bindingId, _fixtureStatement(), EVIDENCE_BYTES, SALT);
        vm.prank(reporter);
        staking.proveBadAttestation(bindingId, _fixtureStatement(), EVIDENCE_BYTES, SALT);
        vm.assertEq(staking.rewardOf(reporter), BOND / 10);
    }
}
