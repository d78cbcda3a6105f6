// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {LedgerManager} from "../../src/LedgerManager.sol";
import {ILedgerManager} from "../../src/interfaces/ILedgerManager.sol";
import {FlippingWallet, RefusingReceiver} from "../Receivers.sol";
import {LedgerFixture} from "./LedgerFixture.sol";

/// A channel opened without gas of the user.
contract LedgerOpenChannelWithSigTest is LedgerFixture {
    /// P12: no transaction of the provider and no gas of the user.
    function test_open_channel_by_signature() public {
        ILedgerManager.Open memory o = _open(1);
        bytes memory sig = _openSig(o, START, USER_KEY);
        vm.prank(user);
        ledger.deposit{value: 1 ether}();

        vm.prank(relayer);
        bytes32 id = ledger.openChannelWithSig(o, START, sig);
        vm.assertEq(ledger.channelOf(id).user, user);
        vm.assertEq(ledger.availableOf(user), 0);

        vm.expectRevert(abi.encodeWithSelector(ILedgerManager.ChannelExists.selector, id));
        ledger.openChannelWithSig(o, START, sig);
    }

    function test_openChannelWithSig_reverts() public {
        ILedgerManager.Open memory o = _open(1);
        vm.prank(user);
        ledger.deposit{value: 5 ether}();
        bytes memory invalid = abi.encodeWithSelector(ILedgerManager.InvalidSignature.selector, user);

        bytes memory sig = _openSig(o, START - 1, USER_KEY);
        vm.expectRevert(abi.encodeWithSelector(ILedgerManager.SignatureExpired.selector, START - 1));
        ledger.openChannelWithSig(o, START - 1, sig);

        sig = _openSig(o, START, SESSION_KEY);
        vm.expectRevert(invalid);
        ledger.openChannelWithSig(o, START, sig);

        sig = _openSig(o, START, USER_KEY);
        vm.expectRevert(invalid);
        ledger.openChannelWithSig(o, START + 1, sig);
        o.amount += 1;
        vm.expectRevert(invalid);
        ledger.openChannelWithSig(o, START, sig);
        vm.expectRevert(invalid);
        ledger.openChannelWithSig(o, START, "");
    }

    function test_openChannelWithSig_acceptsAContractWallet() public {
        FlippingWallet wallet = new FlippingWallet();
        ILedgerManager.Open memory o = _open(1);
        o.user = address(wallet);
        vm.prank(user);
        ledger.depositFor{value: 1 ether}(address(wallet));
        bytes32 id = ledger.openChannelWithSig(o, START, "");
        vm.assertEq(ledger.channelOf(id).user, address(wallet));

        wallet.flip();
        o.salt = 2;
        vm.expectRevert(abi.encodeWithSelector(ILedgerManager.InvalidSignature.selector, address(wallet)));
        ledger.openChannelWithSig(o, START, "");
    }

    /// An EIP-7702 account has a key and code; its delegate need not know ERC-1271.
    function test_openChannelWithSig_acceptsTheKeyOfADelegatedAccount() public {
        ILedgerManager.Open memory o = _open(1);
        bytes memory sig = _openSig(o, START, USER_KEY);
        vm.prank(user);
        ledger.deposit{value: 1 ether}();
        vm.etch(user, abi.encodePacked(hex"ef0100", address(new RefusingReceiver())));
        bytes32 id = ledger.openChannelWithSig(o, START, sig);
        vm.assertEq(ledger.channelOf(id).user, user);
    }

    /// Nobody is no user, whatever recovers to nobody.
    function test_openChannelWithSig_notForTheZeroAddress() public {
        ILedgerManager.Open memory o = _open(1);
        o.user = address(0);
        vm.expectRevert(abi.encodeWithSelector(ILedgerManager.InvalidSignature.selector, address(0)));
        ledger.openChannelWithSig(o, START, new bytes(65));
    }

    /// P5: consent to an opening here says nothing at another ledger or on another chain.
    function test_openChannelWithSig_otherDomain() public {
        ILedgerManager.Open memory o = _open(1);
        bytes memory sig = _openSig(o, START, USER_KEY);
        LedgerManager other = new LedgerManager(registry, identity, address(serving), address(this));
        vm.startPrank(user);
        ledger.deposit{value: 1 ether}();
        other.deposit{value: 1 ether}();
        vm.stopPrank();
        bytes memory invalid = abi.encodeWithSelector(ILedgerManager.InvalidSignature.selector, user);
        vm.expectRevert(invalid);
        other.openChannelWithSig(o, START, sig);
        vm.chainId(8453);
        vm.expectRevert(invalid);
        ledger.openChannelWithSig(o, START, sig);
        vm.chainId(31_337);
        ledger.openChannelWithSig(o, START, sig);
    }
}
