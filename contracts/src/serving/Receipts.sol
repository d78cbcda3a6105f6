// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IInferenceServing} from "../interfaces/IInferenceServing.sol";
import {ChannelWords} from "../libraries/ChannelWords.sol";
import {ItemJudge} from "./ItemJudge.sol";
import {Volumes} from "./Volumes.sol";

/// @title Settlement of receipts, item by item
/// @notice Rules: see IInferenceServing. Which items are paid: ItemJudge.
abstract contract Receipts is ItemJudge, Volumes {
    using ChannelWords for uint256;

    /// What was paid and is not charged or counted yet.
    struct Tally {
        /// Wei that the items of this run take, not charged yet.
        uint256 due;
        uint256 paidItems;
        /// Whose paid items are to be counted, how many, and their wei.
        address user;
        uint256 agentId;
        uint256 items;
        uint256 paid;
    }

    mapping(bytes32 channelBindingAndNonce => uint256 wei_) private _partialFees;

    /// @inheritdoc IInferenceServing
    function settle(Item[] calldata items, bool acceptPartial)
        external
        returns (Status[] memory statuses, uint256[] memory fees)
    {
        Run memory run;
        Tally memory tally;
        (statuses, fees) = _start(run, items.length, acceptPartial);

        for (uint256 i = 0; i < items.length; ++i) {
            Item calldata item = items[i];
            if (item.auth.channelId != run.channelId) {
                _charge(run, tally);
                _enter(run, item.auth.channelId);
            }
            Status status = _judge(run, item);
            statuses[i] = status;
            if (!_isPaid(status)) continue;

            fees[i] = run.fee;
            if (status == Status.PARTIAL) _partialFees[_partialKey(item.auth)] = run.fee;
            _take(run, tally, item.auth.bindingId, item.auth.nonce);
        }
        _charge(run, tally);
        _count(tally.user, tally.agentId, tally.items, tally.paid);
    }

    /// @inheritdoc IInferenceServing
    function partialFeeOf(bytes32 channelId, bytes32 bindingId, uint256 nonce)
        external
        view
        returns (uint256)
    {
        return _partialFees[keccak256(abi.encode(channelId, bindingId, nonce))];
    }

    /// @dev The item just judged is paid.
    function _take(Run memory run, Tally memory tally, bytes32 bindingId, uint256 nonce) private {
        uint256 fee = run.fee;
        if (run.nonceKey == 0) {
            run.meter = run.meter.use(bindingId, nonce);
        } else if (run.meter.moves(bindingId, nonce)) {
            run.meter = _moveWindow(run.meter, run.channelId, bindingId, nonce).use(bindingId, nonce);
        } else {
            _useInWord(run.nonceKey, run.nonceWord, nonce);
        }
        unchecked {
            // fee ≤ rest
            run.rest -= fee;
            tally.due += fee;
            ++tally.paidItems;
        }

        emit Settled(
            run.channelId, run.key.agentId(), run.funds.account(), run.authHash, run.receiptHash, fee
        );
    }

    /// @dev Ends the run.
    function _charge(Run memory run, Tally memory tally) private {
        uint256 due = tally.due;
        if (due == 0) return;

        (address user, uint256 agentId) = (run.funds.account(), run.key.agentId());
        if (user != tally.user || agentId != tally.agentId) {
            _count(tally.user, tally.agentId, tally.items, tally.paid);
            (tally.user, tally.agentId) = (user, agentId);
            tally.items = 0;
            tally.paid = 0;
        }
        tally.items += tally.paidItems;
        tally.paid += due;
        tally.due = 0;
        tally.paidItems = 0;
        ledgerManager.charge(run.channelId, due, run.meter.window());
    }

    function _partialKey(RequestAuth calldata auth) private pure returns (bytes32) {
        return keccak256(abi.encode(auth.channelId, auth.bindingId, auth.nonce));
    }
}
