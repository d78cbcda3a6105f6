// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IComputeStaking} from "../../src/interfaces/IComputeStaking.sol";
import {ICases} from "../../src/interfaces/staking/ICases.sol";
import {IRewards} from "../../src/interfaces/staking/IRewards.sol";
import {StakingFixture} from "./StakingFixture.sol";

contract FinalizeTest is StakingFixture {
    uint256 private constant CASE_DEPOSIT = 0.01 ether;
    uint256 private constant APPEAL_DEPOSIT = 0.02 ether;

    function setUp() public override {
        super.setUp();
        _prepareCases(6);
    }

    function testFuzz_guilty(uint256 bps, uint256 guilty, uint256 innocent) public {
        bps = _bound(bps, 1, 1000);
        guilty = _bound(guilty, 2, 6);
        innocent = _bound(innocent, 0, 6 - guilty);
        vm.assume(guilty + innocent >= 3 && guilty * 3 >= (guilty + innocent) * 2);
        uint256 caseId = _decided(uint16(bps), guilty, innocent);
        _toFinal(caseId);
        uint256 asked = BOND * bps / 10_000;
        uint256 burnedBefore = address(0).balance;

        vm.expectEmit(address(staking));
        emit IRewards.Credited(accuser, CASE_DEPOSIT);
        vm.expectEmit(address(staking));
        emit IRewards.Slashed(bond, accuser, address(0), asked, 0, asked / 10, asked - asked / 10);
        vm.expectEmit(address(staking));
        emit ICases.CaseFinalized(caseId, ICases.Outcome.SLASHED, asked);
        staking.finalize(caseId);

        _requireState(caseId, ICases.CaseState.FINAL);
        vm.assertEq(staking.slashable(bond), BOND - asked);
        vm.assertEq(staking.frozenOf(bond), 0);
        vm.assertEq(staking.rewardOf(accuser), CASE_DEPOSIT + asked / 10);
        vm.assertEq(address(0).balance - burnedBefore, asked - asked / 10);
        for (uint256 i = 0; i < 6; ++i) {
            vm.assertEq(staking.rewardOf(guardians[i]), 0, "voting is no business");
        }
    }

    function test_dismissedByVote() public {
        uint256 caseId = _decided(1000, 1, 2);
        _toFinal(caseId);
        vm.expectEmit(address(staking));
        emit IRewards.Credited(provider, CASE_DEPOSIT);
        vm.expectEmit(address(staking));
        emit ICases.CaseFinalized(caseId, ICases.Outcome.DISMISSED, 0);
        staking.finalize(caseId);
        vm.assertEq(staking.rewardOf(accuser), 0);
        vm.assertEq(staking.slashable(bond), BOND);
    }

    /// R11: who has to prove gains nothing from silence. As soon as voting ends, without an appeal window.
    function test_timeout_not_for_prover() public {
        uint256 caseId = _decided(1000, 2, 0);
        vm.expectEmit(address(staking));
        emit ICases.CaseFinalized(caseId, ICases.Outcome.NO_QUORUM, 0);
        staking.finalize(caseId);
        vm.assertEq(staking.rewardOf(accuser), CASE_DEPOSIT, "nobody judged it");
        vm.assertEq(staking.slashable(bond), BOND);
    }

    /// P29: whatever the two panels say, all the money that went in comes out on one side or the other.
    function test_every_outcome_pays_out(uint256 first, uint256 second, bool appealed, bool late) public {
        uint256 before = address(staking).balance;
        uint256 guilty = first % 4;
        uint256 caseId = _decided(1000, guilty, first % 8 < 4 ? 3 - guilty : 0);
        (, ICases.Case memory c) = staking.caseOf(caseId);
        bool quorum = c.guilty[0] + c.innocent[0] >= 3;
        bool verdict = c.guilty[0] * 3 >= (c.guilty[0] + c.innocent[0]) * 2;
        appealed = appealed && quorum;
        if (appealed) {
            _appeal(caseId, verdict ? provider : accuser);
            guilty = second % 7;
            _votes(caseId, guilty, second % 14 < 7 ? 6 - guilty : 0);
        }
        vm.warp(_opened(caseId) + (late ? 14 days : 11 days));
        uint256 burnedBefore = address(0).balance;
        staking.finalize(caseId);

        uint256 slashed = BOND - staking.slashable(bond);
        uint256 credited = staking.rewardOf(accuser) + staking.rewardOf(provider);
        vm.assertEq(
            credited, CASE_DEPOSIT + (appealed ? APPEAL_DEPOSIT : 0) + slashed / 10, "deposits are whole"
        );
        vm.assertEq(address(0).balance - burnedBefore, slashed - slashed / 10);
        vm.assertEq(address(staking).balance, before - slashed + credited);
        vm.assertTrue(slashed == 0 || slashed == BOND / 10);
        vm.assertEq(slashed != 0, _outcome(caseId) == ICases.Outcome.SLASHED);
        vm.expectRevert(
            abi.encodeWithSelector(ICases.WrongCaseState.selector, caseId, ICases.CaseState.FINAL)
        );
        staking.finalize(caseId);
    }

    /// The accused appealed and lost again: both deposits are the accuser's.
    function test_appealLostByAccused() public {
        uint256 caseId = _decided(1000, 3, 0);
        _appeal(caseId, provider);
        _votes(caseId, 4, 0);
        vm.warp(block.timestamp + 3 days);
        staking.finalize(caseId);
        vm.assertEq(uint256(_outcome(caseId)), uint256(ICases.Outcome.SLASHED));
        vm.assertEq(staking.rewardOf(accuser), CASE_DEPOSIT + APPEAL_DEPOSIT + BOND / 10 / 10);
        vm.assertEq(staking.rewardOf(provider), 0);
    }

    /// The accused appealed and won: its deposit is back, and the accuser's with it.
    function test_appealWonByAccused() public {
        uint256 caseId = _decided(1000, 3, 0);
        _appeal(caseId, provider);
        _votes(caseId, 3, 2);
        vm.warp(block.timestamp + 3 days);
        staking.finalize(caseId);
        vm.assertEq(uint256(_outcome(caseId)), uint256(ICases.Outcome.DISMISSED));
        vm.assertEq(staking.rewardOf(provider), CASE_DEPOSIT + APPEAL_DEPOSIT);
        vm.assertEq(staking.rewardOf(accuser), 0);
        vm.assertEq(staking.slashable(bond), BOND);
    }

    /// The accuser appealed and lost again: both deposits are the accused's.
    function test_appealLostByAccuser() public {
        uint256 caseId = _decided(1000, 0, 3);
        _appeal(caseId, accuser);
        _votes(caseId, 1, 2);
        vm.warp(block.timestamp + 3 days);
        staking.finalize(caseId);
        vm.assertEq(staking.rewardOf(provider), CASE_DEPOSIT + APPEAL_DEPOSIT);
        vm.assertEq(staking.rewardOf(accuser), 0);
    }

    /// The accuser appealed and won.
    function test_appealWonByAccuser() public {
        uint256 caseId = _decided(1000, 0, 3);
        _appeal(caseId, accuser);
        _votes(caseId, 3, 1);
        vm.warp(block.timestamp + 3 days);
        staking.finalize(caseId);
        vm.assertEq(uint256(_outcome(caseId)), uint256(ICases.Outcome.SLASHED));
        vm.assertEq(staking.rewardOf(accuser), CASE_DEPOSIT + APPEAL_DEPOSIT + BOND / 10 / 10);
    }

    /// An appeal that too few came to changes nothing and costs nothing.
    function testFuzz_appealWithoutQuorum(bool guilty) public {
        uint256 caseId = guilty ? _decided(1000, 3, 0) : _decided(1000, 0, 3);
        address loser = guilty ? provider : accuser;
        _appeal(caseId, loser);
        vm.warp(block.timestamp + 3 days);
        staking.finalize(caseId);
        vm.assertEq(staking.rewardOf(loser), APPEAL_DEPOSIT, "nobody judged it");
        vm.assertEq(staking.slashable(bond), guilty ? BOND - BOND / 10 : BOND);
    }

    function testFuzz_notBeforeItIsSettled(uint256 wait, bool appealed) public {
        uint256 caseId = _openCase(1000);
        _expectWrongState(caseId, ICases.CaseState.OPENED);
        _toVoting(caseId);
        _expectWrongState(caseId, ICases.CaseState.VOTING);
        _votes(caseId, 3, 0);
        _toDecided(caseId);
        if (appealed) _appeal(caseId, provider);
        uint256 finalAt = block.timestamp + 3 days;
        vm.warp(block.timestamp + _bound(wait, 0, 3 days - 1));
        vm.expectRevert(abi.encodeWithSelector(ICases.NotFinalYet.selector, finalAt, block.timestamp));
        staking.finalize(caseId);
        _expectWrongState(caseId + 1, ICases.CaseState.NONE);
    }

    /// A verdict that nobody executed lapses with the freeze: deposits go back, nobody is slashed for an old story.
    function testFuzz_lapses(uint256 wait, bool appealed) public {
        uint256 caseId = _decided(1000, 3, 0);
        if (appealed) {
            _appeal(caseId, provider);
            _votes(caseId, 6, 0);
        }
        vm.warp(_opened(caseId) + 14 days + _bound(wait, 0, 365 days));
        staking.finalize(caseId);
        vm.assertEq(uint256(_outcome(caseId)), uint256(ICases.Outcome.LAPSED));
        vm.assertEq(staking.slashable(bond), BOND);
        vm.assertEq(staking.rewardOf(accuser), CASE_DEPOSIT);
        vm.assertEq(staking.rewardOf(provider), appealed ? APPEAL_DEPOSIT : 0);
    }

    /// Not guilty stays not guilty, however late.
    function test_acquittalDoesNotLapse() public {
        uint256 caseId = _decided(1000, 0, 3);
        vm.warp(_opened(caseId) + 30 days);
        staking.finalize(caseId);
        vm.assertEq(staking.rewardOf(provider), CASE_DEPOSIT);
    }

    /// K1: a tenth in a case, a fifth in thirty days, however many cases there are, and again a fifth later.
    function testFuzz_periodCap(uint256 count, uint256 gap) public {
        count = _bound(count, 3, 6);
        gap = _bound(gap, 0, 1 days);
        uint256[] memory ids = new uint256[](count);
        for (uint256 i = 0; i < count; ++i) {
            ids[i] = _openCaseBy(accuser, bond, 1000, keccak256(abi.encode(i)));
            vm.warp(block.timestamp + gap);
        }
        _toVotingOfAll(ids);
        for (uint256 i = 0; i < count; ++i) {
            vm.warp(_opened(ids[i]) + 8 days);
            staking.finalize(ids[i]);
        }
        vm.assertEq(staking.slashable(bond), BOND - BOND / 5);

        // Whatever happens within thirty days of the last slash takes no more.
        uint256 caseId = _decidedAgain(1, 3);
        vm.assertEq(staking.slashable(bond), BOND - BOND / 5);
        vm.assertEq(
            uint256(_outcome(caseId)), uint256(ICases.Outcome.SLASHED), "guilty, but the cap is used up"
        );
        vm.warp(block.timestamp + 40 days);
        _decidedAgain(2, 3);
        vm.assertEq(staking.slashable(bond), BOND - BOND / 5 - (BOND - BOND / 5) / 10);
    }

    /// What was taken within the period counts where the bond is smaller by it: a fifth of what there was.
    function test_periodCapCountsFromTheWholeBond() public {
        uint256 first = _openCaseBy(accuser, bond, 1000, keccak256("a"));
        _toVoting(first);
        _votes(first, 3, 0);
        _toFinal(first);
        staking.finalize(first);
        uint256 second = _openCaseBy(accuser, bond, 1000, keccak256("b"));
        (, ICases.Case memory c) = staking.caseOf(second);
        vm.assertEq(c.base, BOND);
        vm.assertEq(c.asked, BOND * 9 / 100);
    }

    /// What is unfrozen in time cannot be taken out by the accused in the meantime.
    function test_exitDuringTheCase() public {
        vm.prank(provider);
        staking.requestUnstake(bond, uint128(BOND));
        vm.warp(block.timestamp + 10 days);
        uint256 caseId = _openCase(1000);
        _toVoting(caseId);
        _votes(caseId, 3, 0);
        vm.warp(_opened(caseId) + 4 days);
        vm.prank(provider);
        staking.completeUnstake(bond, relayer);
        vm.assertEq(staking.slashable(bond), BOND / 10);
        _toFinal(caseId);
        staking.finalize(caseId);
        vm.assertEq(staking.slashable(bond), 0, "all that was asked for");
    }

    /// I11: evidence came first and left less than what is asked for.
    function test_neverMoreThanThereIs() public {
        uint256 caseId = _decided(1000, 3, 0);
        _proveLeakedKey(reporter);
        _toFinal(caseId);
        vm.expectEmit(address(staking));
        emit ICases.CaseFinalized(caseId, ICases.Outcome.SLASHED, 0);
        staking.finalize(caseId);
        vm.assertEq(staking.slashable(bond), 0);
    }

    /// A guardian that is slashed sits no more.
    function test_slashedGuardianLosesItsSeat() public {
        bytes32 id = _bondId(IComputeStaking.Role.GUARDIAN, 0, _guardian(5));
        uint256 caseId = _openCaseBy(accuser, id, 1000, REPORT);
        _toVoting(caseId);
        _votes(caseId, 3, 0);
        _toFinal(caseId);
        vm.expectEmit(address(staking));
        emit IComputeStaking.GuardianSet(_guardian(5), false);
        staking.finalize(caseId);
        vm.assertEq(staking.guardianCount(), 5);
        vm.assertEq(staking.slashable(id), 0.9 ether);
    }

    /// Cases of one bond end in any order, and the freeze is always that of those which are left.
    function testFuzz_anyOrder(uint256 seed) public {
        uint256[] memory ids = new uint256[](4);
        for (uint256 i = 0; i < 4; ++i) {
            ids[i] = _openCaseBy(accuser, bond, 100, keccak256(abi.encode(i)));
        }
        _toDecided(ids[3]);
        for (uint256 left = 4; left > 0; --left) {
            vm.assertEq(staking.frozenOf(bond), BOND * left / 100);
            uint256 pick = seed % left;
            seed /= left;
            staking.finalize(ids[pick]);
            ids[pick] = ids[left - 1];
        }
        vm.assertEq(staking.frozenOf(bond), 0);
        _openCase(100);
        vm.assertEq(staking.frozenOf(bond), BOND / 100);
    }

    function _toVotingOfAll(uint256[] memory ids) private {
        for (uint256 i = 0; i < ids.length; ++i) {
            uint256 voting = _opened(ids[i]) + 48 hours;
            if (block.timestamp < voting) vm.warp(voting);
        }
        for (uint256 i = 0; i < ids.length; ++i) {
            if (block.timestamp < _opened(ids[i]) + 5 days) _votes(ids[i], 3, 0);
        }
    }

    function _decidedAgain(uint256 n, uint256 guilty) private returns (uint256 caseId) {
        caseId = _openCaseBy(accuser, bond, 1000, keccak256(abi.encode("again", n)));
        _toVoting(caseId);
        _votes(caseId, guilty, 0);
        _toFinal(caseId);
        staking.finalize(caseId);
    }

    function _expectWrongState(uint256 caseId, ICases.CaseState state) private {
        vm.expectRevert(abi.encodeWithSelector(ICases.WrongCaseState.selector, caseId, state));
        staking.finalize(caseId);
    }
}
