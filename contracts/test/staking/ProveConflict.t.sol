// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBindings} from "../../src/interfaces/registry/IBindings.sol";
import {IComputeStaking} from "../../src/interfaces/IComputeStaking.sol";
import {IInferenceServing} from "../../src/interfaces/IInferenceServing.sol";
import {ILedgerManager} from "../../src/interfaces/ILedgerManager.sol";
import {IEvidence} from "../../src/interfaces/staking/IEvidence.sol";
import {IRewards} from "../../src/interfaces/staking/IRewards.sol";
import {StakingFixture} from "./StakingFixture.sol";

contract ProveConflictTest is StakingFixture {
    /// K4: nobody paid for it, so nobody's loss: a tenth to the reporter, the rest is gone.
    function test_slash_destination() public {
        IEvidence.Conflict memory c = _conflict(1);
        _commit(reporter, staking.conflictHash(c));
        uint256 burnedBefore = address(0).balance;
        uint256 half = BOND / 2;

        vm.expectEmit(address(staking));
        emit IEvidence.EvidenceProven(bindingId, IEvidence.Kind.CONFLICT, bond, reporter, half);
        vm.expectEmit(address(staking));
        emit IRewards.Slashed(bond, reporter, address(0), half, 0, half / 10, half - half / 10);
        vm.expectEmit(address(staking));
        emit IRewards.Credited(reporter, half / 10);
        vm.expectEmit(address(registry));
        emit IBindings.BindingRevoked(agentId, bindingId, address(staking));
        vm.prank(reporter);
        staking.proveConflict(c, SALT);

        vm.assertEq(staking.slashable(bond), half);
        vm.assertEq(staking.rewardOf(reporter), half / 10);
        vm.assertEq(address(0).balance - burnedBefore, half - half / 10);
        vm.assertEq(address(staking).balance, half + half / 10);
        vm.assertEq(staking.owner().balance, 0, "never the owner");
    }

    /// K4: what the user paid comes back, the cheaper receipt's fee; the reporter has its tenth, the rest is burned.
    function testFuzz_provenLossGoesToTheUser(uint32 tokens, uint32 more, uint128 maxFee, bool dear) public {
        tokens = uint32(_bound(tokens, 1, 200));
        more = uint32(_bound(more, tokens + 1, 4096));
        bytes32 channel = dear ? _dearChannel() : channelId;
        IInferenceServing.RequestAuth memory auth = _auth(channel, bindingId, 7);
        uint256 fee = serving.feeOf(channel, 100, tokens);
        auth.maxFee = uint128(_bound(maxFee, fee, 0.5 ether));
        IEvidence.Conflict memory c = _conflictBy(auth, SIGNER_KEY);
        c.first.outputTokens = more;
        c.second.outputTokens = tokens;
        _sign(c, SIGNER_KEY);
        _settle(_signed(auth, 100, tokens));
        vm.assertTrue(serving.isNonceUsed(channel, bindingId, 7), "paid");

        uint256 half = BOND / 2;
        uint256 loss = fee > half / 20 ? half / 20 : fee;
        _proveConflict(reporter, c);
        vm.assertEq(staking.rewardOf(user), loss);
        vm.assertEq(staking.rewardOf(reporter), half / 10);
        vm.assertEq(address(staking).balance, half + half / 10 + loss);
    }

    /// The user never agreed to more than maxFee, whatever the receipts say.
    function test_lossIsAtMostMaxFee() public {
        _settle(_signed(_auth(channelId, bindingId, 7), 1, 1));
        IInferenceServing.RequestAuth memory auth = _auth(channelId, bindingId, 7);
        auth.maxFee = 5;
        _proveConflict(reporter, _conflictBy(auth, SIGNER_KEY));
        vm.assertEq(staking.rewardOf(user), 5);
    }

    /// K4: a payee took less than the fee, so that is the loss.
    function test_compensation_le_what_was_paid(uint96 there) public {
        uint256 fee = serving.feeOf(channelId, 100, 50);
        there = uint96(_bound(there, 1, fee - 1));
        ILedgerManager.Open memory o = _open(1);
        o.amount = there;
        vm.prank(user);
        bytes32 channel = ledger.openChannel{value: there}(o);
        IInferenceServing.RequestAuth memory auth = _auth(channel, bindingId, 7);
        IInferenceServing.Item[] memory items = _one(_signed(auth, 100, 50));
        vm.prank(provider);
        (IInferenceServing.Status[] memory statuses,) = serving.settle(items, true);
        vm.assertEq(uint256(statuses[0]), uint256(IInferenceServing.Status.PARTIAL));
        vm.assertEq(serving.partialFeeOf(channel, bindingId, 7), there);

        _proveConflict(reporter, _conflictBy(auth, SIGNER_KEY));
        vm.assertEq(staking.rewardOf(user), there);
    }

    /// K9, E1: whoever slashes itself with a second account as user and as reporter, by a fee as high as can be, loses 85 %.
    function test_self_slash_loses_85pct(uint128 fee) public {
        IInferenceServing.RequestAuth memory auth = _auth(_dearChannel(), bindingId, 9);
        uint32 tokens = uint32(_bound(fee, 1, 4095));
        (, uint256 paid) = _settle(_signed(auth, 100, tokens));
        vm.assertEq(paid, uint256(tokens) * 1e14);
        IEvidence.Conflict memory c = _conflictBy(auth, SIGNER_KEY);
        c.first.outputTokens = 4096;
        c.second.outputTokens = tokens;
        _sign(c, SIGNER_KEY);
        uint256 burnedBefore = address(0).balance;
        uint256 before = staking.slashable(bond);
        _proveConflict(reporter, c);
        uint256 slashed = before - staking.slashable(bond);
        uint256 back = staking.rewardOf(reporter) + staking.rewardOf(user);
        vm.assertLe(back, slashed * 15 / 100);
        vm.assertEq(address(0).balance - burnedBefore, slashed - back);

        // And the whole bond by its key.
        before = staking.slashable(bond);
        uint256 rewarded = staking.rewardOf(reporter);
        burnedBefore = address(0).balance;
        _proveLeakedKey(reporter);
        vm.assertEq(staking.slashable(bond), 0);
        vm.assertLe(staking.rewardOf(reporter) - rewarded, before * 15 / 100);
        vm.assertGe(address(0).balance - burnedBefore, before * 85 / 100, "burned");
    }

    /// The reporter's bound in wei.
    function test_reporterGetsAtMostHalfAnEther() public {
        vm.deal(provider, 1000 ether);
        vm.prank(provider);
        staking.addStake{value: 100 ether}(bond);
        _proveConflict(reporter, _conflict(1));
        vm.assertEq(staking.rewardOf(reporter), 0.5 ether);
    }

    /// K3: in any moment before it has left, from the bond that stood for the binding.
    function test_unstake_then_evidence(uint256 wait, uint256 part) public {
        vm.startPrank(provider);
        staking.addStake{value: 1 ether}(bond);
        uint256 total = BOND + 1 ether;
        part = part % 2 == 0 ? total : _bound(part, 1, 1 ether);
        staking.requestUnstake(bond, uint128(part));
        vm.stopPrank();
        IEvidence.Conflict memory c = _conflict(1);
        vm.warp(START + _bound(wait, 0, 20 days));
        _proveConflict(reporter, c);

        uint256 rest = total - total / 2;
        vm.assertEq(staking.slashable(bond), rest, "slashed while it was leaving");
        IComputeStaking.Bond memory b = staking.bondOf(bond);
        vm.assertEq(b.bonded, total - part > total / 2 ? total - part - total / 2 : 0, "bonded goes first");
        vm.warp(START + 30 days);
        uint256 leaving = b.unbonding;
        if (leaving == 0) return;
        vm.prank(provider);
        staking.completeUnstake(bond, relayer);
        vm.assertEq(relayer.balance, leaving);
    }

    /// K3: the buyer of the agent has not done it; the seller's bond pays, though it is not the owner any more.
    function test_sellingTheAgentDoesNotShiftTheBlame() public {
        _sellAgentTo(attacker);
        bytes32 buyers = _bondId(IComputeStaking.Role.PROVIDER, agentId, attacker);
        _proveConflict(reporter, _conflict(1));
        vm.assertEq(staking.slashable(bond), BOND / 2);
        vm.assertEq(staking.slashable(buyers), BOND);
    }

    /// K5: each further fault takes half of what is left, and in the end there is nothing left to take.
    function test_second_slash_possible(uint256 count) public {
        count = _bound(count, 2, 12);
        uint256 left = BOND;
        for (uint256 i = 0; i < count; ++i) {
            _proveConflict(reporter, _conflict(i));
            left -= left - left / 2;
            vm.assertEq(staking.slashable(bond), left);
        }
        _proveLeakedKey(reporter);
        vm.assertEq(staking.slashable(bond), 0);
    }

    /// K7: proof ends the binding and takes the bond below its minimum: nothing of it can be hired any more, at once.
    function test_slashed_provider_inactive() public {
        (bool valid,) = registry.bindingOf(bindingId);
        vm.assertTrue(valid);
        vm.assertTrue(registry.isActive(agentId));
        _proveConflict(reporter, _conflict(1));
        (valid,) = registry.bindingOf(bindingId);
        vm.assertFalse(valid);
        vm.assertFalse(registry.isActive(agentId));
        vm.assertFalse(staking.isBonded(bond));

        // Stake alone does not bring the binding back.
        vm.prank(provider);
        staking.addStake{value: 1 ether}(bond);
        vm.assertTrue(registry.isActive(agentId));
        (valid,) = registry.bindingOf(bindingId);
        vm.assertFalse(valid);
    }

    /// Receipts earned under the binding are paid after it (attack P13).
    function test_earnedReceiptsStayPayable() public {
        IInferenceServing.Item memory item = _item(3);
        _proveConflict(reporter, _conflict(1));
        _expectStatus(item, IInferenceServing.Status.PAID);
    }

    /// Who ends the binding before the proof comes escapes nothing.
    function test_revokedBindingStillAnswers() public {
        vm.prank(provider);
        registry.revokeBinding(bindingId);
        _proveConflict(reporter, _conflict(1));
        vm.assertEq(staking.slashable(bond), BOND / 2);
    }

    /// K11: two requests under one nonce are the user's doing.
    function test_user_equivocation_is_not_evidence(bytes32 otherRequest) public {
        IInferenceServing.RequestAuth memory auth = _auth(channelId, bindingId, 1);
        vm.assume(otherRequest != auth.requestHash);
        bytes32 authHash = serving.authDigest(auth);
        IEvidence.Conflict memory c = _conflictBy(auth, SIGNER_KEY);
        IInferenceServing.RequestAuth memory other = _auth(channelId, bindingId, 1);
        other.requestHash = otherRequest;
        bytes32 otherHash = serving.authDigest(other);

        c.second.authHash = otherHash;
        _expectConflictRefused(
            c, abi.encodeWithSelector(IEvidence.AuthHashMismatch.selector, authHash, otherHash)
        );
        c.second.authHash = authHash;
        c.first.authHash = otherHash;
        _expectConflictRefused(
            c, abi.encodeWithSelector(IEvidence.AuthHashMismatch.selector, authHash, otherHash)
        );
    }

    /// K11: the same receipt twice, be it signed twice, is the cached answer to a repeated request.
    function test_repeatedReceiptIsNotEvidence() public {
        IEvidence.Conflict memory c = _conflict(1);
        c.second = c.first;
        _expectConflictRefused(
            c, abi.encodeWithSelector(IEvidence.SameStatement.selector, serving.receiptDigest(c.first))
        );
    }

    /// Either signature by anybody else.
    function testFuzz_bothBySigner(uint256 key, bool second) public {
        key = _bound(key, 1, 1e30);
        vm.assume(key != SIGNER_KEY);
        IEvidence.Conflict memory c = _conflict(1);
        bytes memory forged = _signature(key, serving.receiptDigest(second ? c.second : c.first));
        if (second) c.secondSig = forged;
        else c.firstSig = forged;
        _commit(reporter, staking.conflictHash(c));
        vm.expectRevert(abi.encodeWithSelector(IEvidence.InvalidSignature.selector, signer, vm.addr(key)));
        vm.prank(reporter);
        staking.proveConflict(c, SALT);
    }

    /// P21: anything undecodable recovers to nobody, and nobody is no signer.
    function test_undecodableSignature() public {
        IEvidence.Conflict memory c = _conflict(1);
        c.firstSig = "";
        _commit(reporter, staking.conflictHash(c));
        vm.expectRevert(abi.encodeWithSelector(IEvidence.InvalidSignature.selector, signer, address(0)));
        vm.prank(reporter);
        staking.proveConflict(c, SALT);
    }

    function test_unknownBinding() public {
        IInferenceServing.RequestAuth memory auth = _auth(channelId, keccak256("none"), 1);
        IEvidence.Conflict memory c = _conflictBy(auth, SIGNER_KEY);
        vm.expectRevert(abi.encodeWithSelector(IEvidence.UnknownBinding.selector, auth.bindingId));
        staking.proveConflict(c, SALT);
    }

    /// Once for each authorisation, in whatever words.
    function test_onceForEachAuthorisation() public {
        IEvidence.Conflict memory c = _conflict(1);
        _proveConflict(reporter, c);
        c.second.outputTokens = 61;
        _sign(c, SIGNER_KEY);
        _expectConflictRefused(
            c, abi.encodeWithSelector(IEvidence.AlreadyProven.selector, bindingId, IEvidence.Kind.CONFLICT)
        );
    }

    /// A stolen key signs conflicts without end. They stop counting when what stood for the key could have left, and at once
    /// when the key is known to have leaked.
    function testFuzz_oneFaultIsNotPunishedForEver(uint256 wait) public {
        IEvidence.Conflict memory late = _conflict(2);
        _proveConflict(reporter, _conflict(1));
        uint256 latest = block.timestamp + 14 days;
        vm.warp(latest - staking.COMMIT_AGE());
        _commit(reporter, staking.conflictHash(late));
        uint256 snapshot = vm.snapshotState();
        vm.prank(reporter);
        staking.proveConflict(late, SALT);
        vm.assertEq(staking.slashable(bond), BOND / 4, "the last moment");
        vm.revertToState(snapshot);

        vm.warp(latest + _bound(wait, 1, 365 days));
        _commit(relayer, staking.conflictHash(late));
        vm.expectRevert(abi.encodeWithSelector(IEvidence.EvidenceTooLate.selector, latest, block.timestamp));
        vm.prank(relayer);
        staking.proveConflict(late, SALT);
        vm.assertEq(staking.slashable(bond), BOND / 2);
    }

    function test_leakedKeyProvesNoConflict() public {
        _proveLeakedKey(reporter);
        vm.prank(provider);
        staking.addStake{value: 1 ether}(bond);
        _expectConflictRefused(
            _conflict(1), abi.encodeWithSelector(IEvidence.KeyKnownLeaked.selector, signer)
        );
        vm.assertEq(staking.slashable(bond), 1 ether);
    }

    /// An empty bond does not save the binding.
    function test_emptyBondStillEndsTheBinding() public {
        vm.startPrank(provider);
        staking.requestUnstake(bond, uint128(BOND));
        vm.warp(START + 14 days);
        staking.completeUnstake(bond, relayer);
        vm.stopPrank();
        IEvidence.Conflict memory c = _conflict(1);
        _commit(reporter, staking.conflictHash(c));
        vm.expectEmit(address(staking));
        emit IRewards.Slashed(bond, reporter, address(0), 0, 0, 0, 0);
        vm.expectEmit(address(registry));
        emit IBindings.BindingRevoked(agentId, bindingId, address(staking));
        vm.prank(reporter);
        staking.proveConflict(c, SALT);
        vm.assertEq(staking.rewardOf(reporter), 0);
    }

    function _expectConflictRefused(IEvidence.Conflict memory c, bytes memory reason) private {
        _sign(c, SIGNER_KEY);
        _commit(reporter, staking.conflictHash(c));
        vm.expectRevert(reason);
        vm.prank(reporter);
        staking.proveConflict(c, SALT);
    }
}
