// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ComputeRegistry} from "../../src/ComputeRegistry.sol";
import {ComputeStaking} from "../../src/ComputeStaking.sol";
import {InferenceServing} from "../../src/InferenceServing.sol";
import {IComputeStaking} from "../../src/interfaces/IComputeStaking.sol";
import {BondCalls} from "./BondCalls.sol";
import {CaseCalls} from "./CaseCalls.sol";
import {EvidenceCalls} from "./EvidenceCalls.sol";
import {StakingWorld} from "./StakingWorld.sol";

/// @title Stakers, guardians, reporters, an owner and an attacker use the bond contract in any order
/// @notice Whatever goes in and comes out is counted here, and each call is held against what it may change.
contract StakingHandler is BondCalls, EvidenceCalls, CaseCalls {
    constructor(
        ComputeStaking staking_,
        ComputeRegistry registry_,
        InferenceServing serving_,
        bytes32 channelId_,
        address channelUser_,
        Node[] memory nodes
    ) StakingWorld(staking_, registry_, serving_, channelId_, channelUser_, nodes) {}

    function claimReward(uint256 who) external {
        address account = accounts[who % accounts.length];
        uint256 owed = staking.rewardOf(account);
        if (owed == 0) return;
        uint256 before = sink.balance;
        vm.prank(account);
        staking.claimReward(sink);
        vm.assertEq(sink.balance, before + owed);
        inside -= owed;
        ++done["claim"];
    }

    /// I8: the owner calls everything it has, and nobody has less than before.
    function owner(uint256 op, uint256 role, uint128 value) external {
        (uint256 bondsBefore, uint256 rewardsBefore) = (_sumOfBonds(), sumOfRewards());
        uint256 frozenBefore = _sumOfFrozen();
        vm.startPrank(staking.owner());
        if (op % 3 == 0) {
            staking.setIntakePaused(value % 4 == 0);
        } else if (op % 3 == 1) {
            try staking.setMinimum(IComputeStaking.Role(role % 4), value % 5 ether) {} catch {}
        } else {
            (bytes32 id,) = _bond(role);
            bytes[4] memory calls = [
                abi.encodeCall(staking.completeUnstake, (id, sink)),
                abi.encodeCall(staking.requestUnstake, (id, 1)),
                abi.encodeCall(staking.claimReward, (sink)),
                abi.encodeCall(staking.vote, (_bound(value, 0, staking.caseCount()), true))
            ];
            (bool success,) = address(staking).call(calls[value % 4]);
            vm.assertFalse(success, "the owner succeeded");
        }
        vm.stopPrank();
        vm.assertEq(_sumOfBonds(), bondsBefore);
        vm.assertEq(sumOfRewards(), rewardsBefore);
        vm.assertEq(_sumOfFrozen(), frozenBefore);
    }

    /// No outsider touches a bond, whatever it calls.
    function attack(uint256 which, uint128 amount, uint256 op) external {
        (bytes32 id,) = _bond(which);
        bytes[8] memory calls = [
            abi.encodeCall(staking.requestUnstake, (id, amount)),
            abi.encodeCall(staking.cancelUnstake, (id)),
            abi.encodeCall(staking.completeUnstake, (id, attacker)),
            abi.encodeCall(staking.addStake, (id)),
            abi.encodeCall(staking.claimReward, (attacker)),
            abi.encodeCall(staking.vote, (which, true)),
            abi.encodeCall(staking.respond, (which, 0, "")),
            abi.encodeCall(staking.setMinimum, (IComputeStaking.Role.USER, 0.01 ether))
        ];
        vm.prank(attacker);
        (bool success,) = address(staking).call(calls[op % calls.length]);
        vm.assertFalse(success, "an outsider succeeded");
    }

    function passTime(uint256 time) external {
        vm.warp(block.timestamp + _bound(time, 1, 10 days));
    }
}
