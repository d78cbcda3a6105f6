// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ILedgerManager} from "../interfaces/ILedgerManager.sol";
import {Payees} from "./Payees.sol";

/// @title Channels as they are stored and read
/// @notice Rules: see ILedgerManager. What opens, fills, charges and closes them builds on this.
abstract contract Channels is Payees {
    /// Lies in storage as ChannelWords describes.
    struct Record {
        address user;
        uint80 locked;
        Mode mode;
        State state;
        address sessionKey;
        uint48 agentId;
        uint24 serviceId;
        uint24 priceVersion;
        uint40 payeeNumber;
        uint40 closeAt;
        uint24 refundDelay;
        uint72 window;
        uint80 spent;
    }

    mapping(bytes32 channelId => Record channel) internal _channels;

    /// @inheritdoc ILedgerManager
    function channelOf(bytes32 channelId) external view returns (Channel memory) {
        Record storage channel = _channels[channelId];
        return Channel({
            user: channel.user,
            agentId: channel.agentId,
            payee: _payeeOf(channel.payeeNumber),
            serviceId: channel.serviceId,
            priceVersion: channel.priceVersion,
            mode: channel.mode,
            state: channel.state,
            locked: channel.locked,
            spent: channel.spent,
            closeAt: channel.closeAt,
            refundDelay: channel.refundDelay,
            sessionKey: channel.sessionKey
        });
    }

    /// @inheritdoc ILedgerManager
    function wordsOf(bytes32 channelId) external view returns (uint256 funds, uint256 key, uint256 meter) {
        Record storage channel = _channels[channelId];
        assembly ("memory-safe") {
            funds := sload(channel.slot)
            key := sload(add(channel.slot, 1))
            meter := sload(add(channel.slot, 2))
        }
    }

    function _ownChannel(bytes32 channelId) internal view returns (Record storage channel) {
        channel = _channels[channelId];
        require(msg.sender == channel.user, NotUser(channelId, msg.sender));
    }

    function _requireChargeable(bytes32 channelId, Record storage channel) internal view {
        require(
            channel.state == State.OPEN || channel.state == State.CLOSING,
            WrongState(channelId, channel.state)
        );
    }
}
