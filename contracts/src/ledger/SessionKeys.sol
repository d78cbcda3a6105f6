// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ILedgerManager} from "../interfaces/ILedgerManager.sol";
import {Channels} from "./Channels.sol";

/// @title Who speaks for a channel
/// @notice Rules: see ILedgerManager.
abstract contract SessionKeys is Channels {
    /// @notice Longest life of a `RequestAuth`; settlement refuses a receipt of a longer one.
    uint64 public constant MAX_AUTH_LIFE = 1 hours;
    /// @notice How long after `validUntil` a receipt may still be settled.
    uint64 public constant SETTLE_WINDOW = 12 hours;

    /// Until when authorisations of a replaced session key may be settled.
    mapping(bytes32 channelId => mapping(address key => uint64 until)) private _replacedKeys;

    /// @inheritdoc ILedgerManager
    function setSessionKey(bytes32 channelId, address key) external {
        Record storage channel = _ownChannel(channelId);
        _requireChargeable(channelId, channel);
        require(key != address(0), ZeroAddress());

        // What the old key signed may have been served already; the user alone must not void it (attack P20).
        address oldKey = channel.sessionKey;
        _replacedKeys[channelId][oldKey] = uint64(block.timestamp) + MAX_AUTH_LIFE + SETTLE_WINDOW;
        channel.sessionKey = key;

        emit SessionKeySet(channelId, oldKey, key);
    }

    /// @inheritdoc ILedgerManager
    function isSessionKey(bytes32 channelId, address key) external view returns (bool) {
        if (key == address(0)) return false;
        return key == _channels[channelId].sessionKey || block.timestamp <= _replacedKeys[channelId][key];
    }
}
