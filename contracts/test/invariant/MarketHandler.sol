// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ComputeRegistry} from "../../src/ComputeRegistry.sol";
import {InferenceServing} from "../../src/InferenceServing.sol";
import {LedgerManager} from "../../src/LedgerManager.sol";
import {IInferenceServing} from "../../src/interfaces/IInferenceServing.sol";
import {ILedgerManager} from "../../src/interfaces/ILedgerManager.sol";
import {Test} from "../Test.sol";

/// @title Users, a provider and an attacker use ledger and serving in any order
/// @notice The node promises work as docs/protocol.md §5 allows it: only while a channel is OPEN and what is neither spent
/// nor promised covers the fee. Whatever the user does afterwards, a promise must be paid (attacks P2, P3, P13, P20).
contract MarketHandler is Test {
    struct Promise_ {
        IInferenceServing.Item item;
        uint256 fee;
        bool done;
    }

    LedgerManager private immutable ledger;
    InferenceServing private immutable serving;
    ComputeRegistry private immutable registry;
    address private immutable provider;
    bytes32 private immutable bindingId;
    uint256 private immutable signerKey;

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

    constructor(
        ComputeRegistry registry_,
        LedgerManager ledger_,
        InferenceServing serving_,
        address provider_,
        bytes32 bindingId_,
        uint256 signerKey_
    ) {
        (registry, ledger, serving) = (registry_, ledger_, serving_);
        (provider, bindingId, signerKey) = (provider_, bindingId_, signerKey_);
        for (uint256 i = 0; i < 3; ++i) {
            vm.deal(vm.addr(userKeys[i]), 100 ether);
        }
        vm.deal(attacker, 1 ether);
    }

    /* BALANCES */

    function depositNoRevert(uint256 who, uint256 amount) external {
        vm.prank(_user(who));
        ledger.deposit{value: _bound(amount, 1, 1 ether)}();
    }

    function depositForNoRevert(uint256 who, uint256 amount) external {
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
            amount: uint128(_bound(amount, 1, 1 ether)),
            sessionKey: vm.addr(userKeys[who % 3]),
            salt: ++_salt
        });
        if (from.balance < o.amount || !registry.isActive(0)) return;
        vm.prank(from);
        bytes32 id = ledger.openChannel{value: o.amount}(o);
        channels.push(id);
        sessionKeyOf[id] = userKeys[who % 3];
    }

    function topUpNoRevert(uint256 which, uint256 amount) external {
        (bytes32 id, ILedgerManager.Channel memory c) = _channel(which);
        amount = _bound(amount, 1, 1 ether);
        if (c.state != ILedgerManager.State.OPEN || c.user.balance < amount) return;
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

    /* WORK */

    /// The node takes work under its policy.
    function promiseWork(uint256 which, uint256 nonce, uint256 tokens, uint256 life) external {
        (bytes32 id, ILedgerManager.Channel memory c) = _channel(which);
        if (c.state != ILedgerManager.State.OPEN) return;
        nonce = _bound(nonce, 0, 511);
        if (serving.isNonceUsed(id, bindingId, nonce) || _isPromised(id, nonce)) return;
        uint32 output = uint32(_bound(tokens, 1, 4096));
        uint256 fee = serving.feeOf(id, 10, output);
        if (c.locked - c.spent < promisedOn[id] + fee) return;

        promisedOn[id] += fee;
        _promises.push();
        Promise_ storage made = _promises[_promises.length - 1];
        made.fee = fee;
        made.item = _signed(id, nonce, output, fee, uint64(block.timestamp + _bound(life, 0, 1 hours)));
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
        vm.assertEq(paid, made.fee, "paid another amount");
        vm.assertLe(paid, made.item.auth.maxFee, "above the user's cap");
    }

    /* ATTACKER */

    /// Everything an outsider can call with other people's ids. Nothing of it may succeed.
    function attackNoRevert(uint256 which, uint256 amount, uint256 op) external {
        (bytes32 id, ILedgerManager.Channel memory c) = _channel(which);
        bytes[8] memory calls = [
            abi.encodeCall(ledger.charge, (id, amount)),
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
        IInferenceServing.Item memory item =
            _signed(id, nonce, uint32(_bound(tokens, 1, 4096)), 1 ether, uint64(block.timestamp));
        if (ownsSession) item.receiptSig = _signature(0xbad, serving.receiptDigest(item.receipt));
        else item.authSig = _signature(0xbad, item.receipt.authHash);
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
        (IInferenceServing.Status[] memory statuses, uint256[] memory fees) = serving.settle(items);
        if (fees[0] != 0) _countPaid(item.auth);
        return (statuses[0], fees[0]);
    }

    function _countPaid(IInferenceServing.RequestAuth memory auth) private {
        bytes32 nonceId = keccak256(abi.encode(auth.channelId, auth.bindingId, auth.nonce));
        if (++timesPaid[nonceId] == 1) paidNonces.push(nonceId);
    }

    function _signed(bytes32 id, uint256 nonce, uint32 output, uint256 maxFee, uint64 validUntil)
        private
        view
        returns (IInferenceServing.Item memory item)
    {
        item.auth = IInferenceServing.RequestAuth({
            channelId: id,
            nonce: nonce,
            bindingId: bindingId,
            requestHash: keccak256(abi.encode(id, nonce)),
            maxFee: uint128(maxFee),
            validUntil: validUntil
        });
        item.receipt = IInferenceServing.Receipt({
            authHash: serving.authDigest(item.auth),
            responseHash: "response",
            inputTokens: 10,
            outputTokens: output,
            finish: 0,
            issuedAt: uint64(block.timestamp)
        });
        item.authSig = _signature(sessionKeyOf[id], item.receipt.authHash);
        item.receiptSig = _signature(signerKey, serving.receiptDigest(item.receipt));
    }

    /// I3: what a user does before closeAt never lowers what can be charged.
    function _requireNotLess(bytes32 id, ILedgerManager.Channel memory before) private view {
        ILedgerManager.Channel memory c = ledger.channelOf(id);
        vm.assertGe(c.locked - c.spent, before.locked - before.spent, "chargeable went down");
        vm.assertGe(c.locked - c.spent, promisedOn[id], "promises are not covered");
    }

    function _isPromised(bytes32 id, uint256 nonce) private view returns (bool) {
        for (uint256 i = 0; i < _promises.length; ++i) {
            IInferenceServing.RequestAuth storage auth = _promises[i].item.auth;
            if (auth.channelId == id && auth.nonce == nonce) return true;
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
