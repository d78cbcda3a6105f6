// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Governed} from "../governance/Governed.sol";
import {ILedgerManager} from "../interfaces/ILedgerManager.sol";

/// @title How long users of later channels wait for a refund
/// @notice Rules: see ILedgerManager.
abstract contract RefundDelay is ILedgerManager, Governed {
    /// @notice An hour more than MAX_AUTH_LIFE and SETTLE_WINDOW together, so that a refund asked for after the answer never
    /// outruns its receipt.
    uint32 public constant MIN_REFUND_DELAY = 14 hours;
    /// @notice Longest that an owner can make users of later channels wait.
    uint32 public constant MAX_REFUND_DELAY = 7 days;

    /// @inheritdoc ILedgerManager
    /// @dev In one slot with `intakePaused` before it and the count of Payees after it, so that an opening reads one slot: this
    /// contract has no other variable, and Payees comes next in the order of the bases.
    uint32 public refundDelay = 24 hours;

    /// @inheritdoc ILedgerManager
    function setRefundDelay(uint32 delay) external onlyOwner {
        _announcePolicy("refundDelay", delay, MIN_REFUND_DELAY, MAX_REFUND_DELAY);
        refundDelay = delay;
    }
}
