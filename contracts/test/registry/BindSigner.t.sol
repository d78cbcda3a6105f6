// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ComputeRegistry} from "../../src/ComputeRegistry.sol";
import {IBindings} from "../../src/interfaces/registry/IBindings.sol";
import {IProviders} from "../../src/interfaces/registry/IProviders.sol";
import {IComputeStaking} from "../../src/interfaces/IComputeStaking.sol";
import {IEvidence} from "../../src/interfaces/staking/IEvidence.sol";
import {NodeStatement} from "../../src/interfaces/NodeStatement.sol";
import {Fixture} from "../Fixture.sol";

contract RegistryBindSignerTest is Fixture {
    struct Attest {
        NodeStatement statement;
        bytes32 evidenceHash;
        uint64 blockNumber;
        uint64 validUntil;
        uint256 deadline;
        uint256 signerKey;
    }

    /// A second replica, approved and ready to be attested.
    function _ready() private returns (Attest memory a) {
        a = Attest({
            statement: _statement(agentId, provider, signer, "replica"),
            evidenceHash: EVIDENCE,
            blockNumber: uint64(block.number - 1),
            validUntil: uint64(block.timestamp + 1 days),
            deadline: block.timestamp,
            signerKey: SIGNER_KEY
        });
        bytes32 id = registry.bindingIdOf(a.statement);
        vm.prank(provider);
        registry.approveBinding(agentId, id);
    }

    function _send(Attest memory a, bytes memory expectedError) private returns (bytes32) {
        bytes memory sig = _attestationSig(
            registry.bindingIdOf(a.statement),
            a.evidenceHash,
            a.blockNumber,
            a.validUntil,
            a.deadline,
            a.signerKey
        );
        if (expectedError.length != 0) vm.expectRevert(expectedError);
        return registry.bindSigner(a.statement, a.evidenceHash, a.blockNumber, a.validUntil, a.deadline, sig);
    }

    function test_attest_recordsTheBinding() public {
        Attest memory a = _ready();
        bytes32 id = registry.bindingIdOf(a.statement);
        vm.expectEmit(address(registry));
        emit IBindings.SignerBound(
            agentId, id, signer, a.validUntil, EVIDENCE, a.blockNumber, blockhash(a.blockNumber)
        );
        vm.assertEq(_send(a, ""), id);

        (bool valid, IBindings.Binding memory b) = registry.bindingOf(id);
        vm.assertTrue(valid);
        vm.assertEq(b.agentId, agentId);
        vm.assertEq(b.signer, signer);
        vm.assertEq(b.validFrom, START);
        vm.assertEq(b.validUntil, a.validUntil);
        vm.assertFalse(b.revoked);
        vm.assertEq(b.operator, provider);
        vm.assertEq(uint256(b.tier), uint256(IBindings.Tier.NONE));
        vm.assertEq(b.tcbStatus, 0);
        vm.assertEq(b.verifierIndex, registry.NO_VERIFIER());
        vm.assertEq(b.record, 0);
        vm.assertEq(b.endpointVersion, 1);
        vm.assertEq(b.blockNumber, a.blockNumber);
        vm.assertEq(bytes32(b.evidence), bytes32(bytes24(EVIDENCE)));
        (uint256 boundAgent, address boundSigner) = registry.signerOf(id);
        vm.assertEq(boundAgent, agentId);
        vm.assertEq(boundSigner, signer);
        address operator;
        (boundAgent, operator, boundSigner) = registry.partiesOf(id);
        vm.assertEq(boundAgent, agentId);
        vm.assertEq(operator, provider);
        vm.assertEq(boundSigner, signer);
    }

    /// R1: no caller gets a tier, and no evidence no binding.
    function test_zero_evidence_gets_no_tier() public {
        Attest memory a = _ready();
        a.evidenceHash = 0;
        _send(a, abi.encodeWithSelector(IBindings.EvidenceHashZero.selector));

        (, IBindings.Binding memory b) = registry.bindingOf(bindingId);
        vm.assertEq(uint256(b.tier), uint256(IBindings.Tier.NONE));
        (bool valid, IBindings.Binding memory none) = registry.bindingOf(keccak256("none"));
        vm.assertFalse(valid);
        vm.assertEq(uint256(none.tier), uint256(IBindings.Tier.NONE));
        (, address noSigner) = registry.signerOf(keccak256("none"));
        vm.assertEq(noSigner, address(0));
    }

    /// R1
    function test_tier_expires() public {
        Attest memory a = _ready();
        bytes32 id = _send(a, "");
        vm.warp(a.validUntil);
        (bool valid,) = registry.bindingOf(id);
        vm.assertTrue(valid);
        vm.warp(a.validUntil + 1);
        (valid,) = registry.bindingOf(id);
        vm.assertFalse(valid);
    }

    /// R1, R13: every field of the statement counts.
    function test_fuzz_binding_fields(uint8 field, bytes32 value) public {
        Attest memory a = _ready();
        bytes32 before = registry.bindingIdOf(a.statement);
        NodeStatement memory s = a.statement;
        field = uint8(_bound(field, 0, 7));
        if (field == 0) s.agentId = uint256(value);
        if (field == 1) s.operator = address(uint160(uint256(value)));
        if (field == 2) s.signer = address(uint160(uint256(value)));
        if (field == 3) s.keysetDigest = value;
        if (field == 4) s.modelCatalogDigest = value;
        if (field == 5) s.postureDigest = value;
        if (field == 6) s.gpuDevicesDigest = value;
        if (field == 7) s.instanceId = value;
        bytes32 id = registry.bindingIdOf(s);
        vm.assume(id != before);

        bytes memory wanted = abi.encodeWithSelector(IBindings.BindingNotApproved.selector, id);
        if (field == 0) {
            wanted = abi.encodeWithSelector(IProviders.UnknownProvider.selector, s.agentId);
        }
        if (field == 1) {
            wanted = abi.encodeWithSelector(IProviders.OperatorMismatch.selector, provider, s.operator);
        }
        _send(a, wanted);
    }

    /// R13: the same statement has another id, and its signature no meaning, at another registry or chain.
    function test_foreign_binding_rejected() public {
        NodeStatement memory s = _statement(agentId, provider, signer, "replica");
        ComputeRegistry other = new ComputeRegistry(identity, staking, governor, NO_VERIFIER);
        vm.assertNotEq(registry.bindingIdOf(s), other.bindingIdOf(s));
        bytes32 here = registry.bindingIdOf(s);
        vm.chainId(1);
        vm.assertNotEq(registry.bindingIdOf(s), here);
        vm.chainId(31_337);

        vm.startPrank(provider);
        bytes32 there = other.bindingIdOf(s);
        other.register(agentId, "x");
        other.approveBinding(agentId, there);
        vm.stopPrank();
        uint64 blockNumber = uint64(block.number - 1);
        uint64 validUntil = uint64(START + 1 days);
        // Signed in the domain of the first registry.
        bytes memory sig = _attestationSig(there, EVIDENCE, blockNumber, validUntil, START, SIGNER_KEY);
        vm.expectRevert(abi.encodeWithSelector(IBindings.InvalidSignature.selector, signer));
        other.bindSigner(s, EVIDENCE, blockNumber, validUntil, START, sig);
    }

    /// R12
    function test_old_blockhash_rejected() public {
        Attest memory a = _ready();
        vm.roll(2000);
        a.blockNumber = 2000 - 257;
        _send(a, _outOfWindow(a.blockNumber));
        a.blockNumber = 2000;
        _send(a, _outOfWindow(a.blockNumber));
        a.blockNumber = type(uint64).max;
        _send(a, _outOfWindow(a.blockNumber));
        a.blockNumber = 2000 - 256;
        _send(a, "");
    }

    function test_fuzz_attest_validity(uint64 validUntil) public {
        Attest memory a = _ready();
        a.validUntil = validUntil;
        uint64 max = uint64(START + 1 days);
        bool allowed = validUntil > START && validUntil <= max;
        _send(
            a,
            allowed
                ? bytes("")
                : abi.encodeWithSelector(IBindings.ValidityOutOfRange.selector, validUntil, max)
        );
    }

    function test_attest_validityEnds() public {
        Attest memory a = _ready();
        a.validUntil = uint64(START);
        _send(a, abi.encodeWithSelector(IBindings.ValidityOutOfRange.selector, START, START + 1 days));
        a.validUntil = uint64(START + 1 days + 1);
        _send(a, abi.encodeWithSelector(IBindings.ValidityOutOfRange.selector, a.validUntil, START + 1 days));
    }

    function test_attest_needsTheSignersKey() public {
        Attest memory a = _ready();
        a.signerKey = SESSION_KEY;
        _send(a, abi.encodeWithSelector(IBindings.InvalidSignature.selector, signer));

        a = _ready();
        a.deadline = START - 1;
        _send(a, abi.encodeWithSelector(IBindings.SignatureExpired.selector, START - 1));

        // A statement without a signer cannot be signed for by garbage that recovers to zero.
        NodeStatement memory nobody = _statement(agentId, provider, address(0), "zero");
        bytes32 id = registry.bindingIdOf(nobody);
        vm.prank(provider);
        registry.approveBinding(agentId, id);
        vm.expectRevert(abi.encodeWithSelector(IBindings.InvalidSignature.selector, address(0)));
        registry.bindSigner(
            nobody, EVIDENCE, uint64(block.number - 1), uint64(START + 1), START, new bytes(65)
        );
    }

    /// Nothing that was signed can be changed by who sends it.
    function test_fuzz_attest_signedFieldsAreFixed(bytes32 evidence, uint64 validUntil, uint64 back) public {
        Attest memory a = _ready();
        vm.assume(evidence != 0 && evidence != EVIDENCE);
        bytes memory sig = _attestationSig(
            registry.bindingIdOf(a.statement), EVIDENCE, a.blockNumber, a.validUntil, a.deadline, SIGNER_KEY
        );
        validUntil = uint64(_bound(validUntil, START + 1, a.validUntil - 1));
        uint64 blockNumber = uint64(_bound(back, block.number - 200, block.number - 2));
        bytes memory wanted = abi.encodeWithSelector(IBindings.InvalidSignature.selector, signer);

        vm.expectRevert(wanted);
        registry.bindSigner(a.statement, evidence, a.blockNumber, a.validUntil, a.deadline, sig);
        vm.expectRevert(wanted);
        registry.bindSigner(a.statement, EVIDENCE, blockNumber, a.validUntil, a.deadline, sig);
        vm.expectRevert(wanted);
        registry.bindSigner(a.statement, EVIDENCE, a.blockNumber, validUntil, a.deadline, sig);
        vm.expectRevert(wanted);
        registry.bindSigner(a.statement, EVIDENCE, a.blockNumber, a.validUntil, a.deadline + 1, sig);
    }

    /// An attestation seen on chain cannot be played again, nor an older one over a newer one.
    function test_attest_renewalOnlyMovesForward() public {
        Attest memory older = _ready();
        Attest memory newer = _ready();
        vm.roll(block.number + 1);
        newer.blockNumber = older.blockNumber + 1;
        newer.evidenceHash = keccak256("renewed");
        bytes32 id = _send(newer, "");

        bytes memory stale =
            abi.encodeWithSelector(IBindings.StaleAttestation.selector, newer.blockNumber, older.blockNumber);
        _send(older, stale);
        _send(
            newer,
            abi.encodeWithSelector(IBindings.StaleAttestation.selector, newer.blockNumber, newer.blockNumber)
        );

        vm.roll(block.number + 1);
        vm.warp(START + 1 hours);
        newer.blockNumber += 1;
        newer.deadline = block.timestamp;
        newer.validUntil = uint64(block.timestamp + 1 days);
        _send(newer, "");
        (, IBindings.Binding memory b) = registry.bindingOf(id);
        vm.assertEq(b.validUntil, newer.validUntil);
        vm.assertEq(b.validFrom, START, "valid without a gap since the first grant");

        // After a gap it counts anew.
        vm.warp(newer.validUntil + 1);
        vm.roll(block.number + 1);
        newer.blockNumber += 1;
        newer.deadline = block.timestamp;
        newer.validUntil = uint64(block.timestamp + 1 days);
        _send(newer, "");
        (, b) = registry.bindingOf(id);
        vm.assertEq(b.validFrom, block.timestamp);
    }

    function test_approveBinding() public {
        vm.expectEmit(address(registry));
        emit IBindings.BindingApproved(agentId, "x", provider);
        vm.prank(provider);
        registry.approveBinding(agentId, "x");
        vm.assertTrue(registry.isBindingApproved(agentId, "x"));
        vm.assertFalse(registry.isBindingApproved(agentId + 1, "x"));
    }

    /// Anybody can approve anything for an agent of their own; it opens no door to ours.
    function test_approveBinding_ofAnotherAgentIsUseless() public {
        vm.deal(attacker, 1 ether);
        uint256 other = _provider(attacker);
        NodeStatement memory s = _statement(agentId, provider, signer, "victim");
        bytes32 id = registry.bindingIdOf(s);
        vm.prank(attacker);
        registry.approveBinding(other, id);

        vm.assertFalse(registry.isBindingApproved(agentId, id));
        Attest memory a = _ready();
        a.statement = s;
        _send(a, abi.encodeWithSelector(IBindings.BindingNotApproved.selector, id));
    }

    function test_approveBinding_reverts() public {
        vm.expectRevert(abi.encodeWithSelector(IProviders.UnknownProvider.selector, 5));
        registry.approveBinding(5, "x");
        vm.expectRevert(abi.encodeWithSelector(IProviders.NotAgentOwner.selector, agentId, attacker));
        vm.prank(attacker);
        registry.approveBinding(agentId, "x");

        uint256 other = _provider(attacker);
        vm.expectRevert(abi.encodeWithSelector(IBindings.BindingOfOtherAgent.selector, bindingId, other));
        vm.prank(attacker);
        registry.approveBinding(other, bindingId);
    }

    /// Whom ERC-721 lets move the agent (a market place, say) cannot have a key of its own answered for by the owner's bond.
    function test_erc721_approved_cannot_approve_binding() public {
        vm.startPrank(provider);
        identity.approve(relayer, agentId);
        identity.setApprovalForAll(attacker, true);
        vm.stopPrank();
        address[2] memory others = [relayer, attacker];
        for (uint256 i = 0; i < 2; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IProviders.NotAgentOwner.selector, agentId, others[i]));
            vm.prank(others[i]);
            registry.approveBinding(agentId, "x");
        }
        // To deny is no such power.
        vm.prank(relayer);
        registry.withdrawApproval(agentId, bindingId);
        vm.prank(attacker);
        registry.revokeBinding(bindingId);
    }

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

    function test_withdrawApproval_stopsRenewalOnly() public {
        Attest memory a = _ready();
        bytes32 id = _send(a, "");
        vm.expectEmit(address(registry));
        emit IBindings.BindingApprovalWithdrawn(agentId, id);
        vm.prank(provider);
        registry.withdrawApproval(agentId, id);

        (bool valid,) = registry.bindingOf(id);
        vm.assertTrue(valid);
        vm.roll(block.number + 1);
        a.blockNumber += 1;
        _send(a, abi.encodeWithSelector(IBindings.BindingNotApproved.selector, id));

        vm.expectRevert(abi.encodeWithSelector(IBindings.BindingNotApproved.selector, id));
        vm.prank(provider);
        registry.withdrawApproval(agentId, id);
        vm.expectRevert(abi.encodeWithSelector(IProviders.NotAgentOwner.selector, agentId, attacker));
        vm.prank(attacker);
        registry.withdrawApproval(agentId, id);
    }

    function test_revokeBinding_isFinal() public {
        Attest memory a = _ready();
        bytes32 id = _send(a, "");
        vm.expectEmit(address(registry));
        emit IBindings.BindingRevoked(agentId, id, provider);
        vm.prank(provider);
        registry.revokeBinding(id);

        (bool valid, IBindings.Binding memory b) = registry.bindingOf(id);
        vm.assertFalse(valid);
        vm.assertTrue(b.revoked);
        vm.assertEq(b.validUntil, START - 1);
        vm.roll(block.number + 1);
        a.blockNumber += 1;
        _send(a, abi.encodeWithSelector(IBindings.BindingIsRevoked.selector, id));
        vm.startPrank(provider);
        vm.expectRevert(abi.encodeWithSelector(IBindings.BindingIsRevoked.selector, id));
        registry.approveBinding(agentId, id);
        vm.expectRevert(abi.encodeWithSelector(IBindings.BindingIsRevoked.selector, id));
        registry.revokeBinding(id);
        vm.stopPrank();
    }

    function test_revokeBinding_reverts() public {
        vm.expectRevert(abi.encodeWithSelector(IBindings.UnknownBinding.selector, bytes32("x")));
        registry.revokeBinding("x");
        vm.expectRevert(abi.encodeWithSelector(IProviders.NotAgentOwner.selector, agentId, attacker));
        vm.prank(attacker);
        registry.revokeBinding(bindingId);
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

    /// R9: a stranger can write nothing about a provider.
    function test_metrics_not_writable_by_anyone() public {
        bytes memory before = abi.encode(registry.providerOf(agentId), registry.serviceOf(agentId, serviceId));
        bytes[] memory calls = new bytes[](18);
        calls[0] = abi.encodeCall(registry.register, (agentId, "x"));
        calls[1] = abi.encodeCall(registry.refreshOwner, (agentId));
        calls[2] = abi.encodeCall(registry.updateEndpoint, (agentId, "x"));
        calls[3] = abi.encodeCall(registry.setActive, (agentId, false));
        calls[4] = abi.encodeCall(registry.addService, (agentId, MODEL_ID, "m", _price(1, 1)));
        calls[5] = abi.encodeCall(registry.setPrice, (agentId, serviceId, _price(1, 1)));
        calls[6] = abi.encodeCall(registry.setServiceActive, (agentId, serviceId, false));
        calls[7] = abi.encodeCall(registry.approveBinding, (agentId, "x"));
        calls[8] = abi.encodeCall(registry.withdrawApproval, (agentId, bindingId));
        calls[9] = abi.encodeCall(registry.revokeBinding, (bindingId));
        calls[10] = abi.encodeCall(registry.revokeForEvidence, (bindingId));
        calls[11] = abi.encodeCall(registry.setBarred, (agentId, true, "x"));
        calls[12] = abi.encodeCall(registry.dropVerifier, (0));
        calls[13] = abi.encodeCall(registry.setIntakePaused, (true));
        calls[14] = abi.encodeCall(identity.setMetadata, (agentId, "uptime", "1"));
        calls[15] = abi.encodeCall(identity.setAgentURI, (agentId, "x"));
        calls[16] = abi.encodeCall(ledger.charge, (channelId, 1, 1));
        calls[17] = abi.encodeCall(serving.postFeedback, (agentId));
        address[18] memory targets;
        for (uint256 i = 0; i < 14; ++i) {
            targets[i] = address(registry);
        }
        (targets[14], targets[15], targets[16], targets[17]) =
        (address(identity), address(identity), address(ledger), address(serving));
        for (uint256 i = 0; i < calls.length; ++i) {
            vm.prank(attacker);
            (bool success,) = targets[i].call(calls[i]);
            vm.assertFalse(success);
        }
        vm.assertEq(abi.encode(registry.providerOf(agentId), registry.serviceOf(agentId, serviceId)), before);
    }

    function _outOfWindow(uint64 blockNumber) private view returns (bytes memory) {
        return abi.encodeWithSelector(IBindings.BlockOutOfWindow.selector, blockNumber, block.number);
    }
}
