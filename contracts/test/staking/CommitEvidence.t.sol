// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IEvidence} from "../../src/interfaces/staking/IEvidence.sol";
import {StakingFixture} from "./StakingFixture.sol";

contract CommitEvidenceTest is StakingFixture {
    /// Once while it lasts: again would start its age anew.
    function testFuzz_commitOnce(bytes32 commitment, address who, uint256 wait) public {
        uint64 usableFrom = uint64(block.timestamp) + staking.COMMIT_AGE();
        vm.startPrank(who);
        vm.expectEmit(address(staking));
        emit IEvidence.EvidenceCommitted(who, commitment, usableFrom);
        staking.commitEvidence(commitment);

        uint256 end = uint256(usableFrom) + 1 days;
        vm.warp(_bound(wait, block.timestamp, end));
        vm.expectRevert(abi.encodeWithSelector(IEvidence.AlreadyCommitted.selector, who, commitment));
        staking.commitEvidence(commitment);
        vm.warp(end + 1);
        vm.expectEmit(address(staking));
        emit IEvidence.EvidenceCommitted(who, commitment, uint64(end + 1) + staking.COMMIT_AGE());
        staking.commitEvidence(commitment);
        vm.stopPrank();
    }

    /// K10: an operator who copies the finder's commitment while it is pending takes nobody's place.
    function test_operator_cannot_displace_commitment() public {
        IEvidence.Conflict memory c = _conflict(1);
        bytes32 commitment = staking.commitmentOf(reporter, staking.conflictHash(c), SALT);
        vm.prank(provider);
        staking.commitEvidence(commitment);
        vm.warp(block.timestamp + 1 hours);
        vm.prank(reporter);
        staking.commitEvidence(commitment);
        vm.warp(block.timestamp + 5 minutes);
        vm.prank(reporter);
        staking.proveConflict(c, SALT);
        vm.assertEq(staking.rewardOf(reporter), BOND / 2 / 10);
    }

    /// K10: an operator who sees the finder's proof pending is not quicker with a leak of its own making.
    function test_operator_cannot_displace_finder_by_leak() public {
        IEvidence.Conflict memory c = _conflict(1);
        _commit(reporter, staking.conflictHash(c));
        bytes memory sig = _leakSig(bindingId, attacker, SIGNER_KEY);
        bytes32 missing = staking.commitmentOf(attacker, staking.leakHash(bindingId, sig), SALT);
        vm.expectRevert(abi.encodeWithSelector(IEvidence.NotCommitted.selector, missing));
        vm.prank(attacker);
        staking.proveLeakedKey(bindingId, sig, SALT);
        vm.prank(reporter);
        staking.proveConflict(c, SALT);
        vm.assertEq(staking.rewardOf(reporter), BOND / 2 / 10);
    }

    /// K10: nor by a commitment that it laid up on the day of the deed.
    function test_commitment_expires(uint256 wait) public {
        IEvidence.Conflict memory c = _conflict(1);
        _commit(attacker, staking.conflictHash(c));
        uint256 usableUntil = block.timestamp + 1 days;
        vm.warp(_bound(wait, usableUntil + 1, usableUntil + 10 days));
        vm.expectRevert(
            abi.encodeWithSelector(IEvidence.CommitmentExpired.selector, usableUntil, block.timestamp)
        );
        vm.prank(attacker);
        staking.proveConflict(c, SALT);
        vm.warp(usableUntil);
        vm.prank(attacker);
        staking.proveConflict(c, SALT);
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
        vm.assertEq(
            staking.leakHash(bindingId, evidence),
            keccak256(
                abi.encode(
                    bindingId, keccak256("KeyLeak(bytes32 bindingId,address reporter)"), keccak256(evidence)
                )
            )
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
        staking.proveBadAttestation(bindingId, _fixtureStatement(), EVIDENCE_BYTES, _proof, SALT);
        vm.prank(reporter);
        staking.proveBadAttestation(bindingId, _fixtureStatement(), EVIDENCE_BYTES, _proof, SALT);
        vm.assertEq(staking.rewardOf(reporter), BOND / 10);
    }
}
