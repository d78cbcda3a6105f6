// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {BitMaps} from "@openzeppelin/contracts/utils/structs/BitMaps.sol";
import {ILedgerManager} from "../interfaces/ILedgerManager.sol";
import {ChannelLib} from "../libraries/ChannelLib.sol";
import {Balances} from "./Balances.sol";
import {Channels} from "./Channels.sol";
import {UserConsent} from "./UserConsent.sol";

/// @title How more is locked in a channel
/// @notice Rules: see ILedgerManager.
abstract contract TopUps is Channels, Balances, UserConsent {
    using BitMaps for BitMaps.BitMap;
    using SafeCast for uint256;

    mapping(bytes32 channelId => BitMaps.BitMap salts) private _usedSalts;

    /// @inheritdoc ILedgerManager
    function topUp(bytes32 channelId, uint128 amount) external payable whileIntakeOpen {
        Record storage channel = _ownChannel(channelId);

        _credit(msg.sender);
        _topUp(channelId, channel, amount);
    }

    /// @inheritdoc ILedgerManager
    function topUpWithSig(
        bytes32 channelId,
        uint128 amount,
        uint256 salt,
        uint256 deadline,
        bytes calldata userSig
    ) external whileIntakeOpen {
        Record storage channel = _channels[channelId];
        _requireSigned(
            channel.user, ChannelLib.hashTopUp(channelId, amount, salt, deadline), deadline, userSig
        );
        require(!isSaltUsed(channelId, salt), SaltUsed(channelId, salt));

        _usedSalts[channelId].set(salt);
        _topUp(channelId, channel, amount);
    }

    /// @inheritdoc ILedgerManager
    function isSaltUsed(bytes32 channelId, uint256 salt) public view returns (bool) {
        return _usedSalts[channelId].get(salt);
    }

    function _topUp(bytes32 channelId, Record storage channel, uint128 amount) private {
        require(channel.state == State.OPEN, WrongState(channelId, channel.state));
        require(amount != 0, ZeroAmount());

        _debit(channel.user, amount);
        channel.locked += uint256(amount).toUint80();

        emit ChannelToppedUp(channelId, amount);
    }
}
