// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IComputeStaking} from "../../src/interfaces/IComputeStaking.sol";
import {StakingWorld} from "./StakingWorld.sol";

/// @title Stakers put in and take out
abstract contract BondCalls is StakingWorld {
    function stake(uint256 who, uint256 role, uint256 amount) external {
        address staker = _staker(who);
        role = _bound(role, 1, 3);
        if (staking.intakePaused()) return;
        amount = _bound(amount, staking.minimumOf(IComputeStaking.Role(role)), 5 ether);
        vm.deal(staker, amount);
        vm.prank(staker);
        bytes32 id;
        if (role == 1) id = staking.stakeAsUser{value: amount}();
        else if (role == 2) id = staking.stakeAsProvider{value: amount}(who % 2);
        else id = staking.stakeAsGuardian{value: amount}();
        inside += amount;
        _knowBond(id);
    }

    function addStake(uint256 which, uint256 amount) external {
        (bytes32 id, IComputeStaking.Bond memory bond) = _bond(which);
        if (staking.intakePaused()) return;
        amount = _bound(amount, staking.minimumOf(bond.role), 5 ether);
        vm.deal(bond.staker, amount);
        vm.prank(bond.staker);
        staking.addStake{value: amount}(id);
        inside += amount;
    }

    /// The provider on its way out, with whatever part.
    function requestUnstake(uint256 which, uint256 amount) external {
        (bytes32 id, IComputeStaking.Bond memory bond) = _bond(which);
        if (bond.bonded == 0 || bond.unbonding != 0) return;
        uint256 minimum = staking.minimumOf(bond.role);
        amount = _bound(amount, 1, bond.bonded);
        if (bond.bonded - amount < minimum) amount = bond.bonded;
        vm.prank(bond.staker);
        staking.requestUnstake(id, uint128(amount));
        vm.assertEq(staking.activeBond(id), bond.bonded - amount);
        vm.assertEq(staking.slashable(id), uint256(bond.bonded) + bond.unbonding);
    }

    function cancelUnstake(uint256 which) external {
        (bytes32 id, IComputeStaking.Bond memory bond) = _bond(which);
        if (bond.unbonding == 0) return;
        vm.prank(bond.staker);
        staking.cancelUnstake(id);
    }

    /// I9: only time and an open case's part hold a bond back, paused or not.
    function completeUnstake(uint256 which) external {
        (bytes32 id, IComputeStaking.Bond memory bond) = _bond(which);
        if (bond.unbonding == 0) return;
        uint256 free = staking.slashable(id) - staking.frozenOf(id);
        uint256 wanted = free < bond.unbonding ? free : bond.unbonding;
        uint256 before = sink.balance;
        vm.prank(bond.staker);
        try staking.completeUnstake(id, sink) {
            vm.assertTrue(block.timestamp >= bond.unlockAt, "before the delay ended");
            vm.assertEq(sink.balance, before + wanted, "paid another amount");
            inside -= wanted;
            ++done["exit"];
        } catch {
            vm.assertTrue(block.timestamp < bond.unlockAt || wanted == 0, "exit blocked");
        }
        // K13: two spans after it was asked for, nothing of it is frozen any more.
        if (block.timestamp >= uint256(bond.unlockAt) + staking.CASE_MAX()) {
            vm.assertGe(wanted, bond.unbonding, "frozen for ever");
        }
    }
}
