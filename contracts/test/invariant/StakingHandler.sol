// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ComputeStaking} from "../../src/ComputeStaking.sol";
import {IComputeStaking} from "../../src/interfaces/IComputeStaking.sol";
import {Test} from "../Test.sol";

/// @title Stakers and an attacker use the bond contract in any order
contract StakingHandler is Test {
    ComputeStaking private immutable staking;
    address public immutable attacker = vm.addr(0xbad);
    bytes32[] public bonds;
    mapping(bytes32 bondId => bool) private _known;
    /// @notice Wei that went in minus wei that came out.
    uint256 public inside;

    constructor(ComputeStaking staking_) {
        staking = staking_;
    }

    function stakeNoRevert(uint256 who, uint256 role, uint256 agentId, uint256 amount) external {
        address staker = _staker(who);
        agentId = _bound(agentId, 0, 2);
        role = _bound(role, 1, 3);
        amount = _bound(amount, staking.minimumOf(IComputeStaking.Role(role)), 2 ether);
        vm.deal(staker, amount);
        vm.prank(staker);
        bytes32 id;
        if (role == 1) id = staking.stakeAsUser{value: amount}();
        else if (role == 2) id = staking.stakeAsProvider{value: amount}(agentId);
        else id = staking.stakeAsGuardian{value: amount}();
        inside += amount;
        if (!_known[id]) bonds.push(id);
        _known[id] = true;
    }

    function requestUnstakeNoRevert(uint256 which, uint256 amount) external {
        (bytes32 id, IComputeStaking.Bond memory bond) = _bond(which);
        if (bond.bonded == 0 || bond.unbonding != 0) return;
        uint256 minimum = staking.minimumOf(bond.role);
        amount = _bound(amount, 1, bond.bonded);
        if (bond.bonded - amount < minimum) amount = bond.bonded;
        vm.prank(bond.staker);
        staking.requestUnstake(id, uint128(amount));
        vm.assertEq(staking.activeBond(id), bond.bonded - amount);
    }

    function cancelUnstakeNoRevert(uint256 which) external {
        (bytes32 id, IComputeStaking.Bond memory bond) = _bond(which);
        if (bond.unbonding == 0) return;
        vm.prank(bond.staker);
        staking.cancelUnstake(id);
    }

    function completeUnstake(uint256 which) external {
        (bytes32 id, IComputeStaking.Bond memory bond) = _bond(which);
        if (bond.unbonding == 0) return;
        address to = vm.addr(0xfee);
        uint256 before = to.balance;
        vm.prank(bond.staker);
        try staking.completeUnstake(id, to) {
            vm.assertTrue(block.timestamp >= bond.unlockAt, "before the delay ended");
            vm.assertEq(to.balance, before + bond.unbonding);
            inside -= bond.unbonding;
        } catch {
            vm.assertTrue(block.timestamp < bond.unlockAt, "exit blocked");
        }
    }

    /// No outsider touches a bond, whatever it calls.
    function attackNoRevert(uint256 which, uint128 amount, uint256 op) external {
        (bytes32 id,) = _bond(which);
        bytes[4] memory calls = [
            abi.encodeCall(staking.requestUnstake, (id, amount)),
            abi.encodeCall(staking.cancelUnstake, (id)),
            abi.encodeCall(staking.completeUnstake, (id, attacker)),
            abi.encodeCall(staking.addStake, (id))
        ];
        vm.prank(attacker);
        (bool success,) = address(staking).call(calls[op % 4]);
        vm.assertFalse(success, "an outsider succeeded");
    }

    function passTime(uint256 time) external {
        vm.warp(block.timestamp + _bound(time, 1, 10 days));
    }

    function bondCount() external view returns (uint256) {
        return bonds.length;
    }

    function _bond(uint256 which) private view returns (bytes32 id, IComputeStaking.Bond memory bond) {
        if (bonds.length != 0) id = bonds[which % bonds.length];
        bond = staking.bondOf(id);
    }

    function _staker(uint256 who) private pure returns (address) {
        return vm.addr(1 + who % 3);
    }
}
