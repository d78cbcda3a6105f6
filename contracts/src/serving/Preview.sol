// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IInferenceServing} from "../interfaces/IInferenceServing.sol";
import {ItemJudge} from "./ItemJudge.sol";

/// @title What settlement would answer now
/// @notice Rules: see IInferenceServing. It writes nothing, so it looks at the earlier items for what they would take.
abstract contract Preview is ItemJudge {
    /// @inheritdoc IInferenceServing
    function preview(Item[] calldata items, bool acceptPartial)
        external
        view
        returns (Status[] memory statuses, uint256[] memory fees)
    {
        Run memory run;
        (statuses, fees) = _start(run, items.length, acceptPartial);

        for (uint256 i = 0; i < items.length; ++i) {
            RequestAuth calldata auth = items[i].auth;
            if (auth.channelId != run.channelId) {
                _enter(run, auth.channelId);
                run.rest -= _takenBefore(items, i, fees);
            }
            Status status = _paidBefore(items, i, fees) ? Status.ALREADY_USED : _judge(run, items[i]);
            statuses[i] = status;
            if (!_isPaid(status)) continue;

            fees[i] = run.fee;
            run.rest -= run.fee;
        }
    }

    /// @dev Wei that the items before `index` take from its channel.
    function _takenBefore(Item[] calldata items, uint256 index, uint256[] memory fees)
        private
        pure
        returns (uint256 taken)
    {
        for (uint256 i = 0; i < index; ++i) {
            if (items[i].auth.channelId == items[index].auth.channelId) taken += fees[i];
        }
    }

    /// @dev Whether an item before `index` uses up its nonce.
    function _paidBefore(Item[] calldata items, uint256 index, uint256[] memory fees)
        private
        pure
        returns (bool)
    {
        RequestAuth calldata auth = items[index].auth;
        for (uint256 i = 0; i < index; ++i) {
            RequestAuth calldata earlier = items[i].auth;
            if (
                fees[i] != 0 && earlier.nonce == auth.nonce && earlier.bindingId == auth.bindingId
                    && earlier.channelId == auth.channelId
            ) return true;
        }
        return false;
    }
}
