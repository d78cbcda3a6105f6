// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IInferenceServing} from "../../src/interfaces/IInferenceServing.sol";
import {ILedgerManager} from "../../src/interfaces/ILedgerManager.sol";
import {LedgerFixture} from "./LedgerFixture.sol";

contract LedgerSetSessionKeyTest is LedgerFixture {
    /// P20: a replaced key stays good for what it may have signed, and no longer.
    function test_session_rotation() public {
        IInferenceServing.Item memory item = _item(0);
        IInferenceServing.Item memory later = _item(1);
        vm.expectEmit(address(ledger));
        emit ILedgerManager.SessionKeySet(channelId, session, relayer);
        vm.prank(user);
        ledger.setSessionKey(channelId, relayer);

        _expectStatus(item, IInferenceServing.Status.PAID);
        vm.warp(START + 13 hours);
        vm.assertTrue(ledger.isSessionKey(channelId, session));
        _expectStatus(later, IInferenceServing.Status.PAID);
        vm.warp(START + 13 hours + 1);
        vm.assertFalse(ledger.isSessionKey(channelId, session));
        vm.assertTrue(ledger.isSessionKey(channelId, relayer));
        _expectStatus(_item(2), IInferenceServing.Status.BAD_AUTH);
    }

    /// P20: rotating many times does not push an old key out early.
    function test_session_rotation_manyTimes() public {
        IInferenceServing.Item memory item = _item(0);
        vm.startPrank(user);
        for (uint160 i = 1; i < 20; ++i) {
            ledger.setSessionKey(channelId, address(i));
        }
        ledger.setSessionKey(channelId, session);
        ledger.setSessionKey(channelId, address(1));
        vm.stopPrank();
        _expectStatus(item, IInferenceServing.Status.PAID);
    }

    function test_setSessionKey_reverts() public {
        vm.expectRevert(abi.encodeWithSelector(ILedgerManager.NotUser.selector, channelId, attacker));
        vm.prank(attacker);
        ledger.setSessionKey(channelId, attacker);
        vm.expectRevert(abi.encodeWithSelector(ILedgerManager.ZeroAddress.selector));
        vm.prank(user);
        ledger.setSessionKey(channelId, address(0));
        vm.assertFalse(ledger.isSessionKey("none", session));
    }
}
