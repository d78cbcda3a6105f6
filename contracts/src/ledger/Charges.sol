// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ILedgerManager} from "../interfaces/ILedgerManager.sol";
import {ChannelWords} from "../libraries/ChannelWords.sol";
import {Channels} from "./Channels.sol";

/// @title How a channel is charged
/// @notice Rules: see ILedgerManager.
abstract contract Charges is Channels {
    using ChannelWords for uint256;

    /// @inheritdoc ILedgerManager
    address public immutable inferenceServing;

    constructor(address serving) {
        require(serving != address(0), ZeroAddress());
        inferenceServing = serving;
    }

    /// @inheritdoc ILedgerManager
    function charge(bytes32 channelId, uint256 amount, uint72 window) external {
        require(msg.sender == inferenceServing, NotServing(msg.sender));
        Record storage channel = _channels[channelId];
        uint256 funds;
        uint256 meter;
        assembly ("memory-safe") {
            funds := sload(channel.slot)
            meter := sload(add(channel.slot, 2))
        }
        require(funds.isChargeable(), WrongState(channelId, funds.state()));
        uint256 rest = funds.locked() - meter.spent();
        require(amount <= rest, InsufficientBalance(amount, rest));

        meter = meter.charged(amount, window);
        assembly ("memory-safe") {
            sstore(add(channel.slot, 2), meter)
        }
        _owe(meter.payeeNumber(), amount);
    }
}
