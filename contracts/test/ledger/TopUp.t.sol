// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ILedgerManager} from "../../src/interfaces/ILedgerManager.sol";
import {LedgerFixture} from "./LedgerFixture.sol";

contract LedgerTopUpTest is LedgerFixture {
    function test_fuzz_topUp(uint96 amount) public {
        amount = uint96(_bound(amount, 1, 4 ether));
        vm.expectEmit(address(ledger));
        emit ILedgerManager.ChannelToppedUp(channelId, amount);
        vm.prank(user);
        ledger.topUp{value: amount}(channelId, amount);
        vm.assertEq(ledger.channelOf(channelId).locked, uint256(DEPOSIT) + amount);
    }

    function test_topUp_reverts() public {
        vm.expectRevert(abi.encodeWithSelector(ILedgerManager.NotUser.selector, channelId, attacker));
        vm.prank(attacker);
        ledger.topUp{value: 1}(channelId, 1);
        vm.startPrank(user);
        vm.expectRevert(abi.encodeWithSelector(ILedgerManager.ZeroAmount.selector));
        ledger.topUp(channelId, 0);
        vm.expectRevert(abi.encodeWithSelector(ILedgerManager.InsufficientBalance.selector, 2, 1));
        ledger.topUp{value: 1}(channelId, 2);
        ledger.requestRefund(channelId);
        vm.expectRevert(_wrongState(ILedgerManager.State.CLOSING));
        ledger.topUp{value: 1}(channelId, 1);
        vm.stopPrank();
    }
}
