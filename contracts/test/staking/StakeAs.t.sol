// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Governed} from "../../src/governance/Governed.sol";
import {IComputeStaking} from "../../src/interfaces/IComputeStaking.sol";
import {StakingFixture} from "./StakingFixture.sol";

contract StakeAsTest is StakingFixture {
    function testFuzz_bondsTheCaller(address staker, uint256 amount, uint256 id) public {
        vm.assume(staker != address(0) && uint160(staker) > 0xffff && staker.code.length == 0);
        vm.assume(staker != provider || id != agentId);
        amount = _bound(amount, 0.1 ether, 1000 ether);
        vm.deal(staker, amount);
        bytes32 wanted = _bondId(IComputeStaking.Role.PROVIDER, id, staker);

        vm.expectEmit(address(staking));
        emit IComputeStaking.Staked(wanted, IComputeStaking.Role.PROVIDER, id, staker, amount);
        vm.prank(staker);
        bytes32 bondId = staking.stakeAsProvider{value: amount}(id);

        vm.assertEq(bondId, wanted);
        vm.assertEq(bondId, staking.bondIdOf(IComputeStaking.Role.PROVIDER, id, staker));
        vm.assertEq(staking.activeBond(bondId), amount);
        vm.assertEq(staking.slashable(bondId), amount);
        vm.assertTrue(staking.isBonded(bondId));
        IComputeStaking.Bond memory made = staking.bondOf(bondId);
        vm.assertEq(made.staker, staker);
        vm.assertEq(made.agentId, id);
        vm.assertEq(made.minimum, 0.1 ether);
        vm.assertEq(made.guardianSince, 0);
    }

    function test_rolesAreApart() public {
        vm.startPrank(user);
        bytes32 asUser = staking.stakeAsUser{value: 0.01 ether}();
        bytes32 asGuardian = staking.stakeAsGuardian{value: 1 ether}();
        vm.stopPrank();

        vm.assertNotEq(asUser, asGuardian);
        vm.assertEq(uint256(staking.bondOf(asUser).role), uint256(IComputeStaking.Role.USER));
        vm.assertEq(uint256(staking.bondOf(asGuardian).role), uint256(IComputeStaking.Role.GUARDIAN));
        vm.assertEq(staking.activeBond(asUser), 0.01 ether);
    }

    /// R3
    function test_min_bond_enforced() public {
        vm.startPrank(user);
        vm.expectRevert(_belowMinimum(0.01 ether, 0.01 ether - 1));
        staking.stakeAsUser{value: 0.01 ether - 1}();
        vm.expectRevert(_belowMinimum(0.1 ether, 0.1 ether - 1));
        staking.stakeAsProvider{value: 0.1 ether - 1}(7);
        vm.expectRevert(_belowMinimum(1 ether, 1 ether - 1));
        staking.stakeAsGuardian{value: 1 ether - 1}();
        vm.expectRevert(abi.encodeWithSelector(IComputeStaking.ZeroAmount.selector));
        staking.stakeAsUser();
        vm.stopPrank();
        vm.assertFalse(staking.isBonded(0), "nothing is no bond");
    }

    function test_againAddsToTheBond() public {
        vm.prank(provider);
        staking.stakeAsProvider{value: 1}(agentId);
        vm.assertEq(staking.activeBond(bond), BOND + 1);
    }

    /// K6: one account, one seat, however often it stakes.
    function test_guardian_set_unique(uint256 again) public {
        again = _bound(again, 1, 5);
        vm.deal(user, 100 ether);
        vm.expectEmit(address(staking));
        emit IComputeStaking.GuardianSet(user, true);
        vm.prank(user);
        bytes32 id = staking.stakeAsGuardian{value: 1 ether}();
        uint64 since = staking.bondOf(id).guardianSince;
        vm.assertEq(since, block.timestamp);
        vm.warp(block.timestamp + 1 days);
        for (uint256 i = 0; i < again; ++i) {
            vm.prank(user);
            staking.stakeAsGuardian{value: 1 ether}();
        }
        vm.assertEq(staking.guardianCount(), 1);
        vm.assertEq(staking.bondOf(id).guardianSince, since, "seniority is not lost by adding");

        vm.prank(user);
        staking.requestUnstake(id, uint128(1 ether * (again + 1)));
        vm.assertEq(staking.guardianCount(), 0, "pruned when it leaves");
    }

    function test_pausedIntakeRefusesEveryStake() public {
        vm.prank(staking.owner());
        staking.setIntakePaused(true);
        bytes memory refused = abi.encodeWithSelector(Governed.IntakePaused.selector);
        vm.startPrank(provider);
        vm.expectRevert(refused);
        staking.stakeAsUser{value: 1 ether}();
        vm.expectRevert(refused);
        staking.stakeAsProvider{value: 1 ether}(agentId);
        vm.expectRevert(refused);
        staking.stakeAsGuardian{value: 1 ether}();
        vm.expectRevert(refused);
        staking.addStake{value: 1 ether}(bond);
        vm.stopPrank();
    }

    function test_plainTransferIsRefused() public {
        vm.prank(user);
        (bool sent,) = address(staking).call{value: 1}("");
        vm.assertFalse(sent);
    }

    function _belowMinimum(uint256 required, uint256 actual) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IComputeStaking.BelowMinimum.selector, required, actual);
    }
}
