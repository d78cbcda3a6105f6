// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IInferenceServing} from "../../src/interfaces/IInferenceServing.sol";
import {ILedgerManager} from "../../src/interfaces/ILedgerManager.sol";
import {LedgerFixture} from "./LedgerFixture.sol";

/// The user's way out.
contract LedgerRefundTest is LedgerFixture {
    /// P2: asking for the money back does not take it out of reach of what was served.
    function test_fuzz_closingStaysChargeable(uint256 wait) public {
        vm.prank(user);
        ledger.requestRefund(channelId);
        IInferenceServing.Item memory item = _item(0);
        wait = _bound(wait, 0, 12 hours);
        vm.warp(START + wait);
        _expectStatus(item, IInferenceServing.Status.PAID);
    }

    function test_closingStaysChargeableUntilCompleted() public {
        vm.prank(user);
        ledger.requestRefund(channelId);
        vm.warp(START + 30 days);
        _expectStatus(_item(0), IInferenceServing.Status.PAID);
    }

    /// P15: the delay starts anew each time.
    function test_refund_cancel_and_repeat() public {
        vm.startPrank(user);
        for (uint256 i = 0; i < 3; ++i) {
            ledger.requestRefund(channelId);
            vm.warp(block.timestamp + 24 hours);
            vm.expectEmit(address(ledger));
            emit ILedgerManager.RefundCancelled(channelId);
            ledger.cancelRefund(channelId);
            vm.assertEq(ledger.channelOf(channelId).closeAt, 0);
        }
        ledger.requestRefund(channelId);
        uint256 closeAt = block.timestamp + 24 hours;
        vm.expectRevert(
            abi.encodeWithSelector(ILedgerManager.RefundNotDue.selector, closeAt, block.timestamp)
        );
        ledger.completeRefund(channelId);
        vm.stopPrank();
    }

    function test_refund_reverts() public {
        bytes memory notUser = abi.encodeWithSelector(ILedgerManager.NotUser.selector, channelId, attacker);
        vm.startPrank(attacker);
        vm.expectRevert(notUser);
        ledger.requestRefund(channelId);
        vm.expectRevert(notUser);
        ledger.cancelRefund(channelId);
        vm.stopPrank();

        vm.startPrank(user);
        vm.expectRevert(_wrongState(ILedgerManager.State.OPEN));
        ledger.cancelRefund(channelId);
        vm.expectRevert(_wrongState(ILedgerManager.State.OPEN));
        ledger.completeRefund(channelId);
        ledger.requestRefund(channelId);
        vm.expectRevert(_wrongState(ILedgerManager.State.CLOSING));
        ledger.requestRefund(channelId);
        vm.stopPrank();
    }
}
