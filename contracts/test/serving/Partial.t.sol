// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IInferenceServing} from "../../src/interfaces/IInferenceServing.sol";
import {ILedgerManager} from "../../src/interfaces/ILedgerManager.sol";
import {Fixture} from "../Fixture.sol";

/// Less than the fee, for whom it is due.
contract PartialTest is Fixture {
    uint256 private fee;

    function setUp() public override {
        super.setUp();
        fee = serving.feeOf(channelId, 100, 50);
    }

    /// P17: the payee may take what is there, for good; anybody else who says so changes nothing.
    function test_partial_only_by_provider(address anyone, uint128 there) public {
        vm.assume(anyone != provider);
        there = uint128(_bound(there, 1, fee - 1));
        IInferenceServing.Item memory item = _shortItem(there);

        vm.prank(anyone);
        _settleAs(item, IInferenceServing.Status.UNDERFUNDED, 0, true);
        vm.prank(provider);
        _settleAs(item, IInferenceServing.Status.UNDERFUNDED, 0, false);
        vm.assertFalse(serving.isNonceUsed(item.auth.channelId, bindingId, 0));

        vm.expectEmit(address(serving));
        emit IInferenceServing.Settled(
            item.auth.channelId,
            agentId,
            user,
            serving.authDigest(item.auth),
            serving.receiptDigest(_receiptOf(item)),
            there
        );
        vm.prank(provider);
        _settleAs(item, IInferenceServing.Status.PARTIAL, there, true);
        vm.assertTrue(serving.isNonceUsed(item.auth.channelId, bindingId, 0));
        vm.assertEq(ledger.claimableOf(provider), there);

        // Nothing of it is owed any more, whatever is paid in later.
        vm.prank(user);
        ledger.topUp{value: 1 ether}(item.auth.channelId, 1 ether);
        vm.prank(provider);
        _settleAs(item, IInferenceServing.Status.ALREADY_USED, 0, true);
    }

    /// An empty channel pays nothing, so no nonce is used up either.
    function test_partial_ofNothing() public {
        IInferenceServing.Item memory item = _shortItem(1);
        IInferenceServing.RequestAuth memory auth = item.auth;
        vm.prank(provider);
        _settleAs(item, IInferenceServing.Status.PARTIAL, 1, true);
        auth.nonce = 1;
        vm.prank(provider);
        _settleAs(_signed(auth, 100, 50), IInferenceServing.Status.UNDERFUNDED, 0, true);
        vm.assertFalse(serving.isNonceUsed(auth.channelId, bindingId, 1));
    }

    /// What is there in full is paid in full, and the cap is the cap.
    function test_partial_changesNothingElse() public {
        vm.prank(provider);
        _settleAs(_item(0), IInferenceServing.Status.PAID, fee, true);
        IInferenceServing.RequestAuth memory auth = _auth(channelId, bindingId, 1);
        auth.maxFee = uint128(fee - 1);
        vm.prank(provider);
        _settleAs(_signed(auth, 100, 50), IInferenceServing.Status.OVER_CAP, 0, true);
    }

    function _settleAs(
        IInferenceServing.Item memory item,
        IInferenceServing.Status wanted,
        uint256 wantedFee,
        bool acceptPartial
    ) private {
        (IInferenceServing.Status[] memory statuses, uint256[] memory fees) =
            serving.settle(_one(item), acceptPartial);
        vm.assertEq(uint256(statuses[0]), uint256(wanted), "status");
        vm.assertEq(fees[0], wantedFee);
    }

    /// In a channel that holds `there`.
    function _shortItem(uint128 there) private returns (IInferenceServing.Item memory) {
        ILedgerManager.Open memory o = _open(1);
        o.amount = there;
        vm.prank(user);
        bytes32 id = ledger.openChannel{value: there}(o);
        return _signed(_auth(id, bindingId, 0), 100, 50);
    }
}
