// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IInferenceServing} from "../../src/interfaces/IInferenceServing.sol";
import {ILedgerManager} from "../../src/interfaces/ILedgerManager.sol";
import {MarketWorld} from "./MarketWorld.sol";

/// @title Replicas take work and settle it, and somebody with one of the two keys tries to
abstract contract WorkCalls is MarketWorld {
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

    function _isPromised(bytes32 id, bytes32 bindingId, uint256 nonce) private view returns (bool) {
        for (uint256 i = 0; i < _promises.length; ++i) {
            IInferenceServing.RequestAuth storage auth = _promises[i].item.auth;
            if (auth.channelId == id && auth.bindingId == bindingId && auth.nonce == nonce) return true;
        }
        return false;
    }
}
