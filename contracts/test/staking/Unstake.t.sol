// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IComputeStaking} from "../../src/interfaces/IComputeStaking.sol";
import {IRewards} from "../../src/interfaces/staking/IRewards.sol";
import {ReenteringReceiver, RefusingReceiver} from "../Receivers.sol";
import {StakingFixture} from "./StakingFixture.sol";

/// addStake, requestUnstake, cancelUnstake
contract UnstakeTest is StakingFixture {
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
        vm.assertEq(staking.slashable(bond), BOND);
        vm.assertFalse(staking.isBonded(bond));
        vm.assertEq(staking.bondOf(bond).unbonding, BOND);
        vm.assertFalse(registry.isActive(agentId));
    }

    function testFuzz_requestUnstake_part(uint256 add, uint256 amount) public {
        add = _bound(add, 1, 1 ether);
        amount = _bound(amount, 1, add);
        vm.startPrank(provider);
        staking.addStake{value: add}(bond);
        staking.requestUnstake(bond, uint128(amount));
        vm.stopPrank();
        vm.assertEq(staking.activeBond(bond), BOND + add - amount);
        vm.assertEq(staking.slashable(bond), BOND + add);
        vm.assertTrue(registry.isActive(agentId));
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
        vm.expectRevert(
            abi.encodeWithSelector(IComputeStaking.BelowMinimum.selector, 0.1 ether, 0.1 ether - 1)
        );
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
        vm.assertEq(staking.bondOf(bond).unlockAt, 0);
        vm.assertTrue(registry.isActive(agentId));

        vm.expectRevert(abi.encodeWithSelector(IComputeStaking.NothingUnbonding.selector, bond));
        staking.cancelUnstake(bond);
        vm.stopPrank();

        vm.expectRevert(abi.encodeWithSelector(IComputeStaking.NotStaker.selector, bond, attacker));
        vm.prank(attacker);
        staking.cancelUnstake(bond);
    }

    /// A guardian who comes back starts anew; one who only took a part out keeps its seat.
    function test_cancelUnstake_seniorityStartsAnew() public {
        vm.deal(user, 10 ether);
        vm.startPrank(user);
        bytes32 id = staking.stakeAsGuardian{value: 2 ether}();
        vm.warp(START + 10 days);
        staking.requestUnstake(id, 1 ether);
        vm.assertEq(staking.bondOf(id).guardianSince, START, "still seated");
        staking.cancelUnstake(id);
        vm.assertEq(staking.bondOf(id).guardianSince, START, "still seated");
        vm.expectEmit(address(staking));
        emit IComputeStaking.GuardianSet(user, false);
        staking.requestUnstake(id, 2 ether);
        vm.assertEq(staking.guardianCount(), 0);
        staking.cancelUnstake(id);
        vm.assertEq(staking.bondOf(id).guardianSince, START + 10 days);
        vm.assertEq(staking.guardianCount(), 1);
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
        vm.assertEq(staking.slashable(bond), 0);

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

        vm.expectRevert(abi.encodeWithSelector(IRewards.ZeroAddress.selector));
        vm.prank(provider);
        staking.completeUnstake(bond, address(0));

        address refusing = address(new RefusingReceiver());
        vm.expectRevert(abi.encodeWithSelector(IRewards.TransferFailed.selector, refusing, BOND));
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

        vm.expectRevert(abi.encodeWithSelector(IRewards.TransferFailed.selector, address(receiver), BOND));
        receiver.run(address(staking), 0, first);
    }

    /// An open case holds back what it asks for and nothing else; when it is over, or CASE_MAX has come, the rest can go.
    function testFuzz_completeUnstake_frozenPartStays(uint256 bps, bool finalized) public {
        bps = _bound(bps, 1, 1000);
        vm.prank(provider);
        staking.requestUnstake(bond, uint128(BOND));
        _prepareCases(3);
        uint256 caseId = _openCase(uint16(bps));
        uint256 asked = BOND * bps / 10_000;
        vm.assertEq(staking.frozenOf(bond), asked);

        vm.warp(START + 14 days);
        vm.startPrank(provider);
        staking.completeUnstake(bond, relayer);
        vm.assertEq(relayer.balance, BOND - asked);
        vm.assertEq(staking.slashable(bond), asked);
        vm.expectRevert(abi.encodeWithSelector(IComputeStaking.StillFrozen.selector, bond, asked));
        staking.completeUnstake(bond, relayer);
        vm.stopPrank();

        if (finalized) staking.finalize(caseId);
        else vm.warp(_opened(caseId) + 14 days);
        vm.prank(provider);
        staking.completeUnstake(bond, relayer);
        vm.assertEq(relayer.balance, BOND);
        vm.assertEq(staking.bondOf(bond).unlockAt, 0);
    }

    /// P10: with intake paused everything that goes out goes out, and everything that judges judges.
    function test_paused_exit() public {
        _prepareCases(4);
        vm.prank(staking.owner());
        staking.setIntakePaused(true);

        vm.startPrank(provider);
        staking.requestUnstake(bond, uint128(BOND / 2 * 2));
        staking.cancelUnstake(bond);
        staking.requestUnstake(bond, uint128(BOND));
        vm.stopPrank();
        uint256 caseId = _decided(1000, 3, 0);
        _appeal(caseId, provider);
        _votes(caseId, 3, 0);
        vm.warp(block.timestamp + 3 days);
        staking.finalize(caseId);
        vm.prank(accuser);
        staking.claimReward(accuser);
        _proveConflict(reporter, _conflict(1));
        vm.warp(block.timestamp + 14 days);
        uint256 rest = staking.slashable(bond);
        vm.prank(provider);
        staking.completeUnstake(bond, relayer);
        vm.assertEq(relayer.balance, rest);
    }

    /// R10: an exit costs the same however many bonds and cases there are.
    function test_exit_cost_constant() public {
        uint256 lone = _exitCost();
        _prepareCases(40);
        for (uint256 i = 0; i < 30; ++i) {
            _openCaseBy(accuser, bond, 1000, keccak256(abi.encode(i)));
        }
        vm.warp(block.timestamp + 14 days);
        vm.assertLe(_exitCost(), lone + 10_000, "grows with what others do");
    }

    /// R11: longer than the longest binding, than a case with its appeal, and than a refund.
    function test_bond_locked_while_valid() public view {
        vm.assertLt(registry.MAX_BINDING_VALIDITY(), staking.UNBONDING());
        vm.assertLe(staking.CASE_MAX(), staking.UNBONDING());
        vm.assertEq(staking.UNBONDING(), 14 days);
        vm.assertEq(staking.GUARDIAN_UNBONDING(), 21 days);
    }

    /// The same bond leaves and comes back.
    function _exitCost() private returns (uint256 cost) {
        vm.prank(provider);
        staking.requestUnstake(bond, uint128(BOND));
        vm.warp(block.timestamp + 14 days);
        uint256 before = gasleft();
        vm.prank(provider);
        staking.completeUnstake(bond, relayer);
        cost = before - gasleft();
        vm.deal(provider, 10 ether);
        vm.prank(provider);
        staking.stakeAsProvider{value: BOND}(agentId);
    }

    /// @return complete the call that takes the bond out
    function _unbond(ReenteringReceiver receiver, uint256 id) private returns (bytes memory complete) {
        bytes32 made = receiver.run(address(staking), BOND, abi.encodeCall(staking.stakeAsProvider, (id)));
        receiver.run(address(staking), 0, abi.encodeCall(staking.requestUnstake, (made, uint128(BOND))));
        return abi.encodeCall(staking.completeUnstake, (made, address(receiver)));
    }
}
