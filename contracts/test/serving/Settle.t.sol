// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {InferenceServing} from "../../src/InferenceServing.sol";
import {IComputeRegistry} from "../../src/interfaces/IComputeRegistry.sol";
import {IServices} from "../../src/interfaces/registry/IServices.sol";
import {IInferenceServing} from "../../src/interfaces/IInferenceServing.sol";
import {ILedgerManager} from "../../src/interfaces/ILedgerManager.sol";
import {IReputationRegistry} from "../../src/interfaces/IReputationRegistry.sol";
import {Fixture} from "../Fixture.sol";

/// What is paid, to whom, and what is remembered.
contract SettleTest is Fixture {
    uint256 private constant FEE = (100 * uint256(IN_PRICE) + 50 * uint256(OUT_PRICE)) / 1e6;

    function test_constructor_revertsOnZeroPeers() public {
        bytes memory wanted = abi.encodeWithSelector(IInferenceServing.ZeroAddress.selector);
        vm.expectRevert(wanted);
        new InferenceServing(IComputeRegistry(address(0)), ledger, reputation);
        vm.expectRevert(wanted);
        new InferenceServing(registry, ILedgerManager(address(0)), reputation);
        vm.expectRevert(wanted);
        new InferenceServing(registry, ledger, IReputationRegistry(address(0)));
    }

    /// P1: the provider, or anybody, submits; the user need not be there.
    function test_provider_can_settle() public {
        IInferenceServing.Item memory item = _item(0);
        vm.expectEmit(address(serving));
        emit IInferenceServing.Settled(
            channelId,
            agentId,
            user,
            serving.authDigest(item.auth),
            serving.receiptDigest(_receiptOf(item)),
            FEE
        );
        vm.prank(provider);
        (IInferenceServing.Status[] memory statuses, uint256[] memory fees) =
            serving.settle(_one(item), false);

        vm.assertEq(uint256(statuses[0]), uint256(IInferenceServing.Status.PAID));
        vm.assertEq(fees[0], FEE);
        vm.assertEq(ledger.claimableOf(provider), FEE);
        vm.assertEq(ledger.channelOf(channelId).spent, FEE);
        vm.assertTrue(serving.isNonceUsed(channelId, bindingId, 0));
        vm.assertEq(serving.settledVolume(user, agentId), FEE);
    }

    function test_counters_countPaidUseOnly() public {
        _settle(_item(0));
        _settle(_item(0));
        _settle(_item(1));
        (uint64 settled, uint128 volume, uint64 users) = serving.counters(agentId);
        vm.assertEq(settled, 2);
        vm.assertEq(volume, 2 * FEE);
        vm.assertEq(users, 1);
    }

    function test_counters_countUsersOnce() public {
        _settle(_item(0));
        ILedgerManager.Open memory o = _open(1);
        o.user = attacker;
        vm.prank(attacker);
        bytes32 other = ledger.openChannel{value: o.amount}(o);
        _settle(_signed(_auth(other, bindingId, 0), 100, 50));
        (,, uint64 users) = serving.counters(agentId);
        vm.assertEq(users, 2);
    }

    /// P3
    function test_price_change_does_not_touch_channel() public {
        IServices.Price memory raised = _price(IN_PRICE * 1000, OUT_PRICE * 1000);
        raised.effectiveFrom = uint64(START + 1 hours);
        vm.prank(provider);
        registry.setPrice(agentId, serviceId, raised);
        vm.warp(START + 2 hours);
        (, uint256 fee) = _settle(_item(0));
        vm.assertEq(fee, FEE);
        vm.assertEq(serving.feeOf(channelId, 100, 50), FEE);
    }

    /// P4: any order, any gaps, over the whole range of nonces.
    function test_out_of_order(uint256[6] calldata nonces) public {
        for (uint256 i = 0; i < nonces.length; ++i) {
            bool used = serving.isNonceUsed(channelId, bindingId, nonces[i]);
            _expectStatus(
                _item(nonces[i]), used ? IInferenceServing.Status.ALREADY_USED : IInferenceServing.Status.PAID
            );
            vm.assertTrue(serving.isNonceUsed(channelId, bindingId, nonces[i]));
        }
    }

    /// P4, I4: also with a cheaper or dearer receipt for the same nonce.
    function test_double_settle(uint256 nonce, uint32 tokens) public {
        _expectStatus(_item(nonce), IInferenceServing.Status.PAID);
        _expectStatus(_item(nonce), IInferenceServing.Status.ALREADY_USED);
        _expectStatus(
            _signed(_auth(channelId, bindingId, nonce), tokens, 1), IInferenceServing.Status.ALREADY_USED
        );
    }

    /// P4: replicas have bindings, and nonces, of their own.
    function test_two_replicas() public {
        uint256 replicaKey = uint256(keccak256("replica key"));
        bytes32 replica = _bind(_statement(agentId, provider, vm.addr(replicaKey), "replica"), replicaKey);
        _expectStatus(_item(0), IInferenceServing.Status.PAID);

        IInferenceServing.RequestAuth memory auth = _auth(channelId, replica, 0);
        IInferenceServing.Receipt memory receipt = _receipt(serving.authDigest(auth), 100, 50);
        _expectStatus(_signedBy(auth, receipt, SESSION_KEY, replicaKey), IInferenceServing.Status.PAID);
        // One replica cannot answer for the other.
        auth.nonce = 1;
        receipt = _receipt(serving.authDigest(auth), 100, 50);
        _expectStatus(_signedBy(auth, receipt, SESSION_KEY, SIGNER_KEY), IInferenceServing.Status.BAD_RECEIPT);
    }

    /// P9: two settlements in one block stay two.
    function test_settlement_id_unique() public {
        IInferenceServing.Item memory a = _item(0);
        IInferenceServing.Item memory b = _item(1);
        vm.assertNotEq(serving.authDigest(a.auth), serving.authDigest(b.auth));
        vm.assertNotEq(serving.receiptDigest(_receiptOf(a)), serving.receiptDigest(_receiptOf(b)));
        IInferenceServing.Item[] memory items = new IInferenceServing.Item[](2);
        (items[0], items[1]) = (a, b);
        serving.settle(items, false);
        vm.assertEq(ledger.claimableOf(provider), 2 * FEE);
    }

    /// P10
    function test_deactivated_provider_still_paid() public {
        IInferenceServing.Item memory item = _item(0);
        vm.startPrank(provider);
        registry.setActive(agentId, false);
        registry.setServiceActive(agentId, serviceId, false);
        identity.unsetAgentWallet(agentId);
        vm.stopPrank();
        vm.prank(provider);
        staking.requestUnstake(keccak256(abi.encode(uint8(2), agentId, provider)), uint128(BOND));
        _expectStatus(item, IInferenceServing.Status.PAID);
        vm.prank(provider);
        vm.assertEq(ledger.claim(relayer), FEE);
    }

    /// P10: earned money does not depend on the ERC-8004 registries, which belong to others and can be upgraded.
    function test_settle_withoutTheErc8004Registries() public {
        IInferenceServing.Item memory item = _item(0);
        vm.etch(address(identity), hex"fe");
        vm.etch(address(reputation), hex"fe");
        _expectStatus(item, IInferenceServing.Status.PAID);
        vm.prank(provider);
        vm.assertEq(ledger.claim(relayer), FEE);
        vm.startPrank(user);
        ledger.requestRefund(channelId);
        vm.warp(START + 24 hours);
        ledger.completeRefund(channelId);
        ledger.withdraw(DEPOSIT - FEE, user);
        vm.stopPrank();
    }

    /// P13: what happened to the binding later takes nothing from an earned receipt.
    function test_rotation_keeps_old_receipts() public {
        IInferenceServing.Item memory revoked = _item(0);
        IInferenceServing.Item memory moved = _item(1);
        IInferenceServing.Item memory expired = _item(2);
        vm.prank(provider);
        registry.revokeBinding(bindingId);
        _expectStatus(revoked, IInferenceServing.Status.PAID);
        vm.prank(provider);
        registry.updateEndpoint(agentId, "https://other.example");
        _expectStatus(moved, IInferenceServing.Status.PAID);
        vm.warp(START + 13 hours);
        _expectStatus(expired, IInferenceServing.Status.PAID);
    }

    /// P13: consent is for one signer; a new one needs a new authorisation.
    function test_new_signer_needs_new_auth() public {
        uint256 newKey = uint256(keccak256("new key"));
        _bind(_statement(agentId, provider, vm.addr(newKey), "instance"), newKey);
        IInferenceServing.RequestAuth memory auth = _auth(channelId, bindingId, 0);
        IInferenceServing.Receipt memory receipt = _receipt(serving.authDigest(auth), 100, 50);
        _expectStatus(_signedBy(auth, receipt, SESSION_KEY, newKey), IInferenceServing.Status.BAD_RECEIPT);
    }

    /// P6, P28, I5, I10: the fee is price times count, rounded up, and never above what the user signed.
    function test_fuzz_fee_le_cap(
        uint128 inPrice,
        uint128 outPrice,
        uint32 inputTokens,
        uint32 outputTokens,
        uint128 maxFee
    ) public {
        inPrice = uint128(_bound(inPrice, 0, 1e24));
        outPrice = uint128(_bound(outPrice, 0, 1e24));
        outputTokens = uint32(_bound(outputTokens, 0, MAX_OUTPUT));
        uint128 amount = uint128(_bound(maxFee, 1, 1e24));
        bytes32 channel = _channelAt(inPrice, outPrice, amount);

        IInferenceServing.RequestAuth memory auth = _auth(channel, bindingId, 0);
        auth.maxFee = maxFee;
        uint256 sum = uint256(inputTokens) * inPrice + uint256(outputTokens) * outPrice;
        uint256 exact = sum / 1e6 + (sum % 1e6 == 0 ? 0 : 1);
        vm.assertEq(serving.feeOf(channel, inputTokens, outputTokens), exact);

        (IInferenceServing.Status status, uint256 fee) = _settle(_signed(auth, inputTokens, outputTokens));
        vm.assertLe(fee, maxFee);
        if (exact > maxFee) vm.assertEq(uint256(status), uint256(IInferenceServing.Status.OVER_CAP));
        else if (exact == 0) vm.assertEq(uint256(status), uint256(IInferenceServing.Status.NOTHING_DUE));
        else if (exact > amount) vm.assertEq(uint256(status), uint256(IInferenceServing.Status.UNDERFUNDED));
        else vm.assertEq(fee, exact);
    }

    /// P28: never less than price times count, and never a wei more.
    function test_fuzz_fee_rounds_up(
        uint128 inPrice,
        uint128 outPrice,
        uint32 inputTokens,
        uint32 outputTokens
    ) public {
        bytes32 channel = _channelAt(inPrice, outPrice, 1 ether);
        uint256 sum = uint256(inputTokens) * inPrice + uint256(outputTokens) * outPrice;
        uint256 fee = serving.feeOf(channel, inputTokens, outputTokens);
        vm.assertLe(sum, fee * 1e6);
        if (fee != 0) vm.assertLt((fee - 1) * 1e6, sum);
        vm.assertEq(fee == 0, sum == 0);
    }

    /// P28: one token at one wei per million costs a wei, not nothing.
    function test_fee_ofOneToken() public {
        bytes32 channel = _channelAt(1, 0, 1 ether);
        vm.assertEq(serving.feeOf(channel, 0, 9), 0);
        vm.assertEq(serving.feeOf(channel, 1, 0), 1);
        vm.assertEq(serving.feeOf(channel, 1_000_000, 0), 1);
        vm.assertEq(serving.feeOf(channel, 1_000_001, 0), 2);
    }

    /// The largest counts at the largest prices do not overflow.
    function test_fee_extremes() public {
        bytes32 channel = _channelAt(type(uint128).max, type(uint128).max, 1 ether);
        uint256 count = type(uint32).max;
        uint256 sum = 2 * count * uint256(type(uint128).max);
        vm.assertEq(serving.feeOf(channel, type(uint32).max, type(uint32).max), (sum + 999_999) / 1e6);
    }

    function test_feeOf_unknownChannelReverts() public {
        vm.expectRevert(abi.encodeWithSelector(IServices.UnknownPrice.selector, 0, 0, 0));
        serving.feeOf("none", 1, 1);
    }

    /// P11: each item on its own, in every position.
    function test_batch_isolated(uint8 where) public {
        IInferenceServing.Item[] memory items = new IInferenceServing.Item[](3);
        for (uint256 i = 0; i < 3; ++i) {
            items[i] = _item(i);
        }
        uint256 bad = _bound(where, 0, 2);
        items[bad].receiptSig = IInferenceServing.Signature(0, 0);
        (IInferenceServing.Status[] memory statuses, uint256[] memory fees) = serving.settle(items, false);
        for (uint256 i = 0; i < 3; ++i) {
            IInferenceServing.Status wanted =
                i == bad ? IInferenceServing.Status.BAD_RECEIPT : IInferenceServing.Status.PAID;
            vm.assertEq(uint256(statuses[i]), uint256(wanted));
            vm.assertEq(fees[i], i == bad ? 0 : FEE);
            vm.assertEq(serving.isNonceUsed(channelId, bindingId, i), i != bad);
        }
    }

    /// P23: 50 items fit well into a transaction (EIP-7825), 51 are refused.
    function test_batch_limit() public {
        IInferenceServing.Item[] memory items = new IInferenceServing.Item[](51);
        for (uint256 i = 0; i < 51; ++i) {
            items[i] = _item(i * 256);
        }
        bytes memory wanted = abi.encodeWithSelector(IInferenceServing.BatchTooLarge.selector, 51, 50);
        vm.expectRevert(wanted);
        serving.settle(items, false);
        vm.expectRevert(wanted);
        serving.preview(items, false);

        assembly ("memory-safe") {
            mstore(items, 50)
        }
        uint256 before = gasleft();
        serving.settle(items, false);
        vm.assertLt(before - gasleft(), 4_000_000, "gas of 50 items");
        vm.assertEq(ledger.claimableOf(provider), 50 * FEE);
    }

    /// P23: the cost of one item does not grow with what was settled before.
    function test_gas_settle_constant() public {
        _settle(_item(0));
        uint256 second = _gasOf(_item(1));
        for (uint256 i = 2; i < 200; ++i) {
            _settle(_item(i));
        }
        // The test's own memory has grown meanwhile; 200 storage slots would be 400,000 gas.
        vm.assertLe(_gasOf(_item(200)), second + 10_000);
    }

    function test_settle_nothing() public {
        (IInferenceServing.Status[] memory statuses, uint256[] memory fees) =
            serving.settle(new IInferenceServing.Item[](0), false);
        vm.assertEq(statuses.length, 0);
        vm.assertEq(fees.length, 0);
    }

    /// A channel whose service costs this, funded with `amount`.
    function _channelAt(uint128 inPrice, uint128 outPrice, uint128 amount) private returns (bytes32) {
        ILedgerManager.Open memory o = _open(1);
        o.serviceId = _service(provider, agentId, _price(inPrice, outPrice));
        o.amount = amount;
        vm.deal(user, amount);
        vm.prank(user);
        return ledger.openChannel{value: amount}(o);
    }

    function _gasOf(IInferenceServing.Item memory item) private returns (uint256) {
        IInferenceServing.Item[] memory items = _one(item);
        uint256 before = gasleft();
        serving.settle(items, false);
        return before - gasleft();
    }
}
