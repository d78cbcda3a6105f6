// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IComputeStaking} from "../../src/interfaces/IComputeStaking.sol";
import {ICases} from "../../src/interfaces/staking/ICases.sol";
import {StakingFixture} from "./StakingFixture.sol";

contract VoteTest is StakingFixture {
    function testFuzz_countsEachSideOnce(uint256 guilty, uint256 innocent) public {
        _prepareCases(6);
        guilty = _bound(guilty, 0, 3);
        innocent = _bound(innocent, 0, 3);
        uint256 caseId = _openCase(1000);
        _toVoting(caseId);
        _requireState(caseId, ICases.CaseState.VOTING);
        for (uint256 i = 0; i < guilty + innocent; ++i) {
            vm.expectEmit(address(staking));
            emit ICases.Voted(caseId, guardians[i], 0, i < guilty);
            vm.prank(guardians[i]);
            staking.vote(caseId, i < guilty);
            vm.expectRevert(abi.encodeWithSelector(ICases.AlreadyVoted.selector, caseId, guardians[i]));
            vm.prank(guardians[i]);
            staking.vote(caseId, i >= guilty);
        }
        (, ICases.Case memory c) = staking.caseOf(caseId);
        vm.assertEq(c.guilty[0], guilty);
        vm.assertEq(c.innocent[0], innocent);
    }

    /// K16
    function test_vote_eligibility(uint256 late) public {
        _prepareCases(5);
        late = _bound(late, 0, 7 days - 1);
        // Bonded less than a week before the case: not one second of it is given.
        address young = _guardian(100);
        vm.deal(young, 1 ether);
        vm.prank(young);
        staking.stakeAsGuardian{value: 1 ether}();
        uint256 youngSince = block.timestamp;
        vm.warp(youngSince + late);
        _stakeUser(_guardian(1));
        // The accuser is a guardian, the accused becomes one.
        vm.deal(provider, 10 ether);
        vm.prank(provider);
        staking.stakeAsGuardian{value: 1 ether}();
        uint256 caseId = _openCaseBy(_guardian(0), bond, 1000, REPORT);
        _toVoting(caseId);

        _expectRefused(caseId, _guardian(0), _party(caseId, _guardian(0)));
        _expectRefused(caseId, provider, _party(caseId, provider));
        _expectRefused(caseId, young, abi.encodeWithSelector(ICases.NotEligible.selector, young, youngSince));
        _expectRefused(caseId, attacker, abi.encodeWithSelector(ICases.NotEligible.selector, attacker, 0));
        _expectRefused(caseId, user, abi.encodeWithSelector(ICases.NotEligible.selector, user, 0));

        // One who is leaving does not judge, and coming back is coming anew.
        address leaving = _guardian(1);
        bytes32 id = _bondId(IComputeStaking.Role.GUARDIAN, 0, leaving);
        vm.prank(leaving);
        staking.requestUnstake(id, 1 ether);
        _expectRefused(caseId, leaving, abi.encodeWithSelector(ICases.NotEligible.selector, leaving, 0));
        vm.prank(leaving);
        staking.cancelUnstake(id);
        _expectRefused(
            caseId, leaving, abi.encodeWithSelector(ICases.NotEligible.selector, leaving, block.timestamp)
        );

        for (uint256 i = 2; i < 5; ++i) {
            vm.prank(_guardian(i));
            staking.vote(caseId, true);
        }
    }

    /// A week to the second is enough.
    function test_weekToTheSecond() public {
        _seatGuardians(3);
        _stakeUser(accuser);
        vm.warp(START + 7 days - 1);
        uint256 early = _openCase(1000);
        vm.warp(START + 7 days);
        uint256 caseId = _openCaseBy(accuser, bond, 1000, keccak256("next"));
        _toVoting(caseId);
        _votes(caseId, 3, 0);
        _expectRefused(
            early, _guardian(0), abi.encodeWithSelector(ICases.NotEligible.selector, _guardian(0), START)
        );
    }

    /// K1: one guardian, or as many as are no quorum, or less than two thirds, move nothing.
    function test_single_guardian_powerless(uint256 guilty, uint256 innocent) public {
        _prepareCases(6);
        guilty = _bound(guilty, 0, 6);
        innocent = _bound(innocent, 0, 6 - guilty);
        vm.assume(guilty + innocent < 3 || guilty * 3 < (guilty + innocent) * 2);
        uint256 caseId = _decided(1000, guilty, innocent);
        _toFinal(caseId);
        staking.finalize(caseId);
        vm.assertTrue(_outcome(caseId) != ICases.Outcome.SLASHED);
        vm.assertEq(staking.slashable(bond), BOND);
        vm.assertEq(staking.frozenOf(bond), 0);

        // Nothing that a guardian can call by itself touches a bond.
        bytes[5] memory calls = [
            abi.encodeCall(staking.requestUnstake, (bond, uint128(1))),
            abi.encodeCall(staking.completeUnstake, (bond, guardians[0])),
            abi.encodeCall(staking.cancelUnstake, (bond)),
            abi.encodeCall(staking.vote, (caseId, true)),
            abi.encodeCall(staking.finalize, (caseId))
        ];
        for (uint256 i = 0; i < calls.length; ++i) {
            vm.prank(guardians[0]);
            (bool success,) = address(staking).call(calls[i]);
            vm.assertFalse(success);
        }
    }

    function testFuzz_onlyWhileVoting(uint256 wait) public {
        _prepareCases(3);
        uint256 caseId = _openCase(1000);
        uint256 opened = _opened(caseId);
        wait = _bound(wait, 0, 20 days);
        vm.warp(opened + wait);
        bool open = wait >= 48 hours && wait < 5 days;
        if (!open) {
            vm.expectRevert(
                abi.encodeWithSelector(
                    ICases.WrongCaseState.selector,
                    caseId,
                    wait < 48 hours ? ICases.CaseState.OPENED : ICases.CaseState.DECIDED
                )
            );
        }
        vm.prank(_guardian(0));
        staking.vote(caseId, true);
        (, ICases.Case memory c) = staking.caseOf(caseId);
        vm.assertEq(c.guilty[0], open ? 1 : 0);
    }

    function test_unknownCase() public {
        _expectRefused(
            3, attacker, abi.encodeWithSelector(ICases.WrongCaseState.selector, 3, ICases.CaseState.NONE)
        );
    }

    function _party(uint256 caseId, address who) private pure returns (bytes memory) {
        return abi.encodeWithSelector(ICases.PartyCannotVote.selector, caseId, who);
    }

    function _expectRefused(uint256 caseId, address who, bytes memory reason) private {
        vm.expectRevert(reason);
        vm.prank(who);
        staking.vote(caseId, true);
    }
}
