// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ILedgerManager} from "../interfaces/ILedgerManager.sol";

/// @title A channel as it is stored
/// @notice Three words, because each costs 22,100 gas to open and 2,100 to settle. From the lowest bit:
/// funds: user 160, locked 96; key: sessionKey 160, spent 96; terms: payee number 48, agentId 64, serviceId 32,
/// priceVersion 32, closeAt 40, refundDelay 24, mode 8, state 8. 2^96 wei are more ether than will ever be.
library ChannelWords {
    uint256 private constant MODE_BIT = 240;
    uint256 private constant STATE_BIT = 248;

    /// @notice `terms` of an open channel.
    function openTerms(uint48 payee, uint64 agent, ILedgerManager.Open calldata o, uint32 delay)
        internal
        pure
        returns (uint256)
    {
        return uint256(payee) | (uint256(agent) << 48) | (uint256(o.serviceId) << 112)
            | (uint256(o.priceVersion) << 144) | (uint256(delay) << 216) | (uint256(o.mode) << MODE_BIT)
            | (uint256(ILedgerManager.State.OPEN) << STATE_BIT);
    }

    /// @notice The user of `funds`, the session key of `key`.
    function account(uint256 word) internal pure returns (address) {
        // forge-lint: disable-next-line(unsafe-typecast) -- the low 160 bits
        return address(uint160(word));
    }

    /// @notice Wei locked of `funds`, wei spent of `key`.
    function amount(uint256 word) internal pure returns (uint256) {
        return word >> 160;
    }

    /// @notice Of `terms`.
    function payeeNumber(uint256 terms) internal pure returns (uint48) {
        // forge-lint: disable-next-line(unsafe-typecast) -- the low 48 bits
        return uint48(terms);
    }

    /// @notice Of `terms`.
    function agentId(uint256 terms) internal pure returns (uint256) {
        // forge-lint: disable-next-line(unsafe-typecast) -- 64 bits from the 48th
        return uint64(terms >> 48);
    }

    /// @notice Of `terms`.
    function serviceId(uint256 terms) internal pure returns (uint32) {
        // forge-lint: disable-next-line(unsafe-typecast) -- 32 bits from the 112th
        return uint32(terms >> 112);
    }

    /// @notice Of `terms`.
    function priceVersion(uint256 terms) internal pure returns (uint32) {
        // forge-lint: disable-next-line(unsafe-typecast) -- 32 bits from the 144th
        return uint32(terms >> 144);
    }

    /// @notice Agent, service and price version of `terms` together: equal where the price is the same row.
    function offer(uint256 terms) internal pure returns (uint256) {
        // forge-lint: disable-next-line(unsafe-typecast) -- 128 bits from the 48th
        return uint128(terms >> 48);
    }

    /// @notice Of `terms`.
    function isReceiptMode(uint256 terms) internal pure returns (bool) {
        return uint8(terms >> MODE_BIT) == uint8(ILedgerManager.Mode.RECEIPT);
    }

    /// @notice Of `terms`.
    function state(uint256 terms) internal pure returns (ILedgerManager.State) {
        return ILedgerManager.State(terms >> STATE_BIT);
    }

    /// @notice Of `terms`: OPEN or CLOSING.
    function isChargeable(uint256 terms) internal pure returns (bool) {
        uint256 code = terms >> STATE_BIT;
        return code == uint256(ILedgerManager.State.OPEN) || code == uint256(ILedgerManager.State.CLOSING);
    }

    /// @notice Of `terms`.
    function isClosed(uint256 terms) internal pure returns (bool) {
        return terms >> STATE_BIT == uint256(ILedgerManager.State.CLOSED);
    }
}
