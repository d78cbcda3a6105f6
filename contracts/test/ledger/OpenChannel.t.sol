// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IServices} from "../../src/interfaces/registry/IServices.sol";
import {IInferenceServing} from "../../src/interfaces/IInferenceServing.sol";
import {ILedgerManager} from "../../src/interfaces/ILedgerManager.sol";
import {LedgerFixture} from "./LedgerFixture.sol";

contract LedgerOpenChannelTest is LedgerFixture {
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
        _expectOpenRevert(o, 1 ether, abi.encodeWithSelector(IServices.UnknownService.selector, agentId, 7));
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
        IServices.Price memory next = _price(7, 8);
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

    /// The payee is the one of the opening, whatever becomes of the agent.
    function test_transferredAgentPaysTheOldPayee() public {
        IInferenceServing.Item memory item = _item(0);
        vm.prank(provider);
        identity.transferFrom(provider, attacker, agentId);
        _expectStatus(item, IInferenceServing.Status.PAID);
        vm.assertEq(ledger.claimableOf(attacker), 0);
    }
}
