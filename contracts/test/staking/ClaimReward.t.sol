// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ComputeStaking} from "../../src/ComputeStaking.sol";
import {IComputeRegistry} from "../../src/interfaces/IComputeRegistry.sol";
import {IInferenceServing} from "../../src/interfaces/IInferenceServing.sol";
import {IRewards} from "../../src/interfaces/staking/IRewards.sol";
import {RefusingReceiver} from "../Receivers.sol";
import {StakingFixture} from "./StakingFixture.sol";

/// claimReward, and what the constructor wants
contract ClaimRewardTest is StakingFixture {
    function testFuzz_claim(address to) public {
        vm.assume(uint160(to) > 0xffff && to.code.length == 0);
        _proveConflict(reporter, _conflict(1));
        uint256 owed = staking.rewardOf(reporter);
        uint256 before = to.balance;
        vm.expectEmit(address(staking));
        emit IRewards.RewardClaimed(reporter, to, owed);
        vm.prank(reporter);
        vm.assertEq(staking.claimReward(to), owed);
        vm.assertEq(to.balance, before + owed);
        vm.assertEq(staking.rewardOf(reporter), 0);

        vm.expectRevert(abi.encodeWithSelector(IRewards.NothingToClaim.selector, reporter));
        vm.prank(reporter);
        staking.claimReward(to);
    }

    function test_reverts() public {
        _proveConflict(reporter, _conflict(1));
        vm.startPrank(reporter);
        vm.expectRevert(abi.encodeWithSelector(IRewards.ZeroAddress.selector));
        staking.claimReward(address(0));
        address refusing = address(new RefusingReceiver());
        uint256 owed = staking.rewardOf(reporter);
        vm.expectRevert(abi.encodeWithSelector(IRewards.TransferFailed.selector, refusing, owed));
        staking.claimReward(refusing);
        vm.assertEq(staking.rewardOf(reporter), owed, "pulled again elsewhere");
        vm.stopPrank();
    }

    function test_constructor() public {
        vm.expectRevert(abi.encodeWithSelector(IRewards.ZeroAddress.selector));
        new ComputeStaking(IComputeRegistry(address(0)), serving, user);
        vm.expectRevert(abi.encodeWithSelector(IRewards.ZeroAddress.selector));
        new ComputeStaking(registry, IInferenceServing(address(0)), user);
        ComputeStaking made = new ComputeStaking(registry, serving, user);
        vm.assertEq(address(made.computeRegistry()), address(registry));
        vm.assertEq(address(made.inferenceServing()), address(serving));
        vm.assertEq(made.owner(), user);
    }
}
