// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IInferenceServing} from "../../src/interfaces/IInferenceServing.sol";
import {ILedgerManager} from "../../src/interfaces/ILedgerManager.sol";
import {Fixture} from "../Fixture.sol";

/// Channels that one growing promise pays.
contract VoucherTest is Fixture {
    bytes32 private id;

    function setUp() public override {
        super.setUp();
        id = _voucherChannel(1);
    }

    /// Pays what is new of the promise, once, and never more than the channel holds.
    function test_fuzz_settleVoucher(uint128[6] calldata promises) public {
        uint256 spent;
        for (uint256 i = 0; i < promises.length; ++i) {
            uint128 cumulative = uint128(_bound(promises[i], 0, 2 * uint256(DEPOSIT)));
            uint256 due = cumulative < DEPOSIT ? cumulative : DEPOSIT;
            if (due <= spent) {
                IInferenceServing.Signature memory sig = _voucherSig(id, cumulative, SESSION_KEY);
                vm.expectRevert(_nothingDue(cumulative, due, spent));
                serving.settleVoucher(IInferenceServing.Voucher(id, cumulative), sig);
                continue;
            }
            vm.expectEmit(address(serving));
            emit IInferenceServing.VoucherSettled(id, agentId, user, cumulative, due - spent);
            vm.assertEq(_settleVoucher(id, cumulative), due - spent);
            spent = due;
        }
        vm.assertEq(ledger.channelOf(id).spent, spent);
        vm.assertEq(ledger.claimableOf(provider), spent);
        vm.assertEq(serving.settledVolume(user, agentId), spent);
        (uint64 settled, uint128 volume, uint64 users) = serving.counters(agentId);
        vm.assertEq(settled, 0);
        vm.assertEq(volume, spent);
        vm.assertEq(users, spent == 0 ? 0 : 1);
    }

    /// What the channel could not pay becomes payable with a top-up, by the same promise.
    function test_settleVoucher_afterTopUp() public {
        vm.assertEq(_settleVoucher(id, DEPOSIT + 5), DEPOSIT);
        IInferenceServing.Signature memory sig = _voucherSig(id, DEPOSIT + 5, SESSION_KEY);
        vm.expectRevert(_nothingDue(DEPOSIT + 5, DEPOSIT, DEPOSIT));
        serving.settleVoucher(IInferenceServing.Voucher(id, DEPOSIT + 5), sig);
        vm.prank(user);
        ledger.topUp{value: 7}(id, 7);
        vm.assertEq(_settleVoucher(id, DEPOSIT + 5), 5);
    }

    /// P19: a channel is charged by the one route it was opened for.
    function test_mode_exclusive() public {
        _expectStatus(_signed(_auth(id, bindingId, 0), 100, 50), IInferenceServing.Status.BAD_AUTH);
        IInferenceServing.Signature memory sig = _voucherSig(channelId, 1 ether, SESSION_KEY);
        vm.expectRevert(abi.encodeWithSelector(IInferenceServing.NoVoucherChannel.selector, channelId));
        serving.settleVoucher(IInferenceServing.Voucher(channelId, 1 ether), sig);

        // Also after the other route has been used, and whatever becomes of the channel.
        _expectStatus(_item(0), IInferenceServing.Status.PAID);
        _settleVoucher(id, 0.1 ether);
        vm.startPrank(user);
        ledger.requestRefund(id);
        ledger.requestRefund(channelId);
        vm.stopPrank();
        _expectStatus(_signed(_auth(id, bindingId, 0), 100, 50), IInferenceServing.Status.BAD_AUTH);
        vm.expectRevert(abi.encodeWithSelector(IInferenceServing.NoVoucherChannel.selector, channelId));
        serving.settleVoucher(IInferenceServing.Voucher(channelId, 1 ether), sig);
        vm.assertEq(uint256(ledger.channelOf(id).mode), uint256(ILedgerManager.Mode.VOUCHER));
    }

    function test_fuzz_settleVoucher_onlyTheSessionKey(uint256 key, uint128 cumulative) public {
        key = _bound(key, 1, type(uint128).max);
        cumulative = uint128(_bound(cumulative, 1, DEPOSIT));
        IInferenceServing.Signature memory sig = _voucherSig(id, cumulative, key);
        vm.expectRevert(abi.encodeWithSelector(IInferenceServing.InvalidSignature.selector, session));
        serving.settleVoucher(IInferenceServing.Voucher(id, cumulative), sig);
        // Signed for less.
        sig = _voucherSig(id, cumulative - 1, SESSION_KEY);
        vm.expectRevert(abi.encodeWithSelector(IInferenceServing.InvalidSignature.selector, session));
        serving.settleVoucher(IInferenceServing.Voucher(id, cumulative), sig);
        vm.expectRevert(abi.encodeWithSelector(IInferenceServing.InvalidSignature.selector, session));
        serving.settleVoucher(IInferenceServing.Voucher(id, cumulative), IInferenceServing.Signature(0, 0));
    }

    function test_settleVoucher_unknownChannel() public {
        IInferenceServing.Signature memory sig = _voucherSig("none", 1, SESSION_KEY);
        vm.expectRevert(abi.encodeWithSelector(IInferenceServing.NoVoucherChannel.selector, bytes32("none")));
        serving.settleVoucher(IInferenceServing.Voucher("none", 1), sig);
    }

    /// P2, P27: payable while CLOSING, until the refund is completed; then never.
    function test_settleVoucher_untilClosed() public {
        vm.prank(user);
        ledger.requestRefund(id);
        vm.warp(START + 30 days);
        vm.assertEq(_settleVoucher(id, 0.1 ether), 0.1 ether);
        ledger.completeRefund(id);
        IInferenceServing.Signature memory sig = _voucherSig(id, 0.2 ether, SESSION_KEY);
        vm.expectRevert(_nothingDue(0.2 ether, 0.1 ether, 0.1 ether));
        serving.settleVoucher(IInferenceServing.Voucher(id, 0.2 ether), sig);
    }

    /// P20: a promise outlives its key by the window.
    function test_settleVoucher_replacedKey() public {
        vm.prank(user);
        ledger.setSessionKey(id, relayer);
        vm.warp(START + 13 hours);
        vm.assertEq(_settleVoucher(id, 0.1 ether), 0.1 ether);
        vm.warp(START + 13 hours + 1);
        IInferenceServing.Signature memory sig = _voucherSig(id, 0.2 ether, SESSION_KEY);
        vm.expectRevert(abi.encodeWithSelector(IInferenceServing.InvalidSignature.selector, relayer));
        serving.settleVoucher(IInferenceServing.Voucher(id, 0.2 ether), sig);
    }

    function _nothingDue(uint256 cumulative, uint256 due, uint256 spent) private view returns (bytes memory) {
        return abi.encodeWithSelector(IInferenceServing.NothingDue.selector, id, cumulative, due, spent);
    }
}
