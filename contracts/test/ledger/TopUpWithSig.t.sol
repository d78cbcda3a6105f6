// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {LedgerManager} from "../../src/LedgerManager.sol";
import {ILedgerManager} from "../../src/interfaces/ILedgerManager.sol";
import {ChannelLib} from "../../src/libraries/ChannelLib.sol";
import {Fixture} from "../Fixture.sol";
import {FlippingWallet} from "../Receivers.sol";

/// A channel topped up without gas of the user.
contract LedgerTopUpWithSigTest is Fixture {
    function setUp() public override {
        super.setUp();
        vm.prank(user);
        ledger.deposit{value: 2 ether}();
    }

    function test_fuzz_topUpWithSig(uint128 amount, uint256 salt, address anyone) public {
        amount = uint128(_bound(amount, 1, 2 ether));
        bytes memory sig = _sig(channelId, amount, salt, START, USER_KEY);
        vm.assertFalse(ledger.isSaltUsed(channelId, salt));
        vm.expectEmit(address(ledger));
        emit ILedgerManager.ChannelToppedUp(channelId, amount);
        vm.prank(anyone);
        ledger.topUpWithSig(channelId, amount, salt, START, sig);

        vm.assertEq(ledger.channelOf(channelId).locked, uint256(DEPOSIT) + amount);
        vm.assertEq(ledger.availableOf(user), 2 ether - uint256(amount));
        vm.assertTrue(ledger.isSaltUsed(channelId, salt));
        vm.assertFalse(ledger.isSaltUsed(channelId, salt ^ 1));
    }

    /// P33: one signature, one top-up; the same salt in no other one either, and in another channel of course.
    function test_topUpWithSig_once() public {
        bytes memory sig = _sig(channelId, 1, 7, START, USER_KEY);
        ledger.topUpWithSig(channelId, 1, 7, START, sig);
        bytes memory used = abi.encodeWithSelector(ILedgerManager.SaltUsed.selector, channelId, 7);
        vm.expectRevert(used);
        ledger.topUpWithSig(channelId, 1, 7, START, sig);
        sig = _sig(channelId, 2, 7, START, USER_KEY);
        vm.expectRevert(used);
        ledger.topUpWithSig(channelId, 2, 7, START, sig);

        bytes32 other = _channel(1);
        ledger.topUpWithSig(other, 1, 7, START, _sig(other, 1, 7, START, USER_KEY));
    }

    function test_fuzz_topUpWithSig_everyFieldIsSigned(uint8 field, uint256 value) public {
        bytes memory sig = _sig(channelId, 1 ether, 7, START + 5, USER_KEY);
        (bytes32 id, uint128 amount, uint256 salt, uint256 deadline) = (channelId, 1 ether, 7, START + 5);
        field = uint8(_bound(field, 0, 3));
        if (field == 0) id = _channel(1);
        if (field == 1) amount = uint128(_bound(value, 1, 1 ether - 1));
        if (field == 2) salt = value;
        if (field == 3) deadline = _bound(value, START + 6, type(uint256).max - 1);
        vm.assume(field != 2 || value != 7);
        vm.expectRevert(abi.encodeWithSelector(ILedgerManager.InvalidSignature.selector, user));
        ledger.topUpWithSig(id, amount, salt, deadline, sig);
    }

    function test_topUpWithSig_reverts() public {
        bytes memory sig = _sig(channelId, 1, 0, START - 1, USER_KEY);
        vm.expectRevert(abi.encodeWithSelector(ILedgerManager.SignatureExpired.selector, START - 1));
        ledger.topUpWithSig(channelId, 1, 0, START - 1, sig);
        sig = _sig(channelId, 1, 0, START, SESSION_KEY);
        vm.expectRevert(abi.encodeWithSelector(ILedgerManager.InvalidSignature.selector, user));
        ledger.topUpWithSig(channelId, 1, 0, START, sig);
        // Nobody is no user, whatever recovers to nobody.
        vm.expectRevert(abi.encodeWithSelector(ILedgerManager.InvalidSignature.selector, address(0)));
        ledger.topUpWithSig("none", 1, 0, START, new bytes(65));

        sig = _sig(channelId, 0, 0, START, USER_KEY);
        vm.expectRevert(abi.encodeWithSelector(ILedgerManager.ZeroAmount.selector));
        ledger.topUpWithSig(channelId, 0, 0, START, sig);
        sig = _sig(channelId, 3 ether, 0, START, USER_KEY);
        vm.expectRevert(abi.encodeWithSelector(ILedgerManager.InsufficientBalance.selector, 3 ether, 2 ether));
        ledger.topUpWithSig(channelId, 3 ether, 0, START, sig);
        // A refused one takes no salt.
        vm.assertFalse(ledger.isSaltUsed(channelId, 0));

        vm.prank(user);
        ledger.requestRefund(channelId);
        sig = _sig(channelId, 1, 0, START, USER_KEY);
        vm.expectRevert(
            abi.encodeWithSelector(
                ILedgerManager.WrongState.selector, channelId, ILedgerManager.State.CLOSING
            )
        );
        ledger.topUpWithSig(channelId, 1, 0, START, sig);
    }

    /// P5
    function test_topUpWithSig_otherDomain() public {
        bytes memory sig = _sig(channelId, 1, 0, START, USER_KEY);
        LedgerManager other = new LedgerManager(registry, identity, address(serving), address(this));
        vm.expectRevert(abi.encodeWithSelector(ILedgerManager.InvalidSignature.selector, address(0)));
        other.topUpWithSig(channelId, 1, 0, START, sig);
        vm.chainId(8453);
        vm.expectRevert(abi.encodeWithSelector(ILedgerManager.InvalidSignature.selector, user));
        ledger.topUpWithSig(channelId, 1, 0, START, sig);
    }

    function test_topUpWithSig_acceptsAContractWallet() public {
        FlippingWallet wallet = new FlippingWallet();
        ILedgerManager.Open memory o = _open(1);
        o.user = address(wallet);
        vm.prank(user);
        ledger.depositFor{value: 2 ether}(address(wallet));
        bytes32 id = ledger.openChannelWithSig(o, START, "");
        ledger.topUpWithSig(id, 1 ether, 0, START, "");
        vm.assertEq(ledger.channelOf(id).locked, 2 ether);
        wallet.flip();
        vm.expectRevert(abi.encodeWithSelector(ILedgerManager.InvalidSignature.selector, address(wallet)));
        ledger.topUpWithSig(id, 1, 1, START, "");
    }

    function _sig(bytes32 id, uint128 amount, uint256 salt, uint256 deadline, uint256 key)
        private
        view
        returns (bytes memory)
    {
        bytes32 structHash = ChannelLib.hashTopUp(id, amount, salt, deadline);
        return _signature(key, _typed(ledger.domainSeparator(), structHash));
    }
}
