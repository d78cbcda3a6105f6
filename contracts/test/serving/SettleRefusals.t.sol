// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {InferenceServing} from "../../src/InferenceServing.sol";
import {IInferenceServing} from "../../src/interfaces/IInferenceServing.sol";
import {ILedgerManager} from "../../src/interfaces/ILedgerManager.sol";
import {Fixture} from "../Fixture.sol";
import {FlippingWallet} from "../Receivers.sol";

/// What is not paid, and that nothing is remembered of it.
contract SettleRefusalsTest is Fixture {
    uint256 private constant CURVE_ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;

    /// P16: neither signature alone moves a wei.
    function test_no_debit_without_two_signatures(uint256 authKey, uint256 receiptKey) public {
        authKey = _bound(authKey, 1, CURVE_ORDER - 2);
        receiptKey = _bound(receiptKey, 1, CURVE_ORDER - 2);
        vm.assume(authKey != SESSION_KEY && receiptKey != SIGNER_KEY);
        IInferenceServing.RequestAuth memory auth = _auth(channelId, bindingId, 0);
        IInferenceServing.Receipt memory receipt = _receipt(serving.authDigest(auth), 100, 50);

        _expectStatus(_signedBy(auth, receipt, authKey, SIGNER_KEY), IInferenceServing.Status.BAD_AUTH);
        _expectStatus(_signedBy(auth, receipt, SESSION_KEY, receiptKey), IInferenceServing.Status.BAD_RECEIPT);
        vm.assertFalse(serving.isNonceUsed(channelId, bindingId, 0));
    }

    /// P8, P31: the signatures cover every field; an edited amount is a new statement that nobody signed.
    function test_receipt_immutable(uint8 field, uint256 value) public {
        IInferenceServing.Item memory item = _item(0);
        bytes memory before = abi.encode(item);
        field = uint8(_bound(field, 0, 10));
        if (field == 0) item.auth.channelId = bytes32(value);
        if (field == 1) item.auth.nonce = value;
        if (field == 2) item.auth.bindingId = bytes32(value);
        if (field == 3) item.auth.requestHash = bytes32(value);
        if (field == 4) item.auth.maxFee = uint128(value);
        if (field == 5) item.auth.validUntil = uint64(_bound(value, START, type(uint64).max));
        if (field == 6) item.delivery.responseHash = bytes32(value);
        if (field == 7) item.delivery.inputTokens = uint32(value);
        if (field == 8) item.delivery.outputTokens = uint32(value);
        if (field == 9) item.delivery.finish = uint8(value);
        if (field == 10) item.delivery.issuedAt = uint64(value);
        vm.assume(keccak256(abi.encode(item)) != keccak256(before));
        _expectStatus(
            item, field <= 5 ? IInferenceServing.Status.BAD_AUTH : IInferenceServing.Status.BAD_RECEIPT
        );
    }

    /// P8: a receipt belongs to one request; another one's does not do.
    function test_receipt_commits_to_request_and_response() public {
        IInferenceServing.Item memory a = _item(0);
        IInferenceServing.Item memory b = _item(1);
        (a.delivery, a.receiptSig) = (b.delivery, b.receiptSig);
        _expectStatus(a, IInferenceServing.Status.BAD_RECEIPT);
    }

    /// P5: signed for another contract or another chain.
    function test_replay_other_domain() public {
        InferenceServing other = new InferenceServing(registry, ledger, reputation);
        IInferenceServing.RequestAuth memory auth = _auth(channelId, bindingId, 0);
        IInferenceServing.Receipt memory receipt = _receipt(serving.authDigest(auth), 100, 50);
        IInferenceServing.Item memory item = _signedBy(auth, receipt, SESSION_KEY, SIGNER_KEY);
        item.authSig = _compact(SESSION_KEY, other.authDigest(auth));
        _expectStatus(item, IInferenceServing.Status.BAD_AUTH);
        item = _signedBy(auth, receipt, SESSION_KEY, SIGNER_KEY);
        item.receiptSig = _compact(SIGNER_KEY, other.receiptDigest(receipt));
        _expectStatus(item, IInferenceServing.Status.BAD_RECEIPT);

        item = _signedBy(auth, receipt, SESSION_KEY, SIGNER_KEY);
        vm.chainId(8453);
        _expectStatus(item, IInferenceServing.Status.BAD_AUTH);
        vm.chainId(31_337);
        _expectStatus(item, IInferenceServing.Status.PAID);
    }

    /// P6
    function test_over_cap_unpaid() public {
        IInferenceServing.RequestAuth memory auth = _auth(channelId, bindingId, 0);
        auth.maxFee = uint128(serving.feeOf(channelId, 100, 50)) - 1;
        _expectStatus(_signed(auth, 100, 50), IInferenceServing.Status.OVER_CAP);
        auth.maxFee += 1;
        _expectStatus(_signed(auth, 100, 50), IInferenceServing.Status.PAID);

        auth = _auth(channelId, bindingId, 1);
        _expectStatus(_signed(auth, 1, MAX_OUTPUT + 1), IInferenceServing.Status.OVER_CAP);
        _expectStatus(_signed(auth, 1, MAX_OUTPUT), IInferenceServing.Status.PAID);
    }

    /// P17: a short channel pays nothing and forgets nothing; topped up, the same receipt is paid in full.
    function test_underfunded_not_consumed() public {
        ILedgerManager.Open memory o = _open(1);
        IInferenceServing.RequestAuth memory auth = _auth(ledger.channelIdOf(o), bindingId, 0);
        uint256 fee = serving.feeOf(channelId, 100, 50);
        o.amount = uint128(fee) - 1;
        auth.channelId = ledger.channelIdOf(o);
        vm.prank(user);
        ledger.openChannel{value: o.amount}(o);
        IInferenceServing.Item memory item = _signed(auth, 100, 50);

        _expectStatus(item, IInferenceServing.Status.UNDERFUNDED);
        vm.assertFalse(serving.isNonceUsed(auth.channelId, bindingId, 0));
        vm.prank(user);
        ledger.topUp{value: 1}(auth.channelId, 1);
        _expectStatus(item, IInferenceServing.Status.PAID);
    }

    /// P20: a channel's session key is a plain key. A wallet contract as session key authorises nothing, whatever it
    /// answers now, because it could answer differently after it was served.
    function test_1271_flip() public {
        FlippingWallet wallet = new FlippingWallet();
        IInferenceServing.Item memory item = _item(0);
        vm.prank(user);
        ledger.setSessionKey(channelId, address(wallet));
        // Signed before by the plain key: stays good although the wallet flips.
        wallet.flip();
        _expectStatus(item, IInferenceServing.Status.PAID);
        wallet.flip();
        item = _item(1);
        item.authSig = IInferenceServing.Signature(0, 0);
        _expectStatus(item, IInferenceServing.Status.BAD_AUTH);
        item.authSig.r = bytes32(uint256(uint160(address(wallet))));
        _expectStatus(item, IInferenceServing.Status.BAD_AUTH);
    }

    /// P21: only one form of a signature counts. The other root of s has no room in it; what lies between is refused.
    function test_malleable_signature_rejected() public {
        IInferenceServing.Item memory item = _item(0);
        IInferenceServing.Signature memory good = item.authSig;
        IInferenceServing.Signature memory goodReceipt = item.receiptSig;
        IInferenceServing.Signature[4] memory bad = [
            IInferenceServing.Signature(good.r, good.vs ^ bytes32(uint256(1) << 255)),
            IInferenceServing.Signature(good.r, bytes32(CURVE_ORDER / 2 + 1)),
            IInferenceServing.Signature(good.r, bytes32(type(uint256).max)),
            IInferenceServing.Signature(0, 0)
        ];
        for (uint256 i = 0; i < bad.length; ++i) {
            item.authSig = bad[i];
            _expectStatus(item, IInferenceServing.Status.BAD_AUTH);
        }
        item.authSig = good;
        for (uint256 i = 0; i < bad.length; ++i) {
            item.receiptSig = bad[i];
            _expectStatus(item, IInferenceServing.Status.BAD_RECEIPT);
        }
        item.receiptSig = goodReceipt;
        _expectStatus(item, IInferenceServing.Status.PAID);
    }

    function test_fuzz_garbageSignatures(bytes32 r, bytes32 vs) public {
        IInferenceServing.Item memory item = _item(0);
        IInferenceServing.Signature memory good = item.authSig;
        vm.assume(r != good.r && r != item.receiptSig.r);
        item.authSig = IInferenceServing.Signature(r, vs);
        _expectStatus(item, IInferenceServing.Status.BAD_AUTH);
        item.authSig = good;
        item.receiptSig = IInferenceServing.Signature(r, vs);
        _expectStatus(item, IInferenceServing.Status.BAD_RECEIPT);
    }

    /// Structs are hashed as they lie in the calldata: a word with bits where its type has none is what nobody signed. Who
    /// sends such calldata gets no payment for the item, or nothing at all.
    function test_fuzz_dirtyCalldata(uint8 word, uint256 dirt) public {
        IInferenceServing.Item[] memory items = new IInferenceServing.Item[](2);
        (items[0], items[1]) = (_item(0), _item(1));
        uint8[6] memory words = [4, 5, 9, 10, 11, 12]; // maxFee, validUntil, counts, finish, issuedAt
        uint256[6] memory bits = [uint256(128), 64, 32, 32, 8, 64];
        uint256 pick = _bound(word, 0, 5);
        bytes memory data = abi.encodeCall(serving.settle, (items, false));
        uint256 offset = 4 + 32 * (3 + uint256(words[pick])) + 32;
        dirt = _bound(dirt, 1, type(uint256).max >> bits[pick]) << bits[pick];
        assembly ("memory-safe") {
            let place := add(data, offset)
            mstore(place, or(mload(place), dirt))
        }
        (bool success, bytes memory answer) = address(serving).call(data);
        if (!success) return;
        (IInferenceServing.Status[] memory statuses,) =
            abi.decode(answer, (IInferenceServing.Status[], uint256[]));
        vm.assertTrue(statuses[0] != IInferenceServing.Status.PAID);
        vm.assertTrue(statuses[1] == IInferenceServing.Status.PAID);
    }

    /// P34: issued neither after the authorisation ended nor in the chain's future.
    function test_fuzz_issuedAt_bounds(uint64 issuedAt, uint64 validUntil) public {
        IInferenceServing.RequestAuth memory auth = _auth(channelId, bindingId, 0);
        auth.validUntil = uint64(_bound(validUntil, START - 6 hours, START + 6 hours));
        IInferenceServing.Receipt memory receipt = _receipt(serving.authDigest(auth), 100, 50);
        receipt.issuedAt = uint64(_bound(issuedAt, START - 12 hours, START + 12 hours));
        bool sound = receipt.issuedAt <= auth.validUntil && receipt.issuedAt <= START
            && auth.validUntil - receipt.issuedAt <= 1 hours;
        _expectStatus(
            _signedBy(auth, receipt, SESSION_KEY, SIGNER_KEY),
            sound ? IInferenceServing.Status.PAID : IInferenceServing.Status.BAD_RECEIPT
        );
    }

    function test_issuedAt_bounds() public {
        IInferenceServing.RequestAuth memory auth = _auth(channelId, bindingId, 0);
        auth.validUntil = uint64(START - 1);
        IInferenceServing.Receipt memory receipt = _receipt(serving.authDigest(auth), 100, 50);
        _expectStatus(_signedBy(auth, receipt, SESSION_KEY, SIGNER_KEY), IInferenceServing.Status.BAD_RECEIPT);
        receipt.issuedAt = uint64(START - 1);
        _expectStatus(_signedBy(auth, receipt, SESSION_KEY, SIGNER_KEY), IInferenceServing.Status.PAID);

        auth = _auth(channelId, bindingId, 1);
        receipt = _receipt(serving.authDigest(auth), 100, 50);
        receipt.issuedAt = uint64(START + 1);
        vm.assertEq(auth.validUntil, START + 1 hours);
        IInferenceServing.Item memory item = _signedBy(auth, receipt, SESSION_KEY, SIGNER_KEY);
        _expectStatus(item, IInferenceServing.Status.BAD_RECEIPT);
        vm.warp(START + 1);
        _expectStatus(item, IInferenceServing.Status.PAID);

        // Answered more than the longest life before the authorisation ends: it was too long.
        auth = _auth(channelId, bindingId, 2);
        receipt = _receipt(serving.authDigest(auth), 100, 50);
        receipt.issuedAt = auth.validUntil - 1 hours - 1;
        _expectStatus(_signedBy(auth, receipt, SESSION_KEY, SIGNER_KEY), IInferenceServing.Status.BAD_RECEIPT);
        receipt.issuedAt = auth.validUntil - 1 hours;
        _expectStatus(_signedBy(auth, receipt, SESSION_KEY, SIGNER_KEY), IInferenceServing.Status.PAID);
    }

    /// P20: an authorisation ends by time alone, the same second for everybody.
    function test_settleWindow() public {
        IInferenceServing.Item memory item = _item(0);
        IInferenceServing.Item memory late = _item(1);
        uint256 end = START + 1 hours + 12 hours;
        vm.warp(end);
        _expectStatus(item, IInferenceServing.Status.PAID);
        vm.warp(end + 1);
        _expectStatus(late, IInferenceServing.Status.EXPIRED);
        // A paid one still answers that it was paid.
        _expectStatus(item, IInferenceServing.Status.ALREADY_USED);
    }

    function test_validUntilAtTheEndOfTime() public {
        IInferenceServing.RequestAuth memory auth = _auth(channelId, bindingId, 0);
        auth.validUntil = type(uint64).max;
        _expectStatus(_signed(auth, 100, 50), IInferenceServing.Status.BAD_RECEIPT);
        IInferenceServing.Receipt memory receipt = _receipt(serving.authDigest(auth), 100, 50);
        receipt.issuedAt = type(uint64).max;
        _expectStatus(_signedBy(auth, receipt, SESSION_KEY, SIGNER_KEY), IInferenceServing.Status.BAD_RECEIPT);
    }

    /// R13: a binding of another agent, or one that never was.
    function test_badBinding() public {
        vm.deal(attacker, 1 ether);
        uint256 other = _provider(attacker);
        uint256 key = uint256(keccak256("attacker's node"));
        bytes32 foreign = _bind(_statement(other, attacker, vm.addr(key), "instance"), key);

        IInferenceServing.RequestAuth memory auth = _auth(channelId, foreign, 0);
        IInferenceServing.Receipt memory receipt = _receipt(serving.authDigest(auth), 100, 50);
        _expectStatus(_signedBy(auth, receipt, SESSION_KEY, key), IInferenceServing.Status.BAD_BINDING);
        // Never attested: there is no signer, and nothing recovers to it.
        auth.bindingId = "none";
        receipt = _receipt(serving.authDigest(auth), 100, 50);
        IInferenceServing.Item memory item = _signedBy(auth, receipt, SESSION_KEY, SIGNER_KEY);
        _expectStatus(item, IInferenceServing.Status.BAD_BINDING);
        item.receiptSig = IInferenceServing.Signature(0, 0);
        _expectStatus(item, IInferenceServing.Status.BAD_BINDING);
    }

    /// Approved by the owner but not attested is not a binding.
    function test_approvedIsNotAttested() public {
        bytes32 approved = _approve(_statement(agentId, provider, signer, "replica"));
        _expectStatus(_signed(_auth(channelId, approved, 0), 100, 50), IInferenceServing.Status.BAD_BINDING);
    }

    function test_unknownChannel() public {
        _expectStatus(_signed(_auth("none", bindingId, 0), 100, 50), IInferenceServing.Status.BAD_AUTH);
        IInferenceServing.Item memory item = _signed(_auth("none", bindingId, 0), 100, 50);
        item.authSig = IInferenceServing.Signature(0, 0);
        _expectStatus(item, IInferenceServing.Status.BAD_AUTH);
    }

    function test_fuzz_unknownFinish(uint8 finish) public {
        IInferenceServing.RequestAuth memory auth = _auth(channelId, bindingId, 0);
        IInferenceServing.Receipt memory receipt = _receipt(serving.authDigest(auth), 100, 50);
        receipt.finish = finish;
        _expectStatus(
            _signedBy(auth, receipt, SESSION_KEY, SIGNER_KEY),
            finish <= 4 ? IInferenceServing.Status.PAID : IInferenceServing.Status.BAD_RECEIPT
        );
    }

    /// P33: a payment of nothing is none, however often it is sent: it uses nothing up, counts nothing and says no event.
    function test_payment_amount_zero_rejected() public {
        IInferenceServing.Item memory item = _signed(_auth(channelId, bindingId, 0), 0, 0);
        for (uint256 i = 0; i < 3; ++i) {
            vm.recordLogs();
            _expectStatus(item, IInferenceServing.Status.NOTHING_DUE);
            vm.assertEq(vm.getRecordedLogs().length, 0);
        }
        vm.assertFalse(serving.isNonceUsed(channelId, bindingId, 0));
        (uint64 settled,, uint64 users) = serving.counters(agentId);
        vm.assertEq(settled + users, 0);
    }

    /// P33: a payment names channel, nonce, expiry, chain and contract, and its nonce is stored; nothing of it pays again, at
    /// whatever time and from whomever.
    function test_payment_replay_rejected(address sender, uint64 later) public {
        IInferenceServing.Item memory item = _item(0);
        _expectStatus(item, IInferenceServing.Status.PAID);
        vm.warp(START + _bound(later, 0, 365 days));
        uint256 owed = ledger.claimableOf(provider);
        vm.prank(sender);
        (IInferenceServing.Status[] memory statuses,) = serving.settle(_one(item), true);
        vm.assertEq(uint256(statuses[0]), uint256(IInferenceServing.Status.ALREADY_USED));
        vm.assertEq(ledger.claimableOf(provider), owed);
    }
}
