// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IAttestationVerifier} from "../../src/interfaces/IAttestationVerifier.sol";
import {IBindings} from "../../src/interfaces/registry/IBindings.sol";
import {IProviders} from "../../src/interfaces/registry/IProviders.sol";
import {IVerifierList} from "../../src/interfaces/registry/IVerifierList.sol";
import {AttestFixture} from "../AttestFixture.sol";
import {TestVerifier} from "../TestVerifier.sol";

/// `renew`: what was granted once is granted again on fresh evidence, by the same judge, whoever sends it.
contract RenewTest is AttestFixture {
    bytes32 private _id;
    Attest private _first;

    function setUp() public override {
        super.setUp();
        (_id, _first) = _attested("replica");
        vm.roll(block.number + 1);
        vm.warp(START + 12 hours);
    }

    function test_renew_recordsWhatTheVerifierShows() public {
        Attest memory a = _fresh();
        IAttestationVerifier.Appraisal memory appraisal = _appraisal();
        (appraisal.tcbStatus, appraisal.record) = (1, bytes25(keccak256("newer")));
        _seal(a, appraisal);
        vm.expectEmit(address(registry));
        emit IBindings.Attested(
            agentId,
            _id,
            IBindings.Tier.TDX,
            1,
            uint64(block.timestamp + LIFE),
            0,
            keccak256(_opened(a)),
            a.blockNumber,
            blockhash(a.blockNumber)
        );
        _renew(a, "");

        (bool valid, IBindings.Binding memory b) = registry.bindingOf(_id);
        vm.assertTrue(valid);
        vm.assertEq(b.signer, signer);
        vm.assertEq(b.tcbStatus, 1);
        vm.assertEq(b.validFrom, START);
        vm.assertEq(b.validUntil, block.timestamp + LIFE);
        vm.assertEq(b.blockNumber, a.blockNumber);
        vm.assertEq(bytes32(b.record), bytes32(appraisal.record));
    }

    /// E2: what a renewal was given on is answered for as the first grant is.
    function test_renewal_stays_refutable() public {
        Attest memory a = _fresh();
        _renew(a, "");
        verifier.setRefuting(true);
        IBindings.GrantProof memory proof = _proof(a);
        proof.before = bytes20(keccak256(abi.encode(bytes20(0), _grantOf(_first))));
        vm.assertTrue(registry.refutesEvidence(_id, a.statement, _opened(a), proof));
    }

    /// R1: one changed byte of the evidence, whichever.
    function test_fuzz_mutated_renewal_rejected(uint256 index, uint8 mask) public {
        Attest memory a = _fresh();
        a.evidence[_bound(index, 0, a.evidence.length - 1)] ^= bytes1(uint8(_bound(mask, 1, 255)));
        vm.expectRevert();
        registry.renew(agentId, _id, a.blockNumber, a.evidence);
    }

    /// Nobody but the signer can have it judged by another: not by whoever sends a renewal.
    function test_renewal_keeps_its_judge() public {
        TestVerifier other = new TestVerifier(true);
        vm.assertEq(_listVerifier(other), 1);
        Attest memory a = _fresh();
        _renew(a, "");
        (, IBindings.Binding memory b) = registry.bindingOf(_id);
        vm.assertEq(b.verifierIndex, 0);

        vm.prank(governor);
        registry.dropVerifier(0);
        vm.roll(block.number + 1);
        _renew(
            _fresh(),
            abi.encodeWithSelector(
                IVerifierList.WrongVerifierState.selector,
                0,
                IVerifierList.VerifierState.LISTED,
                IVerifierList.VerifierState.DROPPED
            )
        );
    }

    function test_only_what_was_granted_is_renewed() public {
        Attest memory a = _ready("never granted");
        bytes32 id = registry.bindingIdOf(a.statement);
        vm.expectRevert(abi.encodeWithSelector(IBindings.BindingNotGranted.selector, id));
        registry.renew(agentId, id, a.blockNumber, a.evidence);
        vm.expectRevert(abi.encodeWithSelector(IBindings.BindingNotApproved.selector, bytes32("x")));
        registry.renew(agentId, "x", a.blockNumber, a.evidence);
        vm.expectRevert(abi.encodeWithSelector(IProviders.UnknownProvider.selector, agentId + 7));
        registry.renew(agentId + 7, _id, a.blockNumber, a.evidence);
    }

    /// R13: under the name of another agent there is nothing to renew.
    function test_renewal_under_another_agent() public {
        vm.deal(attacker, 1 ether);
        uint256 other = _provider(attacker);
        Attest memory a = _fresh();
        vm.expectRevert(abi.encodeWithSelector(IBindings.BindingNotApproved.selector, _id));
        registry.renew(other, _id, a.blockNumber, a.evidence);
    }

    /// What nobody judged cannot be renewed by a judgement, nor the other way round.
    function test_unjudged_is_not_renewed() public {
        _attest(_first.statement, SIGNER_KEY);
        vm.roll(block.number + 1);
        _renew(_fresh(), abi.encodeWithSelector(IVerifierList.UnknownVerifier.selector, 255));
    }

    function test_renewal_moves_forward_only() public {
        Attest memory older = _fresh();
        vm.roll(block.number + 1);
        Attest memory newer = _fresh();
        _renew(newer, "");
        bytes4 stale = IBindings.StaleAttestation.selector;
        _renew(newer, abi.encodeWithSelector(stale, newer.blockNumber, newer.blockNumber));
        _renew(older, abi.encodeWithSelector(stale, newer.blockNumber, older.blockNumber));
    }

    function test_renewal_needs_the_owners_consent() public {
        Attest memory a = _fresh();
        vm.prank(provider);
        registry.withdrawApproval(agentId, _id);
        _renew(a, abi.encodeWithSelector(IBindings.BindingNotApproved.selector, _id));
        _approve(a.statement);
        vm.prank(governor);
        registry.setModerator(governor);
        vm.prank(governor);
        registry.setBarred(agentId, true, "x");
        _renew(a, abi.encodeWithSelector(IBindings.ProviderIsBarred.selector, agentId));
        vm.prank(governor);
        registry.setBarred(agentId, false, "x");
        vm.prank(provider);
        registry.revokeBinding(_id);
        _renew(a, abi.encodeWithSelector(IBindings.BindingIsRevoked.selector, _id));
    }

    /// A new endpoint ends it; approved anew it has to show its key and its statement again.
    function test_new_endpoint_needs_a_new_grant() public {
        Attest memory a = _fresh();
        vm.prank(provider);
        registry.updateEndpoint(agentId, "https://other.example");
        _renew(a, abi.encodeWithSelector(IBindings.BindingNotApproved.selector, _id));
        _approve(a.statement);
        _renew(a, abi.encodeWithSelector(IBindings.BindingNotGranted.selector, _id));
        _send(a, "");
        vm.roll(block.number + 1);
        _renew(_fresh(), "");
    }

    /// K5: a key of which evidence was brought is renewed no more.
    function test_spent_key_is_not_renewed() public {
        vm.mockCall(address(staking), abi.encodeWithSelector(staking.isKeySpent.selector), abi.encode(true));
        Attest memory other = _ready("faulted");
        bytes32 faulted = _send(other, "");
        vm.prank(address(staking));
        registry.revokeForEvidence(faulted);
        _renew(_fresh(), abi.encodeWithSelector(IBindings.KeyIsSpent.selector, signer));
    }

    function test_old_blockhash_rejected() public {
        Attest memory a = _fresh();
        vm.roll(block.number + 301);
        _renew(a, abi.encodeWithSelector(IBindings.BlockOutOfWindow.selector, a.blockNumber, block.number));
    }

    function test_renewal_after_the_end_starts_anew() public {
        vm.warp(START + LIFE + 1);
        _expectStatus(_id, IBindings.Status.EXPIRED);
        _renew(_fresh(), "");
        (, IBindings.Binding memory b) = registry.bindingOf(_id);
        vm.assertEq(b.validFrom, START + LIFE + 1);
    }

    function _fresh() private view returns (Attest memory a) {
        a = _first;
        (a.blockNumber, a.deadline) = (uint64(block.number - 1), block.timestamp);
        _seal(a, _appraisal());
    }

    function _renew(Attest memory a, bytes memory expectedError) private {
        if (expectedError.length != 0) vm.expectRevert(expectedError);
        vm.prank(relayer);
        registry.renew(agentId, _id, a.blockNumber, a.evidence);
    }
}
