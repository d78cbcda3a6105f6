// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IInferenceServing} from "../../src/interfaces/IInferenceServing.sol";
import {ILedgerManager} from "../../src/interfaces/ILedgerManager.sol";
import {LedgerFixture} from "./LedgerFixture.sol";

/// The payee's way out, and that CLOSED is the end.
contract LedgerReleaseChannelTest is LedgerFixture {
    function test_releaseChannel() public {
        (, uint256 fee) = _settle(_item(0));
        vm.expectRevert(abi.encodeWithSelector(ILedgerManager.NotPayee.selector, channelId, user));
        vm.prank(user);
        ledger.releaseChannel(channelId);

        vm.expectEmit(address(ledger));
        emit ILedgerManager.ChannelClosed(channelId, uint128(DEPOSIT - fee));
        vm.prank(provider);
        ledger.releaseChannel(channelId);
        vm.assertEq(ledger.availableOf(user), DEPOSIT - fee);
        vm.assertEq(ledger.claimableOf(provider), fee);
    }

    function test_releaseChannel_fromClosing() public {
        vm.prank(user);
        ledger.requestRefund(channelId);
        vm.prank(provider);
        ledger.releaseChannel(channelId);
        vm.assertEq(ledger.availableOf(user), DEPOSIT);
    }

    /// P22, P27: CLOSED accepts nothing, and neither nonces nor the id come back.
    function test_dispute_after_close_reverts() public {
        IInferenceServing.Item memory paid = _item(0);
        IInferenceServing.Item memory unpaid = _item(1);
        (, uint256 fee) = _settle(paid);
        vm.prank(provider);
        ledger.releaseChannel(channelId);

        vm.startPrank(user);
        vm.expectRevert(_wrongState(ILedgerManager.State.CLOSED));
        ledger.requestRefund(channelId);
        vm.expectRevert(_wrongState(ILedgerManager.State.CLOSED));
        ledger.cancelRefund(channelId);
        vm.expectRevert(_wrongState(ILedgerManager.State.CLOSED));
        ledger.completeRefund(channelId);
        vm.expectRevert(_wrongState(ILedgerManager.State.CLOSED));
        ledger.topUp{value: 1}(channelId, 1);
        vm.expectRevert(_wrongState(ILedgerManager.State.CLOSED));
        ledger.setSessionKey(channelId, relayer);
        vm.stopPrank();
        vm.expectRevert(_wrongState(ILedgerManager.State.CLOSED));
        vm.prank(provider);
        ledger.releaseChannel(channelId);

        _expectStatus(unpaid, IInferenceServing.Status.CHANNEL_CLOSED);
        vm.assertEq(ledger.channelOf(channelId).spent, fee);
    }
}
