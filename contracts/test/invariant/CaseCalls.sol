// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IComputeStaking} from "../../src/interfaces/IComputeStaking.sol";
import {ICases} from "../../src/interfaces/staking/ICases.sol";
import {StakingWorld} from "./StakingWorld.sol";

/// @title Accusers, the accused and guardians in cases
abstract contract CaseCalls is StakingWorld {
    uint256 private _counter;

    function openCase(uint256 who, uint256 which, uint256 bps) public returns (uint256 caseId) {
        (bytes32 id,) = _bond(which);
        address accuser = _staker(who);
        uint16 asked = uint16(_bound(bps, 0, 1001));
        uint256 deposit = staking.caseDepositOf(id, asked) + who % 3;
        vm.deal(accuser, deposit);
        vm.prank(accuser);
        try staking.openCase{value: deposit}(id, asked, keccak256(abi.encode(++_counter)), "") returns (
            uint256 opened
        ) {
            inside += deposit;
            ++done["open"];
            return opened;
        } catch {
            return 0;
        }
    }

    function respond(uint256 which) external {
        (uint256 caseId, ICases.Case memory c) = _case(which);
        vm.prank(staking.bondOf(c.bondId).staker);
        try staking.respond(caseId, bytes32(which), "") {} catch {}
    }

    /// Guardians vote in every way, also those who may not.
    function vote(uint256 which, uint256 who, bool guilty) public {
        (uint256 caseId, ICases.Case memory c) = _case(which);
        address guardian = _staker(who);
        uint64 since =
            staking.bondOf(staking.bondIdOf(IComputeStaking.Role.GUARDIAN, 0, guardian)).guardianSince;
        vm.prank(guardian);
        try staking.vote(caseId, guilty) {
            vm.assertTrue(since != 0 && since + 7 days <= c.openedAt, "voted without a seat");
            vm.assertTrue(guardian != c.accuser && guardian != staking.bondOf(c.bondId).staker, "party voted");
            ++done["vote"];
        } catch {}
    }

    function appeal(uint256 which, bool byAccuser) public {
        (uint256 caseId, ICases.Case memory c) = _case(which);
        address who = byAccuser ? c.accuser : staking.bondOf(c.bondId).staker;
        uint256 deposit = 2 * uint256(c.deposit);
        vm.deal(who, deposit);
        vm.prank(who);
        try staking.appeal{value: deposit}(caseId) {
            inside += deposit;
            ++done["appeal"];
        } catch {}
    }

    function finalize(uint256 which) public {
        (uint256 caseId, ICases.Case memory c) = _case(which);
        uint256 before = staking.slashable(c.bondId);
        uint256 burned = address(0).balance;
        try staking.finalize(caseId) {
            (, ICases.Case memory after_) = staking.caseOf(caseId);
            uint256 taken = before - staking.slashable(c.bondId);
            vm.assertLe(taken, c.asked, "more than was asked for");
            if (after_.outcome == ICases.Outcome.SLASHED) {
                _slashed("case", c.bondId, before, burned);
                vm.assertTrue(block.timestamp < c.openedAt + staking.CASE_MAX(), "after CASE_MAX");
                vm.assertTrue(c.guilty[0] + c.innocent[0] >= c.quorum, "no quorum");
            } else {
                vm.assertEq(taken, 0, "slashed without a verdict");
            }
            ++done["final"];
        } catch {}
    }

    /// A whole case, which single calls seldom add up to.
    function trial(uint256 seed, uint256 which, uint256 bps, uint256 votes, bool appealed) external {
        openCase(seed, which, bps);
        uint256 caseId = staking.caseCount();
        if (caseId == 0) return;
        vm.warp(block.timestamp + 48 hours);
        for (uint256 i = 0; i < STAKERS; ++i) {
            vote(caseId - 1, i, (votes >> i) & 3 != 0);
        }
        vm.warp(block.timestamp + 3 days);
        if (appealed) {
            appeal(caseId - 1, seed % 2 == 0);
            appeal(caseId - 1, seed % 2 != 0);
            for (uint256 i = 0; i < STAKERS; ++i) {
                if ((votes >> (i + 20)) & 3 != 0) vote(caseId - 1, i, (votes >> (i + 40)) & 3 != 0);
            }
        }
        vm.warp(block.timestamp + 3 days);
        finalize(caseId - 1);
    }

    function _case(uint256 which) private view returns (uint256 caseId, ICases.Case memory c) {
        uint256 count = staking.caseCount();
        caseId = count == 0 ? 0 : 1 + which % count;
        (, c) = staking.caseOf(caseId);
    }
}
