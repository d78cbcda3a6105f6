// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ILedgerManager} from "../../src/interfaces/ILedgerManager.sol";
import {MarketWorld} from "./MarketWorld.sol";

/// @title Users move their money, and open and close channels
abstract contract ChannelCalls is MarketWorld {
    uint256 private _salt;

    /* BALANCES */

    function depositNoRevert(uint256 who, uint256 amount) external {
        if (_isClosedIntake()) return;
        vm.prank(_user(who));
        ledger.deposit{value: _bound(amount, 1, 1 ether)}();
    }

    function depositForNoRevert(uint256 who, uint256 amount) external {
        if (_isClosedIntake()) return;
        address receiver = _user(who);
        vm.prank(_user(who / 3));
        ledger.depositFor{value: _bound(amount, 1, 1 ether)}(receiver);
    }

    function withdrawNoRevert(uint256 who, uint256 amount) external {
        address from = _user(who);
        uint256 available = ledger.availableOf(from);
        if (available == 0) return;
        vm.prank(from);
        ledger.withdraw(_bound(amount, 1, available), from);
    }

    function claimNoRevert() external {
        uint256 owed = ledger.claimableOf(provider);
        if (owed == 0) return;
        uint256 before = provider.balance;
        vm.prank(provider);
        ledger.claim(provider);
        vm.assertEq(provider.balance, before + owed);
    }

    /* CHANNELS */

    function openNoRevert(uint256 who, uint256 amount) external {
        address from = _user(who);
        ILedgerManager.Open memory o = ILedgerManager.Open({
            user: from,
            agentId: 0,
            serviceId: 0,
            priceVersion: registry.currentPriceVersion(0, 0),
            // Every third channel is paid by vouchers.
            mode: ++_salt % 3 == 0 ? ILedgerManager.Mode.VOUCHER : ILedgerManager.Mode.RECEIPT,
            amount: uint128(_bound(amount, 1, 1 ether)),
            sessionKey: vm.addr(userKeys[who % 3]),
            salt: _salt
        });
        if (_isClosedIntake() || from.balance < o.amount || !registry.isActive(0)) return;
        vm.prank(from);
        bytes32 id = ledger.openChannel{value: o.amount}(o);
        channels.push(id);
        sessionKeyOf[id] = userKeys[who % 3];
    }

    function topUpNoRevert(uint256 which, uint256 amount) external {
        (bytes32 id, ILedgerManager.Channel memory c) = _channel(which);
        amount = _bound(amount, 1, 1 ether);
        if (_isClosedIntake() || c.state != ILedgerManager.State.OPEN || c.user.balance < amount) return;
        vm.prank(c.user);
        ledger.topUp{value: amount}(id, uint128(amount));
        _requireNotLess(id, c);
    }

    function requestRefundNoRevert(uint256 which) external {
        (bytes32 id, ILedgerManager.Channel memory c) = _channel(which);
        if (c.state != ILedgerManager.State.OPEN) return;
        vm.prank(c.user);
        ledger.requestRefund(id);
        _requireNotLess(id, c);
    }

    function cancelRefundNoRevert(uint256 which) external {
        (bytes32 id, ILedgerManager.Channel memory c) = _channel(which);
        if (c.state != ILedgerManager.State.CLOSING) return;
        vm.prank(c.user);
        ledger.cancelRefund(id);
        _requireNotLess(id, c);
    }

    /// Anyone, as soon as it is due; before that nobody.
    function completeRefund(uint256 which) external {
        (bytes32 id, ILedgerManager.Channel memory c) = _channel(which);
        vm.prank(attacker);
        try ledger.completeRefund(id) {
            vm.assertTrue(
                c.state == ILedgerManager.State.CLOSING && block.timestamp >= c.closeAt, "too early"
            );
        } catch {
            vm.assertTrue(
                c.state != ILedgerManager.State.CLOSING || block.timestamp < c.closeAt, "exit blocked"
            );
            _requireNotLess(id, c);
        }
    }

    function releaseNoRevert(uint256 which) external {
        (bytes32 id, ILedgerManager.Channel memory c) = _channel(which);
        bool live = c.state == ILedgerManager.State.OPEN || c.state == ILedgerManager.State.CLOSING;
        if (!live || promisedOn[id] != 0) return;
        vm.prank(provider);
        ledger.releaseChannel(id);
    }

    function rotateSessionKeyNoRevert(uint256 which, uint256 key) external {
        (bytes32 id, ILedgerManager.Channel memory c) = _channel(which);
        if (c.state != ILedgerManager.State.OPEN && c.state != ILedgerManager.State.CLOSING) return;
        sessionKeyOf[id] = _bound(key, 1, 1000);
        address session = vm.addr(sessionKeyOf[id]);
        vm.prank(c.user);
        ledger.setSessionKey(id, session);
        _requireNotLess(id, c);
    }

    /// The switch stops what is new; this looks that it does, and says whether to go on.
    function _isClosedIntake() private returns (bool closed) {
        closed = ledger.intakePaused();
        if (!closed) return false;
        vm.deal(address(this), 1);
        (bool success,) = address(ledger).call{value: 1}(abi.encodeCall(ledger.deposit, ()));
        vm.assertFalse(success, "intake is paused");
    }
}
