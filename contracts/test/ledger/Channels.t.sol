// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {LedgerManager} from "../../src/LedgerManager.sol";
import {IComputeRegistry} from "../../src/interfaces/IComputeRegistry.sol";
import {IInferenceServing} from "../../src/interfaces/IInferenceServing.sol";
import {ILedgerManager} from "../../src/interfaces/ILedgerManager.sol";
import {ChannelLib} from "../../src/libraries/ChannelLib.sol";
import {Fixture} from "../Fixture.sol";
import {FlippingWallet, RefusingReceiver} from "../Receivers.sol";

/// The library takes calldata.
contract OpenHasher {
    function hash(ILedgerManager.Open calldata o, uint256 deadline) external pure returns (bytes32) {
        return ChannelLib.hashOpen(o, deadline);
    }
}

contract LedgerChannelsTest is Fixture {
    OpenHasher private hasher = new OpenHasher();

    /* OPENING */

    function test_fuzz_openChannel(uint96 amount, uint96 before, uint256 salt, address key) public {
        amount = uint96(_bound(amount, 1, 4 ether));
        before = uint96(_bound(before, 0, amount));
        vm.assume(key != address(0) && salt != 0);
        ILedgerManager.Open memory o = _open(salt);
        (o.amount, o.sessionKey) = (amount, key);
        bytes32 id = ledger.channelIdOf(o);

        vm.startPrank(user);
        if (before != 0) ledger.deposit{value: before}();
        vm.expectEmit(address(ledger));
        emit ILedgerManager.ChannelOpened(
            id, user, agentId, provider, serviceId, 1, ILedgerManager.Mode.RECEIPT, amount, key
        );
        vm.assertEq(ledger.openChannel{value: amount - before}(o), id);
        vm.stopPrank();

        ILedgerManager.Channel memory c = ledger.channelOf(id);
        vm.assertEq(c.user, user);
        vm.assertEq(c.agentId, agentId);
        vm.assertEq(c.payee, provider);
        vm.assertEq(c.serviceId, serviceId);
        vm.assertEq(c.priceVersion, 1);
        vm.assertEq(uint256(c.state), uint256(ILedgerManager.State.OPEN));
        vm.assertEq(c.locked, amount);
        vm.assertEq(c.spent, 0);
        vm.assertEq(c.closeAt, 0);
        vm.assertEq(c.sessionKey, key);
        vm.assertEq(ledger.availableOf(user), 0);
        vm.assertTrue(ledger.isSessionKey(id, key));
        vm.assertFalse(ledger.isSessionKey(id, address(0)));
    }

    function test_openChannel_reverts() public {
        ILedgerManager.Open memory o = _open(1);
        bytes32 id = ledger.channelIdOf(o);

        vm.expectRevert(abi.encodeWithSelector(ILedgerManager.NotUser.selector, id, attacker));
        vm.prank(attacker);
        ledger.openChannel{value: 1 ether}(o);

        _expectOpenRevert(
            o,
            1 ether - 1,
            abi.encodeWithSelector(ILedgerManager.InsufficientBalance.selector, 1 ether, 1 ether - 1)
        );
        o.amount = 0;
        _expectOpenRevert(o, 0, abi.encodeWithSelector(ILedgerManager.ZeroAmount.selector));
        o = _open(1);
        o.sessionKey = address(0);
        _expectOpenRevert(o, 1 ether, abi.encodeWithSelector(ILedgerManager.ZeroAddress.selector));
        o = _open(1);
        o.agentId = 7;
        _expectOpenRevert(o, 1 ether, abi.encodeWithSelector(ILedgerManager.ProviderNotActive.selector, 7));
        o = _open(1);
        o.serviceId = 7;
        _expectOpenRevert(
            o, 1 ether, abi.encodeWithSelector(IComputeRegistry.UnknownService.selector, agentId, 7)
        );
        o = _open(1);
        o.priceVersion = 2;
        _expectOpenRevert(o, 1 ether, abi.encodeWithSelector(ILedgerManager.PriceNotCurrent.selector, 1, 2));
        o = _open(0);
        _expectOpenRevert(
            o, 1 ether, abi.encodeWithSelector(ILedgerManager.ChannelExists.selector, channelId)
        );
    }

    function test_openChannel_needsAnOfferThatStands() public {
        ILedgerManager.Open memory o = _open(1);
        vm.prank(provider);
        registry.setServiceActive(agentId, serviceId, false);
        _expectOpenRevert(
            o, 1 ether, abi.encodeWithSelector(ILedgerManager.ServiceNotActive.selector, agentId, serviceId)
        );
        vm.startPrank(provider);
        registry.setServiceActive(agentId, serviceId, true);
        registry.setActive(agentId, false);
        vm.stopPrank();
        _expectOpenRevert(
            o, 1 ether, abi.encodeWithSelector(ILedgerManager.ProviderNotActive.selector, agentId)
        );
        vm.startPrank(provider);
        registry.setActive(agentId, true);
        identity.unsetAgentWallet(agentId);
        vm.stopPrank();
        _expectOpenRevert(o, 1 ether, abi.encodeWithSelector(ILedgerManager.NoAgentWallet.selector, agentId));
    }

    /// A price that has been replaced cannot be had any more, one that is announced not yet.
    function test_openChannel_onlyAtTheCurrentPrice() public {
        IComputeRegistry.Price memory next = _price(7, 8);
        next.effectiveFrom = uint64(START + 1 hours);
        vm.prank(provider);
        registry.setPrice(agentId, serviceId, next);
        ILedgerManager.Open memory o = _open(1);
        o.priceVersion = 2;
        _expectOpenRevert(o, 1 ether, abi.encodeWithSelector(ILedgerManager.PriceNotCurrent.selector, 1, 2));
        vm.warp(START + 1 hours);
        o.priceVersion = 1;
        _expectOpenRevert(o, 1 ether, abi.encodeWithSelector(ILedgerManager.PriceNotCurrent.selector, 2, 1));
        o.priceVersion = 2;
        vm.prank(user);
        ledger.openChannel{value: 1 ether}(o);
    }

    /// P5, P9: ids come from signed content, chain and contract.
    function test_fuzz_channelId_everyFieldCounts(uint8 field, uint256 value) public {
        ILedgerManager.Open memory o = _open(3);
        bytes memory before = abi.encode(o);
        bytes32 id = ledger.channelIdOf(o);
        vm.assertEq(id, keccak256(abi.encode(block.chainid, address(ledger), o)));
        field = uint8(_bound(field, 0, 7));
        if (field == 0) o.user = address(uint160(value));
        if (field == 1) o.agentId = value;
        if (field == 2) o.serviceId = uint32(value);
        if (field == 3) o.priceVersion = uint32(value);
        if (field == 4) o.amount = uint128(value);
        if (field == 5) o.sessionKey = address(uint160(value));
        if (field == 6) o.salt = value;
        if (field == 7) o.mode = ILedgerManager.Mode(value & 1);
        vm.assume(keccak256(abi.encode(o)) != keccak256(before));
        vm.assertNotEq(ledger.channelIdOf(o), id);
        vm.chainId(5);
        vm.assertNotEq(ledger.channelIdOf(_open(3)), id);
    }

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

    /// P18, I1: what is promised to providers is never more than what was paid in.
    function test_fuzz_locks_le_deposit(uint128[5] calldata amounts, uint96 paidIn) public {
        vm.deal(user, paidIn);
        vm.startPrank(user);
        if (paidIn != 0) ledger.deposit{value: paidIn}();
        uint256 locked;
        for (uint256 i = 0; i < amounts.length; ++i) {
            ILedgerManager.Open memory o = _open(i + 1);
            o.amount = uint128(_bound(amounts[i], 1, uint256(type(uint80).max)));
            if (locked + o.amount > paidIn) {
                vm.expectRevert(
                    abi.encodeWithSelector(
                        ILedgerManager.InsufficientBalance.selector, o.amount, paidIn - locked
                    )
                );
                ledger.openChannel(o);
            } else {
                ledger.openChannel(o);
                locked += o.amount;
            }
        }
        vm.stopPrank();
        vm.assertLe(locked, paidIn);
        vm.assertEq(ledger.availableOf(user), paidIn - locked);
    }

    /// P25: a provider may be its own user; it pays itself and gains nothing.
    function test_self_channel() public {
        ILedgerManager.Open memory o = _open(1);
        o.user = provider;
        vm.prank(provider);
        bytes32 id = ledger.openChannel{value: o.amount}(o);
        IInferenceServing.Item memory item = _signed(_auth(id, bindingId, 0), 100, 50);
        _expectStatus(item, IInferenceServing.Status.PAID);
        vm.prank(provider);
        ledger.releaseChannel(id);
        vm.assertEq(ledger.availableOf(provider) + ledger.claimableOf(provider), o.amount);
    }

    /* TOP-UP */

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

    /* CLOSING */

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

    /// P22
    function test_reopen_keeps_nonces() public {
        IInferenceServing.Item memory item = _item(0);
        _settle(item);
        vm.prank(provider);
        ledger.releaseChannel(channelId);
        _expectOpenRevert(
            _open(0), 1 ether, abi.encodeWithSelector(ILedgerManager.ChannelExists.selector, channelId)
        );
        vm.assertTrue(serving.isNonceUsed(channelId, bindingId, 0));
        _expectStatus(item, IInferenceServing.Status.ALREADY_USED);
    }

    /* SESSION KEYS */

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

    /// The payee is the one of the opening, whatever becomes of the agent.
    function test_transferredAgentPaysTheOldPayee() public {
        IInferenceServing.Item memory item = _item(0);
        vm.prank(provider);
        identity.transferFrom(provider, attacker, agentId);
        _expectStatus(item, IInferenceServing.Status.PAID);
        vm.assertEq(ledger.claimableOf(attacker), 0);
    }

    function _expectOpenRevert(ILedgerManager.Open memory o, uint256 value, bytes memory wanted) private {
        vm.expectRevert(wanted);
        vm.prank(user);
        ledger.openChannel{value: value}(o);
    }

    function _openSig(ILedgerManager.Open memory o, uint256 deadline, uint256 key)
        private
        view
        returns (bytes memory)
    {
        return _signature(key, _typed(ledger.domainSeparator(), hasher.hash(o, deadline)));
    }

    function _wrongState(ILedgerManager.State state) private view returns (bytes memory) {
        return abi.encodeWithSelector(ILedgerManager.WrongState.selector, channelId, state);
    }
}
