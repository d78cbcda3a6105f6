// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IInferenceServing} from "../../src/interfaces/IInferenceServing.sol";
import {ILedgerManager} from "../../src/interfaces/ILedgerManager.sol";
import {Fixture} from "../Fixture.sol";

contract PreviewTest is Fixture {
    /// Whatever stands in the batch, preview says what settle then does: repeated nonces, channels that run dry, broken
    /// signatures, closed, unknown and voucher channels mixed, for the payee who accepts less and for anybody.
    function test_fuzz_previewIsWhatSettleDoes(
        uint8[12] calldata picks,
        uint32[12] calldata tokens,
        uint8 how
    ) public {
        bytes32[6] memory channels =
            [channelId, _channel(1), channelId, _voucherChannel(2), _channel(3), bytes32("none")];
        vm.prank(provider);
        ledger.releaseChannel(channels[4]);
        IInferenceServing.Item[] memory items = new IInferenceServing.Item[](picks.length);
        for (uint256 i = 0; i < picks.length; ++i) {
            IInferenceServing.RequestAuth memory auth =
                _auth(channels[picks[i] % 6], bindingId, (picks[i] >> 3) & 3);
            auth.maxFee = 1 ether;
            // At most 0.42 ether an item, so that a channel runs dry in some batches.
            items[i] = _signed(auth, uint32(_bound(tokens[i], 0, 2e8)), 1);
            if (picks[i] >> 5 == 7) items[i].authSig = IInferenceServing.Signature(0, 0);
            if (picks[i] >> 5 == 6) items[i].receiptSig = IInferenceServing.Signature(0, 0);
        }

        address sender = how & 1 == 0 ? provider : relayer;
        vm.prank(sender);
        (IInferenceServing.Status[] memory seen, uint256[] memory seenFees) =
            serving.preview(items, how & 2 == 0);
        vm.prank(sender);
        (IInferenceServing.Status[] memory done, uint256[] memory doneFees) =
            serving.settle(items, how & 2 == 0);
        vm.assertEq(abi.encode(seen, seenFees), abi.encode(done, doneFees));
    }

    /// A channel whose items do not stand together is charged for all of them.
    function test_preview_channelsInTurn() public {
        bytes32 other = _channel(1);
        IInferenceServing.Item[] memory items = new IInferenceServing.Item[](6);
        for (uint256 i = 0; i < 6; ++i) {
            // 0.4 ether each.
            items[i] = _signed(_auth(i & 1 == 0 ? channelId : other, bindingId, i), 200e6, 0);
        }
        (IInferenceServing.Status[] memory seen,) = serving.preview(items, false);
        (IInferenceServing.Status[] memory done, uint256[] memory fees) = serving.settle(items, false);
        for (uint256 i = 0; i < 6; ++i) {
            vm.assertEq(uint256(seen[i]), uint256(done[i]));
            vm.assertEq(fees[i], i < 4 ? 0.4 ether : 0);
        }
        vm.assertEq(uint256(done[4]), uint256(IInferenceServing.Status.UNDERFUNDED));
        vm.assertEq(ledger.claimableOf(provider), 1.6 ether);
    }

    function test_preview_seesWhatEarlierItemsTake() public view {
        IInferenceServing.Item[] memory items = new IInferenceServing.Item[](4);
        // 200e6 input tokens cost 0.4 ether; the channel holds 1.
        for (uint256 i = 0; i < 3; ++i) {
            items[i] = _signed(_auth(channelId, bindingId, i), 200e6, 0);
        }
        items[3] = items[0];
        (IInferenceServing.Status[] memory statuses, uint256[] memory fees) = serving.preview(items, false);
        vm.assertEq(uint256(statuses[0]), uint256(IInferenceServing.Status.PAID));
        vm.assertEq(uint256(statuses[1]), uint256(IInferenceServing.Status.PAID));
        vm.assertEq(uint256(statuses[2]), uint256(IInferenceServing.Status.UNDERFUNDED));
        vm.assertEq(uint256(statuses[3]), uint256(IInferenceServing.Status.ALREADY_USED));
        vm.assertEq(fees[1], 0.4 ether);
        vm.assertEq(fees[2], 0);
    }
}
