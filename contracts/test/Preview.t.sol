// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IInferenceServing} from "../src/interfaces/IInferenceServing.sol";
import {ILedgerManager} from "../src/interfaces/ILedgerManager.sol";
import {Fixture} from "./Fixture.sol";

contract PreviewTest is Fixture {
    /// Whatever stands in the batch, preview says what settle then does: repeated nonces, channels that run dry, broken
    /// signatures, two channels mixed.
    function test_fuzz_previewIsWhatSettleDoes(uint8[12] calldata picks, uint32[12] calldata tokens) public {
        bytes32 other = _channel(1);
        IInferenceServing.Item[] memory items = new IInferenceServing.Item[](picks.length);
        for (uint256 i = 0; i < picks.length; ++i) {
            bytes32 channel = picks[i] & 1 == 0 ? channelId : other;
            IInferenceServing.RequestAuth memory auth = _auth(channel, bindingId, (picks[i] >> 1) & 7);
            // At most 0.42 ether an item, so that a channel runs dry in some batches.
            items[i] = _signed(auth, uint32(_bound(tokens[i], 0, 2e8)), 1);
            if (picks[i] >> 5 == 7) items[i].authSig = IInferenceServing.Signature(0, 0);
        }

        (IInferenceServing.Status[] memory seen, uint256[] memory seenFees) = serving.preview(items, false);
        (IInferenceServing.Status[] memory done, uint256[] memory doneFees) = serving.settle(items, false);
        vm.assertEq(abi.encode(seen, seenFees), abi.encode(done, doneFees));
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
