// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {LedgerManager} from "../../src/LedgerManager.sol";
import {Governed} from "../../src/governance/Governed.sol";
import {IInferenceServing} from "../../src/interfaces/IInferenceServing.sol";
import {ILedgerManager} from "../../src/interfaces/ILedgerManager.sol";
import {Fixture} from "../Fixture.sol";

/// What the owner can do: stop what is new, and choose the delay of what is new.
contract LedgerGovernanceTest is Fixture {
    address private owner;

    function setUp() public override {
        super.setUp();
        owner = ledger.owner();
    }

    function test_constructor_needsAnOwner() public {
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableInvalidOwner.selector, address(0)));
        new LedgerManager(registry, identity, address(serving), address(0));
    }

    /// K8
    function test_fuzz_setRefundDelay(uint32 delay) public {
        vm.startPrank(owner);
        if (delay < 14 hours || delay > 7 days) {
            vm.expectRevert(_outOfBounds(delay));
            ledger.setRefundDelay(delay);
            vm.assertEq(ledger.refundDelay(), 24 hours);
        }
        delay = uint32(_bound(delay, 14 hours, 7 days));
        vm.expectEmit(address(ledger));
        emit Governed.PolicyChanged(owner, "refundDelay", delay);
        ledger.setRefundDelay(delay);
        vm.stopPrank();
        vm.assertEq(ledger.refundDelay(), delay);
    }

    /// K8: both ends are in, one second further is out.
    function test_parameter_bounds() public {
        vm.assertEq(ledger.MIN_REFUND_DELAY(), 14 hours);
        vm.assertEq(ledger.MAX_REFUND_DELAY(), 7 days);
        vm.startPrank(owner);
        ledger.setRefundDelay(14 hours);
        ledger.setRefundDelay(7 days);
        vm.expectRevert(_outOfBounds(14 hours - 1));
        ledger.setRefundDelay(14 hours - 1);
        vm.expectRevert(_outOfBounds(7 days + 1));
        ledger.setRefundDelay(7 days + 1);
    }

    function test_fuzz_onlyOwner(address caller) public {
        vm.assume(caller != owner);
        bytes memory refused = abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, caller);
        vm.startPrank(caller);
        vm.expectRevert(refused);
        ledger.setRefundDelay(24 hours);
        vm.expectRevert(refused);
        ledger.setIntakePaused(true);
    }

    /// P14: the delay of an open channel is the one it was opened with, whatever the owner does afterwards.
    function test_refund_delay_copied(uint32 before, uint32 later) public {
        before = uint32(_bound(before, 14 hours, 7 days));
        later = uint32(_bound(later, 14 hours, 7 days));
        vm.prank(owner);
        ledger.setRefundDelay(before);
        bytes32 id = _channel(1);
        vm.assertEq(ledger.channelOf(id).refundDelay, before);
        vm.prank(owner);
        ledger.setRefundDelay(later);
        vm.assertEq(ledger.channelOf(id).refundDelay, before);
        vm.assertEq(ledger.channelOf(channelId).refundDelay, 24 hours);

        vm.expectEmit(address(ledger));
        emit ILedgerManager.RefundRequested(id, uint64(START + before));
        vm.prank(user);
        ledger.requestRefund(id);
        // Nor does a change move a date that has been set.
        vm.prank(owner);
        ledger.setRefundDelay(later == 7 days ? 14 hours : 7 days);
        vm.warp(START + before - 1);
        vm.expectRevert(
            abi.encodeWithSelector(ILedgerManager.RefundNotDue.selector, START + before, START + before - 1)
        );
        ledger.completeRefund(id);
        vm.warp(START + before);
        vm.expectEmit(address(ledger));
        emit ILedgerManager.ChannelClosed(id, DEPOSIT);
        vm.prank(relayer);
        ledger.completeRefund(id);
        vm.assertEq(ledger.availableOf(user), DEPOSIT);
    }

    /// P10, I9: everything that is new stops, and nothing else does.
    function test_paused_exit() public {
        bytes32 voucherChannel = _voucherChannel(1);
        vm.startPrank(user);
        ledger.deposit{value: 1 ether}();
        bytes32 refunded = ledger.openChannel{value: DEPOSIT}(_open(2));
        vm.stopPrank();
        IInferenceServing.Item memory item = _item(0);
        IInferenceServing.Item memory later = _item(1);

        vm.expectEmit(address(ledger));
        emit Governed.PolicyChanged(owner, "intakePaused", 1);
        vm.prank(owner);
        ledger.setIntakePaused(true);
        _expectIntakePaused();

        _expectStatus(item, IInferenceServing.Status.PAID);
        _settleVoucher(voucherChannel, 0.1 ether);
        vm.startPrank(user);
        ledger.setSessionKey(channelId, relayer);
        ledger.requestRefund(channelId);
        ledger.cancelRefund(channelId);
        ledger.requestRefund(channelId);
        ledger.requestRefund(refunded);
        vm.stopPrank();
        _expectStatus(later, IInferenceServing.Status.PAID);
        vm.startPrank(provider);
        ledger.releaseChannel(voucherChannel);
        vm.assertEq(ledger.claim(relayer), relayer.balance);
        vm.stopPrank();
        vm.warp(START + 24 hours);
        ledger.completeRefund(channelId);
        ledger.completeRefund(refunded);
        vm.startPrank(user);
        ledger.withdraw(ledger.availableOf(user), user);
        vm.stopPrank();
        vm.assertEq(address(ledger).balance, 0);
        vm.assertEq(user.balance + relayer.balance, 10 ether);

        vm.expectEmit(address(ledger));
        emit Governed.PolicyChanged(owner, "intakePaused", 0);
        vm.prank(owner);
        ledger.setIntakePaused(false);
        _channel(3);
    }

    /// Renouncing leaves everything as it stands.
    function test_renounced() public {
        vm.prank(owner);
        ledger.renounceOwnership();
        vm.assertEq(ledger.owner(), address(0));
        _expectStatus(_item(0), IInferenceServing.Status.PAID);
        _channel(1);
    }

    function _expectIntakePaused() private {
        bytes memory paused = abi.encodeWithSelector(Governed.IntakePaused.selector);
        vm.startPrank(user);
        vm.expectRevert(paused);
        ledger.deposit{value: 1}();
        vm.expectRevert(paused);
        ledger.depositFor{value: 1}(attacker);
        vm.expectRevert(paused);
        ledger.openChannel{value: DEPOSIT}(_open(3));
        vm.expectRevert(paused);
        ledger.openChannelWithSig(_open(3), START, "");
        vm.expectRevert(paused);
        ledger.topUp{value: 1}(channelId, 1);
        vm.expectRevert(paused);
        ledger.topUpWithSig(channelId, 1, 0, START, "");
        vm.stopPrank();
    }

    function _outOfBounds(uint256 delay) private pure returns (bytes memory) {
        return abi.encodeWithSelector(
            Governed.OutOfBounds.selector, bytes32("refundDelay"), delay, 14 hours, 7 days
        );
    }
}
