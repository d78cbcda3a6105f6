// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IComputeStaking} from "../../src/interfaces/IComputeStaking.sol";
import {ICases} from "../../src/interfaces/staking/ICases.sol";
import {StakingFixture} from "./StakingFixture.sol";

contract OpenCaseTest is StakingFixture {
    function testFuzz_records(uint256 count, uint256 bps, uint256 add, bytes32 evidenceHash) public {
        vm.assume(evidenceHash != 0);
        count = _bound(count, 3, 12);
        bps = _bound(bps, 1, 1000);
        add = _bound(add, 1, 5 ether);
        vm.prank(provider);
        staking.addStake{value: add}(bond);
        _prepareCases(count);
        uint128 asked = uint128((BOND + add) * bps / 10_000);
        uint256 deposit = asked > 0.01 ether ? asked : 0.01 ether;
        vm.assertEq(staking.caseDepositOf(bond, uint16(bps)), deposit);
        uint32 quorum = uint32(count < 6 ? 3 : (count + 1) / 2);

        vm.expectEmit(address(staking));
        emit ICases.CaseOpened(1, bond, accuser, asked, deposit, quorum, evidenceHash, "ipfs://report");
        uint256 caseId = _openCaseBy(accuser, bond, uint16(bps), evidenceHash);

        vm.assertEq(caseId, 1);
        vm.assertEq(staking.caseCount(), 1);
        _requireState(1, ICases.CaseState.OPENED);
        _requireState(2, ICases.CaseState.NONE);
        (, ICases.Case memory c) = staking.caseOf(1);
        vm.assertEq(c.bondId, bond);
        vm.assertEq(c.accuser, accuser);
        vm.assertEq(c.openedAt, block.timestamp);
        vm.assertEq(c.asked, asked);
        vm.assertEq(c.base, BOND + add);
        vm.assertEq(c.deposit, deposit);
        vm.assertEq(c.quorum, quorum);
        vm.assertEq(staking.frozenOf(bond), asked);
        vm.assertEq(staking.slashable(bond), BOND + add, "a charge takes nothing");
    }

    /// A deposit above the smallest is at risk as a whole.
    function test_depositMayBeMore() public {
        _prepareCases(3);
        vm.deal(accuser, 1 ether);
        vm.prank(accuser);
        staking.openCase{value: 0.5 ether}(bond, 1000, REPORT, "");
        (, ICases.Case memory c) = staking.caseOf(1);
        vm.assertEq(c.deposit, 0.5 ether);
    }

    /// K2: a case about nothing is no case, and what a case freezes ends by itself.
    function test_zero_slash_cannot_freeze(uint256 bps) public {
        _prepareCases(3);
        vm.deal(accuser, 1 ether);
        vm.startPrank(accuser);
        vm.expectRevert(abi.encodeWithSelector(ICases.BpsOutOfBounds.selector, 1000, 0));
        staking.openCase{value: 1 ether}(bond, 0, REPORT, "");
        bps = _bound(bps, 1001, type(uint16).max);
        vm.expectRevert(abi.encodeWithSelector(ICases.BpsOutOfBounds.selector, 1000, bps));
        staking.openCase{value: 1 ether}(bond, uint16(bps), REPORT, "");
        vm.stopPrank();
        vm.assertEq(staking.frozenOf(bond), 0);

        uint256 caseId = _openCase(1);
        vm.assertEq(staking.frozenOf(bond), BOND / 10_000);
        vm.warp(_opened(caseId) + 14 days - 1);
        vm.assertEq(staking.frozenOf(bond), BOND / 10_000);
        vm.warp(_opened(caseId) + 14 days);
        vm.assertEq(staking.frozenOf(bond), 0, "ends by itself");
    }

    /// However many cases are open, they freeze a fifth: more they could not take.
    function testFuzz_freezeIsBounded(uint256 count) public {
        _prepareCases(3);
        count = _bound(count, 2, 8);
        for (uint256 i = 0; i < count; ++i) {
            _openCaseBy(accuser, bond, 1000, keccak256(abi.encode(i)));
        }
        vm.assertEq(staking.frozenOf(bond), BOND / 5);
    }

    /// The limit grows with the bond while cases are open, and is set anew when none is.
    function test_freezeLimitFollowsTheBond() public {
        _prepareCases(3);
        for (uint256 i = 0; i < 3; ++i) {
            _openCaseBy(accuser, bond, 1000, keccak256(abi.encode(i)));
        }
        vm.prank(provider);
        staking.addStake{value: 0.9 ether}(bond);
        vm.assertEq(staking.frozenOf(bond), BOND / 5);
        _openCaseBy(accuser, bond, 1, keccak256("x"));
        vm.assertEq(staking.frozenOf(bond), 0.03 ether + 0.0001 ether, "all that is asked");

        vm.prank(provider);
        staking.requestUnstake(bond, 0.9 ether);
        vm.warp(block.timestamp + 14 days);
        vm.prank(provider);
        staking.completeUnstake(bond, relayer);
        _openCaseBy(accuser, bond, 1000, keccak256("y"));
        vm.assertEq(staking.frozenOf(bond), BOND / 5, "the stale ones ask, but the limit is new");
    }

    /// K13: what could leave today is not held by a case of today, so no chain of cases holds a bond longer than CASE_MAX after
    /// its day.
    function testFuzz_noChainOfFreezes(uint256 step) public {
        step = _bound(step, 1 hours, 5 days);
        _prepareCases(3);
        vm.prank(provider);
        staking.requestUnstake(bond, uint128(BOND));
        uint256 unlockAt = block.timestamp + 14 days;
        uint256 n;
        while (block.timestamp < unlockAt + 13 days) {
            _openCaseBy(accuser, bond, 1000, keccak256(abi.encode(++n)));
            vm.warp(block.timestamp + step);
        }
        vm.warp(unlockAt + 14 days);
        vm.assertEq(staking.frozenOf(bond), 0);
        vm.prank(provider);
        staking.completeUnstake(bond, relayer);
        vm.assertEq(relayer.balance, BOND);
    }

    /// K15: one report for each deal; a second one only where the first was not judged.
    function test_report_once_per_deal(bytes32 other) public {
        vm.assume(other != REPORT && other != 0);
        _prepareCases(3);
        uint256 caseId = _openCase(1000);
        bytes memory refused = abi.encodeWithSelector(ICases.AlreadyReported.selector, bond, REPORT);
        _expectOpenRefused(accuser, 1000, REPORT, refused);
        _stakeUser(attacker);
        _expectOpenRefused(attacker, 1, REPORT, refused);
        _openCaseBy(accuser, bond, 1000, other);

        // Another bond is another deal.
        vm.deal(relayer, 1 ether);
        vm.prank(relayer);
        bytes32 second = staking.stakeAsProvider{value: BOND}(77);
        _openCaseBy(accuser, second, 1000, REPORT);

        _toDecided(caseId);
        staking.finalize(caseId);
        vm.assertEq(uint256(_outcome(caseId)), uint256(ICases.Outcome.NO_QUORUM));
        caseId = _openCase(1000);
        _toVoting(caseId);
        _votes(caseId, 0, 3);
        _toFinal(caseId);
        staking.finalize(caseId);
        _expectOpenRefused(accuser, 1000, REPORT, refused);
    }

    function test_onlyWhoHasABond() public {
        _prepareCases(3);
        bytes memory refused = abi.encodeWithSelector(ICases.NotBondedAccuser.selector, attacker);
        _expectOpenRefused(attacker, 1000, REPORT, refused);
        _stakeUser(attacker);
        bytes32 id = _bondId(IComputeStaking.Role.USER, 0, attacker);
        vm.prank(attacker);
        staking.requestUnstake(id, 0.01 ether);
        _expectOpenRefused(attacker, 1000, REPORT, refused);
        vm.prank(attacker);
        staking.cancelUnstake(id);
        _openCaseBy(attacker, bond, 1000, REPORT);
    }

    function test_notAgainstOneself() public {
        _prepareCases(3);
        _stakeUser(provider);
        _expectOpenRefused(
            provider, 1000, REPORT, abi.encodeWithSelector(ICases.AccuserIsAccused.selector, provider)
        );
    }

    function test_reverts() public {
        _prepareCases(3);
        vm.deal(accuser, 1 ether);
        vm.startPrank(accuser);
        vm.expectRevert(abi.encodeWithSelector(IComputeStaking.UnknownBond.selector, bytes32(0)));
        staking.openCase{value: 1 ether}(0, 1000, REPORT, "");
        vm.expectRevert(abi.encodeWithSelector(ICases.EvidenceHashZero.selector));
        staking.openCase{value: 1 ether}(bond, 1000, 0, "");
        vm.expectRevert(abi.encodeWithSelector(ICases.DepositTooSmall.selector, 0.01 ether, 0.01 ether - 1));
        staking.openCase{value: 0.01 ether - 1}(bond, 1000, REPORT, "");
        vm.expectRevert(abi.encodeWithSelector(ICases.UriLength.selector, 257, 256));
        staking.openCase{value: 1 ether}(bond, 1000, REPORT, string(new bytes(257)));
        vm.stopPrank();

        _proveLeakedKey(reporter);
        _expectOpenRefused(
            accuser, 1000, REPORT, abi.encodeWithSelector(ICases.NothingAtStake.selector, bond)
        );
    }

    /// K16: with fewer than three who could judge there are no cases.
    function test_tooFewGuardians() public {
        _prepareCases(2);
        _expectOpenRefused(accuser, 1000, REPORT, _tooFew(2));
        vm.deal(accuser, 10 ether);
        vm.prank(accuser);
        staking.stakeAsGuardian{value: 1 ether}();
        _expectOpenRefused(accuser, 1000, REPORT, _tooFew(2));
        vm.warp(block.timestamp + 7 days);
        vm.assertEq(staking.eligibleGuardians(user, provider), 3);
        _expectOpenRefused(accuser, 1000, REPORT, _tooFew(2));
        _stakeUser(user);
        _openCaseBy(user, bond, 1000, REPORT);
    }

    /// Accuser and accused are not counted; who came lately is not; who left is not.
    function test_eligibleGuardians() public {
        _prepareCases(5);
        vm.assertEq(staking.eligibleGuardians(accuser, provider), 5);
        vm.assertEq(staking.eligibleGuardians(_guardian(0), provider), 4);
        vm.assertEq(staking.eligibleGuardians(_guardian(0), _guardian(1)), 3);
        vm.assertEq(staking.eligibleGuardians(_guardian(0), _guardian(0)), 4);

        vm.deal(user, 10 ether);
        vm.prank(user);
        bytes32 id = staking.stakeAsGuardian{value: 1 ether}();
        vm.assertEq(staking.guardianCount(), 6);
        vm.assertEq(staking.eligibleGuardians(accuser, provider), 5, "not yet");
        vm.assertEq(staking.eligibleGuardians(user, provider), 5, "not yet, so not less");
        vm.warp(block.timestamp + 7 days);
        vm.assertEq(staking.eligibleGuardians(accuser, provider), 6);
        vm.prank(user);
        staking.requestUnstake(id, 1 ether);
        vm.assertEq(staking.eligibleGuardians(accuser, provider), 5, "left");
    }

    /// A guardian is accused like anybody else, and does not judge.
    function test_guardianAccused() public {
        _prepareCases(5);
        bytes32 id = _bondId(IComputeStaking.Role.GUARDIAN, 0, _guardian(0));
        uint256 caseId = _openCaseBy(_guardian(1), id, 1000, REPORT);
        (, ICases.Case memory c) = staking.caseOf(caseId);
        vm.assertEq(c.asked, 0.1 ether);
        vm.assertEq(c.quorum, 3);
    }

    /// Seniority is counted in days: within a day of it a guardian raises the quorum, and does not vote.
    function testFuzz_countedOneDayEarlyAtMost(uint256 wait) public {
        _seatGuardians(3);
        wait = _bound(wait, 0, 9 days);
        vm.warp(START + wait);
        uint256 counted = staking.eligibleGuardians(accuser, provider);
        if (wait >= 7 days) vm.assertEq(counted, 3);
        if (wait <= 6 days) vm.assertEq(counted, 0);
    }

    function _tooFew(uint256 actual) private pure returns (bytes memory) {
        return abi.encodeWithSelector(ICases.TooFewGuardians.selector, 3, actual);
    }

    function _expectOpenRefused(address who, uint16 bps, bytes32 evidenceHash, bytes memory reason) private {
        vm.deal(who, 1 ether);
        vm.expectRevert(reason);
        vm.prank(who);
        staking.openCase{value: 1 ether}(bond, bps, evidenceHash, "");
    }
}
