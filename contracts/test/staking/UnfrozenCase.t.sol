// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICases} from "../../src/interfaces/staking/ICases.sol";
import {StakingFixture} from "./StakingFixture.sol";

/// K13: a case about a bond that could leave.
contract UnfrozenCaseTest is StakingFixture {
    /// It freezes nothing; and its end does not thaw what a case before it froze.
    function test_end_of_a_case_that_froze_nothing() public {
        _prepareCases(3);
        vm.prank(provider);
        staking.requestUnstake(bond, uint128(BOND));
        uint256 unlockAt = block.timestamp + 14 days;
        vm.warp(unlockAt - 1);
        uint256 first = _openCase(1000);
        vm.assertEq(staking.frozenOf(bond), BOND / 10);
        vm.warp(unlockAt);
        uint256 second = _openCaseBy(accuser, bond, 500, keccak256("another"));
        vm.assertEq(staking.frozenOf(bond), BOND / 10);

        _toDecided(second);
        staking.finalize(second);
        vm.assertEq(uint256(_outcome(second)), uint256(ICases.Outcome.NO_QUORUM));
        vm.assertEq(staking.frozenOf(bond), BOND / 10);
        staking.finalize(first);
        vm.assertEq(staking.frozenOf(bond), 0);
    }
}
