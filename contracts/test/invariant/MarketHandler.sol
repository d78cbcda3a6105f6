// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ComputeRegistry} from "../../src/ComputeRegistry.sol";
import {InferenceServing} from "../../src/InferenceServing.sol";
import {LedgerManager} from "../../src/LedgerManager.sol";
import {IInferenceServing} from "../../src/interfaces/IInferenceServing.sol";
import {ILedgerManager} from "../../src/interfaces/ILedgerManager.sol";
import {Test} from "../Test.sol";

/// @title Users, a provider with two replicas, the owner and an attacker use ledger and serving in any order
/// @notice The node promises work as docs/protocol.md §5 allows it: only while a channel is OPEN and what is neither spent
/// nor promised covers the fee. Whatever the user does afterwards, a promise must be paid (attacks P2, P3, P13, P20).
contract MarketHandler is Test {
    struct Promise_ {
        IInferenceServing.Item item;
        uint256 fee;
        bool done;
    }

    struct Replica {
        bytes32 bindingId;
        uint256 signerKey;
    }

    LedgerManager private immutable ledger;
    InferenceServing private immutable serving;
    ComputeRegistry private immutable registry;
    address private immutable provider;
    address private immutable owner;
    Replica[2] private _replicas;

    uint256[3] public userKeys = [uint256(0xa1), 0xa2, 0xa3];
    address public immutable attacker = vm.addr(0xbad);
    bytes32[] public channels;
    mapping(bytes32 channelId => uint256) public sessionKeyOf;
    mapping(bytes32 channelId => uint256) public promisedOn;

    Promise_[] private _promises;
    uint256 private _salt;

    /// @notice How often each (channel, binding, nonce) was paid, for whatever receipt; see I4.
    mapping(bytes32 nonceId => uint256) public timesPaid;
    bytes32[] public paidNonces;
    /// @notice Highest voucher of each channel, and channels in that mode.
    mapping(bytes32 channelId => uint128) public promisedSum;

    constructor(
        ComputeRegistry registry_,
        LedgerManager ledger_,
        InferenceServing serving_,
        address provider_,
        Replica[2] memory replicas
    ) {
        (registry, ledger, serving) = (registry_, ledger_, serving_);
        (provider, owner) = (provider_, ledger_.owner());
        (_replicas[0], _replicas[1]) = (replicas[0], replicas[1]);
        for (uint256 i = 0; i < 3; ++i) {
            vm.deal(vm.addr(userKeys[i]), 100 ether);
        }
        vm.deal(attacker, 1 ether);
    }

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

    /* PROVIDER */

    /// The provider switches itself off and on; what was promised stays payable.
    function setActiveNoRevert(bool active) external {
        vm.prank(provider);
        registry.setActive(0, active);
    }

    function changeEndpointNoRevert() external {
        vm.prank(provider);
        registry.updateEndpoint(0, "https://moved.example");
    }

    /* OWNER */

    /// Every setter of the owner, within bounds and outside; whatever it does, promises and exits hold (I8, I9, P7).
    function governNoRevert(uint32 delay, bool paused, uint8 op) external {
        bytes[4] memory calls = [
            abi.encodeCall(ledger.setRefundDelay, (delay)),
            abi.encodeCall(ledger.setRefundDelay, (uint32(_bound(delay, 14 hours, 7 days)))),
            abi.encodeCall(ledger.setIntakePaused, (paused)),
            abi.encodeCall(ledger.charge, (channels[delay % channels.length], delay, 0))
        ];
        vm.prank(owner);
        (bool success,) = address(ledger).call(calls[op % 4]);
        vm.assertEq(
            success, op % 4 == 1 || op % 4 == 2 || (op % 4 == 0 && delay >= 14 hours && delay <= 7 days)
        );
    }

    /* WORK */

    /// One of the two replicas takes work under the node's policy. They share reservations (attack P4), not nonces.
    function promiseWork(uint256 which, uint256 nonce, uint256 tokens, uint256 life, uint256 spare) external {
        (bytes32 id, ILedgerManager.Channel memory c) = _channel(which);
        if (c.state != ILedgerManager.State.OPEN || c.mode != ILedgerManager.Mode.RECEIPT) return;
        Replica memory replica = _replicas[nonce & 1];
        nonce = _bound(nonce >> 1, 0, 511);
        if (serving.isNonceUsed(id, replica.bindingId, nonce) || _isPromised(id, replica.bindingId, nonce)) {
            return;
        }
        uint32 output = uint32(_bound(tokens, 1, 4096));
        uint256 fee = serving.feeOf(id, 10, output);
        if (c.locked - c.spent < promisedOn[id] + fee) return;

        promisedOn[id] += fee;
        _promises.push();
        Promise_ storage made = _promises[_promises.length - 1];
        made.fee = fee;
        // The cap is the fee or more; what is paid is the fee.
        uint256 cap = fee + _bound(spare, 0, 1 ether);
        uint64 validUntil = uint64(block.timestamp + _bound(life, 0, 1 hours));
        made.item = _signed(replica, id, nonce, output, cap, validUntil);
    }

    /// The session key promises a sum; the provider collects what is new of it.
    function voucherNoRevert(uint256 which, uint256 sum) external {
        (bytes32 id, ILedgerManager.Channel memory c) = _channel(which);
        if (c.mode != ILedgerManager.Mode.VOUCHER || c.state == ILedgerManager.State.CLOSED) return;
        IInferenceServing.Voucher memory voucher =
            IInferenceServing.Voucher(id, uint128(_bound(sum, 0, 2 * uint256(c.locked))));
        uint256 due = voucher.cumulative < c.locked ? voucher.cumulative : c.locked;
        if (due <= c.spent) return;
        if (voucher.cumulative > promisedSum[id]) promisedSum[id] = voucher.cumulative;
        uint256 paid =
            serving.settleVoucher(voucher, _compact(sessionKeyOf[id], serving.voucherDigest(voucher)));
        vm.assertEq(paid, due - c.spent);
    }

    function redeem(uint256 which) external {
        if (_promises.length == 0) return;
        Promise_ storage made = _promises[which % _promises.length];
        bytes32 id = made.item.auth.channelId;
        (IInferenceServing.Status status, uint256 paid) = _settle(made.item);
        if (made.done) {
            vm.assertEq(paid, 0, "paid twice");
            return;
        }
        made.done = true;
        promisedOn[id] -= made.fee;
        bool inTime = block.timestamp <= uint256(made.item.auth.validUntil) + serving.SETTLE_WINDOW();
        if (!inTime) {
            vm.assertEq(paid, 0, "after the window");
            return;
        }
        vm.assertTrue(status == IInferenceServing.Status.PAID, "a promise was not paid");
        // I5
        vm.assertEq(paid, made.fee, "paid another amount");
        vm.assertLe(paid, made.item.auth.maxFee, "above the user's cap");
    }

    /* ATTACKER */

    /// Everything an outsider can call with other people's ids. Nothing of it may succeed.
    function attackNoRevert(uint256 which, uint256 amount, uint256 op) external {
        (bytes32 id, ILedgerManager.Channel memory c) = _channel(which);
        bytes[8] memory calls = [
            abi.encodeCall(ledger.charge, (id, amount, 1)),
            abi.encodeCall(ledger.withdraw, (_bound(amount, 1, type(uint128).max), attacker)),
            abi.encodeCall(ledger.claim, (attacker)),
            abi.encodeCall(ledger.requestRefund, (id)),
            abi.encodeCall(ledger.cancelRefund, (id)),
            abi.encodeCall(ledger.releaseChannel, (id)),
            abi.encodeCall(ledger.setSessionKey, (id, attacker)),
            abi.encodeCall(ledger.topUp, (id, 1))
        ];
        vm.prank(attacker);
        (bool success,) = address(ledger).call(calls[op % calls.length]);
        vm.assertFalse(success, "an outsider succeeded");
        _requireNotLess(id, c);
    }

    /// One of the two keys is not enough, whichever.
    function forge(uint256 which, uint256 nonce, bool ownsSession, uint256 tokens) external {
        (bytes32 id, ILedgerManager.Channel memory c) = _channel(which);
        if (c.state == ILedgerManager.State.NONE) return;
        uint32 output = uint32(_bound(tokens, 1, 4096));
        IInferenceServing.Item memory item =
            _signed(_replicas[nonce & 1], id, nonce, output, 1 ether, uint64(block.timestamp));
        // Also by the other replica's signer.
        uint256 wrongKey = tokens & 1 == 0 ? 0xbad : _replicas[(nonce ^ 1) & 1].signerKey;
        bytes32 authHash = serving.authDigest(item.auth);
        if (ownsSession) item.receiptSig = _compact(wrongKey, _receiptDigest(item, authHash));
        else item.authSig = _compact(wrongKey, authHash);
        (, uint256 paid) = _settle(item);
        vm.assertEq(paid, 0, "forged");
    }

    function passTime(uint256 time) external {
        vm.warp(block.timestamp + _bound(time, 1, 9 hours));
    }

    /* VIEWS */

    function channelCount() external view returns (uint256) {
        return channels.length;
    }

    function paidCount() external view returns (uint256) {
        return paidNonces.length;
    }

    function _settle(IInferenceServing.Item memory item) private returns (IInferenceServing.Status, uint256) {
        IInferenceServing.Item[] memory items = new IInferenceServing.Item[](1);
        items[0] = item;
        (IInferenceServing.Status[] memory statuses, uint256[] memory fees) = serving.settle(items, false);
        if (fees[0] != 0) _countPaid(item.auth);
        return (statuses[0], fees[0]);
    }

    function _countPaid(IInferenceServing.RequestAuth memory auth) private {
        bytes32 nonceId = keccak256(abi.encode(auth.channelId, auth.bindingId, auth.nonce));
        if (++timesPaid[nonceId] == 1) paidNonces.push(nonceId);
    }

    function _signed(
        Replica memory replica,
        bytes32 id,
        uint256 nonce,
        uint32 output,
        uint256 maxFee,
        uint64 validUntil
    ) private view returns (IInferenceServing.Item memory item) {
        item.auth = IInferenceServing.RequestAuth({
            channelId: id,
            nonce: nonce,
            bindingId: replica.bindingId,
            requestHash: keccak256(abi.encode(id, nonce)),
            maxFee: uint128(maxFee),
            validUntil: validUntil
        });
        item.delivery = IInferenceServing.Delivery({
            responseHash: "response",
            inputTokens: 10,
            outputTokens: output,
            finish: 0,
            issuedAt: uint64(block.timestamp)
        });
        bytes32 authHash = serving.authDigest(item.auth);
        item.authSig = _compact(sessionKeyOf[id], authHash);
        item.receiptSig = _compact(replica.signerKey, _receiptDigest(item, authHash));
    }

    function _receiptDigest(IInferenceServing.Item memory item, bytes32 authHash)
        private
        view
        returns (bytes32)
    {
        return serving.receiptDigest(
            IInferenceServing.Receipt({
                authHash: authHash,
                responseHash: item.delivery.responseHash,
                inputTokens: item.delivery.inputTokens,
                outputTokens: item.delivery.outputTokens,
                finish: item.delivery.finish,
                issuedAt: item.delivery.issuedAt
            })
        );
    }

    /// The switch stops what is new; this looks that it does, and says whether to go on.
    function _isClosedIntake() private returns (bool closed) {
        closed = ledger.intakePaused();
        if (!closed) return false;
        vm.deal(address(this), 1);
        (bool success,) = address(ledger).call{value: 1}(abi.encodeCall(ledger.deposit, ()));
        vm.assertFalse(success, "intake is paused");
    }

    /// I3: what a user does before closeAt never lowers what can be charged; a closed channel leaves nothing payable behind.
    function _requireNotLess(bytes32 id, ILedgerManager.Channel memory before) private view {
        ILedgerManager.Channel memory c = ledger.channelOf(id);
        vm.assertGe(c.locked - c.spent, before.locked - before.spent, "chargeable went down");
        // Promises nobody redeemed in time still count while the channel lives, as the node counts them.
        uint256 owed = c.state == ILedgerManager.State.CLOSED ? _payableOn(id) : promisedOn[id];
        vm.assertGe(c.locked - c.spent, owed, "promises are not covered");
    }

    function _payableOn(bytes32 id) private view returns (uint256 sum) {
        for (uint256 i = 0; i < _promises.length; ++i) {
            Promise_ storage made = _promises[i];
            if (made.done || made.item.auth.channelId != id) continue;
            if (block.timestamp <= uint256(made.item.auth.validUntil) + serving.SETTLE_WINDOW()) {
                sum += made.fee;
            }
        }
    }

    function _isPromised(bytes32 id, bytes32 bindingId, uint256 nonce) private view returns (bool) {
        for (uint256 i = 0; i < _promises.length; ++i) {
            IInferenceServing.RequestAuth storage auth = _promises[i].item.auth;
            if (auth.channelId == id && auth.bindingId == bindingId && auth.nonce == nonce) return true;
        }
        return false;
    }

    function _user(uint256 who) private view returns (address) {
        return vm.addr(userKeys[who % 3]);
    }

    /// An unknown channel before the first is opened.
    function _channel(uint256 which) private view returns (bytes32 id, ILedgerManager.Channel memory c) {
        if (channels.length != 0) id = channels[which % channels.length];
        c = ledger.channelOf(id);
    }
}
