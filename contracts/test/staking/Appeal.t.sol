// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICases} from "../../src/interfaces/staking/ICases.sol";
import {StakingFixture} from "./StakingFixture.sol";

contract AppealTest is StakingFixture {
    uint256 private constant DEPOSIT_OF_CASE = 0.01 ether;

    function setUp() public override {
        super.setUp();
        _prepareCases(6);
    }

    /// The loser, whoever it is, with twice the accuser's deposit.
    function testFuzz_byTheLoser(bool guilty, uint256 wait, uint256 extra) public {
        uint256 caseId = guilty ? _decided(1000, 3, 0) : _decided(1000, 0, 3);
        address loser = guilty ? provider : accuser;
        address winner = guilty ? accuser : provider;
        vm.warp(block.timestamp + _bound(wait, 0, 3 days - 1));
        uint256 deposit = 2 * DEPOSIT_OF_CASE + _bound(extra, 0, 1 ether);
        vm.deal(winner, 10 ether);
        vm.deal(loser, 10 ether);

        vm.expectRevert(abi.encodeWithSelector(ICases.NotLoser.selector, caseId, loser));
        vm.prank(winner);
        staking.appeal{value: deposit}(caseId);

        vm.startPrank(loser);
        vm.expectRevert(
            abi.encodeWithSelector(
                ICases.DepositTooSmall.selector, 2 * DEPOSIT_OF_CASE, 2 * DEPOSIT_OF_CASE - 1
            )
        );
        staking.appeal{value: 2 * DEPOSIT_OF_CASE - 1}(caseId);
        vm.expectEmit(address(staking));
        emit ICases.CaseAppealed(caseId, loser, deposit);
        staking.appeal{value: deposit}(caseId);
        _requireState(caseId, ICases.CaseState.APPEALED);
        (, ICases.Case memory c) = staking.caseOf(caseId);
        vm.assertEq(c.appellant, loser);
        vm.assertEq(c.appealDeposit, deposit);

        vm.expectRevert(
            abi.encodeWithSelector(ICases.WrongCaseState.selector, caseId, ICases.CaseState.APPEALED)
        );
        staking.appeal{value: deposit}(caseId);
        vm.stopPrank();
    }

    function testFuzz_onlyInTheWindow(uint256 wait) public {
        uint256 caseId = _decided(1000, 3, 0);
        wait = _bound(wait, 3 days, 30 days);
        uint256 closedAt = block.timestamp + 3 days;
        vm.warp(block.timestamp + wait);
        vm.expectRevert(abi.encodeWithSelector(ICases.AppealClosed.selector, closedAt, block.timestamp));
        vm.prank(provider);
        staking.appeal{value: 1 ether}(caseId);
    }

    /// An accuser who deposits a fortune does not make the accused's appeal dearer.
    function test_inflated_deposit_does_not_price_out_the_appeal(uint256 extra, uint16 bps) public {
        vm.deal(provider, 100 ether);
        vm.prank(provider);
        staking.addStake{value: 9 ether}(bond);
        bps = uint16(_bound(bps, 1, 1000));
        uint256 needed = staking.caseDepositOf(bond, bps);
        uint256 deposit = needed + _bound(extra, 1, 1000 ether);
        vm.deal(accuser, deposit);
        vm.prank(accuser);
        uint256 caseId = staking.openCase{value: deposit}(bond, bps, REPORT, "");
        _toVoting(caseId);
        _votes(caseId, 3, 0);
        _toDecided(caseId);

        vm.startPrank(provider);
        vm.expectRevert(abi.encodeWithSelector(ICases.DepositTooSmall.selector, 2 * needed, 2 * needed - 1));
        staking.appeal{value: 2 * needed - 1}(caseId);
        staking.appeal{value: 2 * needed}(caseId);
        vm.stopPrank();
        _requireState(caseId, ICases.CaseState.APPEALED);
    }

    function test_nothingToAppealBeforeOrWithoutAVerdict() public {
        uint256 caseId = _openCase(1000);
        vm.startPrank(provider);
        vm.expectRevert(
            abi.encodeWithSelector(ICases.WrongCaseState.selector, caseId, ICases.CaseState.OPENED)
        );
        staking.appeal{value: 1 ether}(caseId);
        vm.stopPrank();
        _toDecided(caseId);
        vm.expectRevert(
            abi.encodeWithSelector(ICases.AppealClosed.selector, _opened(caseId) + 8 days, block.timestamp)
        );
        vm.prank(accuser);
        staking.appeal{value: 1 ether}(caseId);
    }

    /// All who could vote before can vote again, and otherwise than before; who could not still cannot.
    function test_secondPanelIsTheWholeBody() public {
        uint256 caseId = _decided(1000, 3, 0);
        _appeal(caseId, provider);
        vm.expectEmit(address(staking));
        emit ICases.Voted(caseId, guardians[0], 1, false);
        _votes(caseId, 0, 6);
        vm.expectRevert(abi.encodeWithSelector(ICases.AlreadyVoted.selector, caseId, guardians[0]));
        vm.prank(guardians[0]);
        staking.vote(caseId, false);
        vm.expectRevert(abi.encodeWithSelector(ICases.PartyCannotVote.selector, caseId, provider));
        vm.prank(provider);
        staking.vote(caseId, false);
        (, ICases.Case memory c) = staking.caseOf(caseId);
        vm.assertEq(c.innocent[1], 6);
        vm.assertEq(c.guilty[0], 3, "the first vote is on record");
    }

    function test_secondVoteEnds() public {
        uint256 caseId = _decided(1000, 3, 0);
        _appeal(caseId, provider);
        vm.warp(block.timestamp + 3 days - 1);
        _votes(caseId, 0, 1);
        vm.warp(block.timestamp + 1);
        vm.expectRevert(
            abi.encodeWithSelector(ICases.WrongCaseState.selector, caseId, ICases.CaseState.APPEALED)
        );
        vm.prank(guardians[1]);
        staking.vote(caseId, false);
    }

    /// A minority that held back its votes is not the second panel: with fewer votes than the first it changes nothing.
    function testFuzz_minorityOverturnsNothing(uint256 votes, bool guilty) public {
        uint256 caseId = guilty ? _decided(1000, 4, 0) : _decided(1000, 0, 4);
        _appeal(caseId, guilty ? provider : accuser);
        votes = _bound(votes, 0, 3);
        for (uint256 i = 0; i < votes; ++i) {
            vm.prank(guardians[5 - i]);
            staking.vote(caseId, !guilty);
        }
        vm.warp(block.timestamp + 3 days);
        staking.finalize(caseId);
        vm.assertEq(
            uint256(_outcome(caseId)), uint256(guilty ? ICases.Outcome.SLASHED : ICases.Outcome.DISMISSED)
        );
    }
}
