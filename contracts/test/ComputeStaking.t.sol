// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IComputeStaking} from "../src/interfaces/IComputeStaking.sol";
import {Fixture} from "./Fixture.sol";
import {ReenteringReceiver, RefusingReceiver} from "./Receivers.sol";

contract ComputeStakingTest is Fixture {
    bytes32 private bond;

    function setUp() public override {
        super.setUp();
        bond = _bondId(IComputeStaking.Role.PROVIDER, agentId, provider);
    }

    function test_fuzz_stake_bondsTheCaller(address staker, uint256 amount, uint256 id) public {
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
        IComputeStaking.Bond memory made = staking.bondOf(bondId);
        vm.assertEq(made.staker, staker);
        vm.assertEq(made.agentId, id);
    }

    function test_stake_rolesAreApart() public {
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
    }

    /// K8: nobody can change a minimum or a delay; these are the values.
    function test_parameter_bounds() public view {
        vm.assertEq(staking.minimumOf(IComputeStaking.Role.NONE), 0);
        vm.assertEq(staking.minimumOf(IComputeStaking.Role.USER), 0.01 ether);
        vm.assertEq(staking.minimumOf(IComputeStaking.Role.PROVIDER), 0.1 ether);
        vm.assertEq(staking.minimumOf(IComputeStaking.Role.GUARDIAN), 1 ether);
        vm.assertEq(staking.UNBONDING(), 14 days);
        vm.assertEq(staking.GUARDIAN_UNBONDING(), 21 days);
    }

    function test_stake_againAddsToTheBond() public {
        vm.prank(provider);
        staking.stakeAsProvider{value: 1}(agentId);
        vm.assertEq(staking.activeBond(bond), BOND + 1);
    }

    function test_addStake() public {
        vm.expectEmit(address(staking));
        emit IComputeStaking.Staked(bond, IComputeStaking.Role.PROVIDER, agentId, provider, 5);
        vm.prank(provider);
        staking.addStake{value: 5}(bond);
        vm.assertEq(staking.activeBond(bond), BOND + 5);
    }

    function test_addStake_reverts() public {
        vm.expectRevert(abi.encodeWithSelector(IComputeStaking.UnknownBond.selector, bytes32(0)));
        staking.addStake{value: 1}(0);

        vm.expectRevert(abi.encodeWithSelector(IComputeStaking.NotStaker.selector, bond, attacker));
        vm.prank(attacker);
        staking.addStake{value: 1}(bond);

        vm.expectRevert(abi.encodeWithSelector(IComputeStaking.ZeroAmount.selector));
        vm.prank(provider);
        staking.addStake(bond);
    }

    function test_requestUnstake_leavesActiveBondAtOnce() public {
        vm.expectEmit(address(staking));
        emit IComputeStaking.UnstakeRequested(bond, uint128(BOND), uint64(START + 14 days));
        vm.prank(provider);
        staking.requestUnstake(bond, uint128(BOND));

        vm.assertEq(staking.activeBond(bond), 0);
        vm.assertEq(staking.bondOf(bond).unbonding, BOND);
        vm.assertFalse(registry.isActive(agentId));
    }

    function test_requestUnstake_reverts() public {
        vm.startPrank(provider);
        staking.addStake{value: 0.1 ether}(bond);
        vm.expectRevert(abi.encodeWithSelector(IComputeStaking.ZeroAmount.selector));
        staking.requestUnstake(bond, 0);
        vm.expectRevert(
            abi.encodeWithSelector(IComputeStaking.AmountExceeds.selector, 0.2 ether, 0.2 ether + 1)
        );
        staking.requestUnstake(bond, 0.2 ether + 1);
        vm.expectRevert(_belowMinimum(0.1 ether, 0.1 ether - 1));
        staking.requestUnstake(bond, 0.1 ether + 1);
        staking.requestUnstake(bond, 0.1 ether);
        vm.expectRevert(
            abi.encodeWithSelector(IComputeStaking.UnbondingPending.selector, bond, START + 14 days)
        );
        staking.requestUnstake(bond, 0.1 ether);
        vm.stopPrank();

        vm.expectRevert(abi.encodeWithSelector(IComputeStaking.NotStaker.selector, bond, attacker));
        vm.prank(attacker);
        staking.requestUnstake(bond, 1);
    }

    function test_cancelUnstake_bondsAgain() public {
        vm.startPrank(provider);
        staking.requestUnstake(bond, uint128(BOND));
        vm.expectEmit(address(staking));
        emit IComputeStaking.UnstakeCancelled(bond, uint128(BOND));
        staking.cancelUnstake(bond);
        vm.assertEq(staking.activeBond(bond), BOND);
        vm.assertTrue(registry.isActive(agentId));

        vm.expectRevert(abi.encodeWithSelector(IComputeStaking.NothingUnbonding.selector, bond));
        staking.cancelUnstake(bond);
        vm.stopPrank();

        vm.expectRevert(abi.encodeWithSelector(IComputeStaking.NotStaker.selector, bond, attacker));
        vm.prank(attacker);
        staking.cancelUnstake(bond);
    }

    /// K3: a bond cannot leave before the delay ends, however it is tried.
    function test_fuzz_unstake_then_evidence(uint256 wait) public {
        wait = _bound(wait, 0, 14 days - 1);
        vm.startPrank(provider);
        staking.requestUnstake(bond, uint128(BOND));
        vm.warp(START + wait);
        vm.expectRevert(
            abi.encodeWithSelector(IComputeStaking.StillLocked.selector, START + 14 days, START + wait)
        );
        staking.completeUnstake(bond, provider);
        vm.assertEq(staking.bondOf(bond).unbonding, BOND);
        vm.assertGe(address(staking).balance, BOND, "still here");
        vm.stopPrank();
    }

    /// R2
    function test_deactivate_withdraw_same_block_reverts() public {
        vm.startPrank(provider);
        registry.setActive(agentId, false);
        staking.requestUnstake(bond, uint128(BOND));
        vm.expectRevert(abi.encodeWithSelector(IComputeStaking.StillLocked.selector, START + 14 days, START));
        staking.completeUnstake(bond, provider);
        vm.stopPrank();
    }

    /// P29, R10: what was put in comes out, whatever else is in the contract.
    function test_bond_snapshot() public {
        vm.deal(address(staking), 100 ether);
        vm.startPrank(provider);
        staking.requestUnstake(bond, uint128(BOND));
        vm.warp(START + 14 days);
        vm.expectEmit(address(staking));
        emit IComputeStaking.Unstaked(bond, relayer, uint128(BOND));
        staking.completeUnstake(bond, relayer);
        vm.assertEq(relayer.balance, BOND);

        vm.expectRevert(abi.encodeWithSelector(IComputeStaking.NothingUnbonding.selector, bond));
        staking.completeUnstake(bond, relayer);
        vm.stopPrank();
    }

    function test_completeUnstake_guardianWaitsLonger() public {
        vm.startPrank(user);
        bytes32 id = staking.stakeAsGuardian{value: 1 ether}();
        staking.requestUnstake(id, 1 ether);
        vm.warp(START + 21 days - 1);
        vm.expectRevert(
            abi.encodeWithSelector(IComputeStaking.StillLocked.selector, START + 21 days, block.timestamp)
        );
        staking.completeUnstake(id, user);
        vm.warp(START + 21 days);
        staking.completeUnstake(id, user);
        vm.stopPrank();
    }

    function test_completeUnstake_reverts() public {
        vm.prank(provider);
        staking.requestUnstake(bond, uint128(BOND));
        vm.warp(START + 14 days);

        vm.expectRevert(abi.encodeWithSelector(IComputeStaking.NotStaker.selector, bond, attacker));
        vm.prank(attacker);
        staking.completeUnstake(bond, attacker);

        vm.expectRevert(abi.encodeWithSelector(IComputeStaking.ZeroAddress.selector));
        vm.prank(provider);
        staking.completeUnstake(bond, address(0));

        address refusing = address(new RefusingReceiver());
        vm.expectRevert(abi.encodeWithSelector(IComputeStaking.TransferFailed.selector, refusing, BOND));
        vm.prank(provider);
        staking.completeUnstake(bond, refusing);
        vm.assertEq(staking.bondOf(bond).unbonding, BOND);
    }

    /// Not even for another bond of its own.
    function test_completeUnstake_receiverCannotReenter() public {
        ReenteringReceiver receiver = new ReenteringReceiver();
        vm.deal(address(receiver), 2 * BOND);
        bytes memory first = _unbond(receiver, 98);
        bytes memory second = _unbond(receiver, 99);
        vm.warp(START + 14 days);
        receiver.onReceive(address(staking), second);

        vm.expectRevert(
            abi.encodeWithSelector(IComputeStaking.TransferFailed.selector, address(receiver), BOND)
        );
        receiver.run(address(staking), 0, first);
    }

    /// R11: longer than the longest binding.
    function test_bond_locked_while_valid() public view {
        vm.assertLt(registry.MAX_BINDING_VALIDITY(), staking.UNBONDING());
    }

    function test_plainTransferIsRefused() public {
        vm.prank(user);
        (bool sent,) = address(staking).call{value: 1}("");
        vm.assertFalse(sent);
    }

    /// @return complete the call that takes the bond out
    function _unbond(ReenteringReceiver receiver, uint256 id) private returns (bytes memory complete) {
        bytes32 made = receiver.run(address(staking), BOND, abi.encodeCall(staking.stakeAsProvider, (id)));
        receiver.run(address(staking), 0, abi.encodeCall(staking.requestUnstake, (made, uint128(BOND))));
        return abi.encodeCall(staking.completeUnstake, (made, address(receiver)));
    }

    function _belowMinimum(uint256 required, uint256 actual) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IComputeStaking.BelowMinimum.selector, required, actual);
    }
}
