// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Governed} from "../../src/governance/Governed.sol";
import {IProviders} from "../../src/interfaces/registry/IProviders.sol";
import {IComputeStaking} from "../../src/interfaces/IComputeStaking.sol";
import {StakingFixture} from "./StakingFixture.sol";

/// setMinimum, setIntakePaused, ownership
contract SetMinimumTest is StakingFixture {
    /// K8
    function test_parameter_bounds(uint256 role, uint128 value) public {
        (IComputeStaking.Role r, uint128 standard, bytes32 policy) = _role(role);
        vm.assertEq(staking.minimumOf(r), standard);
        value = uint128(_bound(value, 0, standard * 6));
        address owner = staking.owner();
        bool allowed = value >= standard / 2 && value <= standard * 4;
        if (!allowed) {
            vm.expectRevert(_outOfBounds(policy, value, standard));
        } else {
            vm.expectEmit(address(staking));
            emit Governed.PolicyChanged(owner, policy, value);
        }
        vm.prank(owner);
        staking.setMinimum(r, value);
        vm.assertEq(staking.minimumOf(r), allowed ? value : standard);
    }

    function test_boundsThemselvesAreAllowed() public {
        vm.startPrank(staking.owner());
        for (uint256 i = 0; i < 3; ++i) {
            (IComputeStaking.Role r, uint128 standard, bytes32 policy) = _role(i);
            staking.setMinimum(r, standard / 2);
            vm.assertEq(staking.minimumOf(r), standard / 2);
            staking.setMinimum(r, standard * 4);
            vm.assertEq(staking.minimumOf(r), standard * 4);
            vm.expectRevert(_outOfBounds(policy, standard / 2 - 1, standard));
            staking.setMinimum(r, standard / 2 - 1);
            vm.expectRevert(_outOfBounds(policy, standard * 4 + 1, standard));
            staking.setMinimum(r, standard * 4 + 1);
        }
        vm.assertEq(staking.minimumOf(IComputeStaking.Role.NONE), 0);
        vm.expectRevert(abi.encodeWithSelector(Governed.OutOfBounds.selector, bytes32(0), 1, 0, 0));
        staking.setMinimum(IComputeStaking.Role.NONE, 1);
        vm.stopPrank();
    }

    function test_ownerOnly() public {
        vm.startPrank(attacker);
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, attacker));
        staking.setMinimum(IComputeStaking.Role.USER, 0.01 ether);
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, attacker));
        staking.setIntakePaused(true);
        vm.stopPrank();
    }

    /// What was staked stays active under the minimum it was staked under, and can leave whole, until its staker changes it.
    function testFuzz_raiseTouchesNoExistingBond(uint128 value) public {
        value = uint128(_bound(value, 0.1 ether + 1, 0.4 ether));
        vm.prank(provider);
        staking.addStake{value: 0.05 ether}(bond);
        vm.prank(staking.owner());
        staking.setMinimum(IComputeStaking.Role.PROVIDER, value);

        vm.assertTrue(staking.isBonded(bond));
        vm.assertTrue(registry.isActive(agentId));
        vm.startPrank(provider);
        uint256 rest = 0.15 ether - 1;
        if (value > rest) {
            vm.expectRevert(abi.encodeWithSelector(IComputeStaking.BelowMinimum.selector, value, rest));
            staking.requestUnstake(bond, 1);
        }
        staking.requestUnstake(bond, 0.15 ether);
        staking.cancelUnstake(bond);
        vm.assertTrue(registry.isActive(agentId), "what it was is what it is again");
        staking.requestUnstake(bond, 0.15 ether);
        vm.warp(START + 14 days);
        staking.completeUnstake(bond, relayer);
        vm.stopPrank();
        vm.assertEq(relayer.balance, 0.15 ether);
    }

    /// From its next change on, the bond takes the minimum of that day.
    function test_changeTakesTheMinimumOfTheDay() public {
        vm.prank(staking.owner());
        staking.setMinimum(IComputeStaking.Role.PROVIDER, 0.2 ether);
        vm.startPrank(provider);
        vm.expectRevert(
            abi.encodeWithSelector(IComputeStaking.BelowMinimum.selector, 0.2 ether, BOND + 0.05 ether)
        );
        staking.addStake{value: 0.05 ether}(bond);
        staking.addStake{value: 0.2 ether}(bond);
        vm.assertEq(staking.bondOf(bond).minimum, 0.2 ether);
        vm.stopPrank();
        vm.prank(staking.owner());
        staking.setMinimum(IComputeStaking.Role.PROVIDER, 0.1 ether);
        vm.prank(provider);
        staking.requestUnstake(bond, 0.2 ether);
        vm.assertEq(staking.bondOf(bond).minimum, 0.1 ether);
        vm.assertTrue(staking.isBonded(bond));
    }

    /// A new registration asks for the new minimum.
    function test_registrationTakesTheNewMinimum() public {
        vm.prank(staking.owner());
        staking.setMinimum(IComputeStaking.Role.PROVIDER, 0.2 ether);
        vm.startPrank(attacker);
        uint256 id = identity.register("");
        vm.expectRevert(abi.encodeWithSelector(IProviders.InsufficientBond.selector, 0.2 ether, 0));
        registry.register(id, "https://node.example");
        staking.stakeAsProvider{value: 0.2 ether}(id);
        registry.register(id, "https://node.example");
        vm.stopPrank();
        vm.assertTrue(registry.isActive(id));
    }

    function test_ownershipMovesInTwoStepsAndCanEnd() public {
        address owner = staking.owner();
        vm.prank(owner);
        staking.transferOwnership(user);
        vm.assertEq(staking.owner(), owner);
        vm.prank(user);
        staking.acceptOwnership();
        vm.assertEq(staking.owner(), user);
        vm.prank(user);
        staking.renounceOwnership();
        vm.assertEq(staking.owner(), address(0));
    }

    function _role(uint256 i) private pure returns (IComputeStaking.Role, uint128, bytes32) {
        i = i % 3;
        if (i == 0) return (IComputeStaking.Role.USER, 0.01 ether, "userMinimum");
        if (i == 1) return (IComputeStaking.Role.PROVIDER, 0.1 ether, "providerMinimum");
        return (IComputeStaking.Role.GUARDIAN, 1 ether, "guardianMinimum");
    }

    function _outOfBounds(bytes32 policy, uint256 value, uint128 standard)
        private
        pure
        returns (bytes memory)
    {
        return abi.encodeWithSelector(
            Governed.OutOfBounds.selector, policy, value, standard / 2, standard * 4
        );
    }
}
