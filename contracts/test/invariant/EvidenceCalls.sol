// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IInferenceServing} from "../../src/interfaces/IInferenceServing.sol";
import {IBindings} from "../../src/interfaces/registry/IBindings.sol";
import {IEvidence} from "../../src/interfaces/staking/IEvidence.sol";
import {StakingWorld} from "./StakingWorld.sol";

/// @title Reporters prove what costs half of a bond, and what does not
abstract contract EvidenceCalls is StakingWorld {
    bytes private constant EVIDENCE = "evidence";

    function proveConflict(uint256 which, uint256 nonce, uint32 more) external {
        Node storage node = _node(which);
        IEvidence.Conflict memory c = _conflict(node, nonce % 50, more);
        address who = _staker(nonce);
        _commit(who, staking.conflictHash(c));
        uint256 before = staking.slashable(node.bondId);
        uint256 burned = address(0).balance;
        uint256 others = _sumOfBonds() - before;
        vm.prank(who);
        try staking.proveConflict(c, 0) {
            vm.assertEq(staking.slashable(node.bondId), before / 2, "half");
            _slashed("conflict", node.bondId, before, burned);
        } catch {
            vm.assertEq(staking.slashable(node.bondId), before);
        }
        vm.assertEq(_sumOfBonds() - staking.slashable(node.bondId), others, "another bond was touched");
    }

    function proveLeakedKey(uint256 which, uint256 who, bool stolen) external {
        Node storage node = _node(which);
        address reporter = _staker(who);
        bytes memory sig = _signature(node.signerKey, staking.leakDigest(node.bindingId, reporter));
        _commit(stolen ? attacker : reporter, staking.leakHash(node.bindingId, sig));
        uint256 before = staking.slashable(node.bondId);
        uint256 burned = address(0).balance;
        vm.prank(stolen ? attacker : reporter);
        try staking.proveLeakedKey(node.bindingId, sig, 0) {
            vm.assertFalse(stolen, "in another name");
            _slashed("leak", node.bondId, before, burned);
        } catch {
            vm.assertEq(staking.slashable(node.bondId), before);
        }
    }

    function proveBadAttestation(uint256 which, uint256 who, bool refuted) external {
        Node storage node = _node(which);
        address reporter = _staker(who);
        IBindings.GrantProof memory proof;
        vm.mockCall(
            address(registry),
            abi.encodeCall(registry.refutesEvidence, (node.bindingId, node.statement, EVIDENCE, proof)),
            abi.encode(refuted)
        );
        _commit(reporter, staking.attestationHash(node.bindingId, EVIDENCE));
        uint256 before = staking.slashable(node.bondId);
        uint256 burned = address(0).balance;
        vm.prank(reporter);
        try staking.proveBadAttestation(node.bindingId, node.statement, EVIDENCE, proof, 0) {
            vm.assertTrue(refuted, "not refuted");
            _slashed("attestation", node.bondId, before, burned);
        } catch {
            vm.assertEq(staking.slashable(node.bondId), before);
        }
    }

    function _commit(address who, bytes32 evidenceHash) private {
        bytes32 commitment = staking.commitmentOf(who, evidenceHash, 0);
        vm.prank(who);
        try staking.commitEvidence(commitment) {} catch {}
        vm.warp(block.timestamp + 5 minutes);
    }

    function _conflict(Node storage node, uint256 nonce, uint32 more)
        private
        view
        returns (IEvidence.Conflict memory c)
    {
        c.auth = IInferenceServing.RequestAuth({
            channelId: channelId,
            nonce: nonce,
            bindingId: node.bindingId,
            requestHash: bytes32(nonce),
            maxFee: 0.5 ether,
            validUntil: 1
        });
        c.first.authHash = serving.authDigest(c.auth);
        c.second.authHash = c.first.authHash;
        c.first.outputTokens = 4000;
        c.second.outputTokens = 4001 + more % 90;
        c.firstSig = _signature(node.signerKey, serving.receiptDigest(c.first));
        c.secondSig = _signature(node.signerKey, serving.receiptDigest(c.second));
    }
}
