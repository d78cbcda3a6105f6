// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ILedgerManager} from "../interfaces/ILedgerManager.sol";
import {Balances} from "./Balances.sol";
import {Channels} from "./Channels.sol";

/// @title How a channel closes: the user waits, the payee need not
/// @notice Rules: see ILedgerManager.
abstract contract Closings is Channels, Balances {
    /// @inheritdoc ILedgerManager
    function requestRefund(bytes32 channelId) external {
        Record storage channel = _ownChannel(channelId);
        require(channel.state == State.OPEN, WrongState(channelId, channel.state));

        uint40 closeAt = uint40(block.timestamp) + channel.refundDelay;
        channel.state = State.CLOSING;
        channel.closeAt = closeAt;

        emit RefundRequested(channelId, closeAt);
    }

    /// @inheritdoc ILedgerManager
    function cancelRefund(bytes32 channelId) external {
        Record storage channel = _ownChannel(channelId);
        require(channel.state == State.CLOSING, WrongState(channelId, channel.state));

        channel.state = State.OPEN;
        channel.closeAt = 0;

        emit RefundCancelled(channelId);
    }

    /// @inheritdoc ILedgerManager
    function completeRefund(bytes32 channelId) external {
        Record storage channel = _channels[channelId];
        require(channel.state == State.CLOSING, WrongState(channelId, channel.state));
        require(block.timestamp >= channel.closeAt, RefundNotDue(channel.closeAt, block.timestamp));

        _close(channelId, channel);
    }

    /// @inheritdoc ILedgerManager
    function releaseChannel(bytes32 channelId) external {
        Record storage channel = _channels[channelId];
        _requireChargeable(channelId, channel);
        require(msg.sender == _payeeOf(channel.payeeNumber), NotPayee(channelId, msg.sender));

        _close(channelId, channel);
    }

    function _close(bytes32 channelId, Record storage channel) private {
        uint80 rest = channel.locked - channel.spent;

        // CLOSED is terminal and `spent` is kept for ever (attack P22).
        channel.state = State.CLOSED;
        channel.locked = channel.spent;
        _giveBack(channel.user, rest);

        emit ChannelClosed(channelId, rest);
    }
}
