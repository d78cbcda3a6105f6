// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {LowLevelCall} from "@openzeppelin/contracts/utils/LowLevelCall.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {ILedgerManager} from "../interfaces/ILedgerManager.sol";

/// @title Payees, and what was charged for them
/// @notice Rules: see ILedgerManager.
abstract contract Payees is ILedgerManager, ReentrancyGuardTransient {
    struct Payee {
        address account;
        uint96 claimable;
    }

    /// Beside the delay of RefundDelay, so that an opening reads one slot.
    uint40 private _payeeCount;
    /// Payees have numbers from 1 on, so that a channel has room for its payee.
    mapping(address account => uint40 number) private _payeeNumbers;
    mapping(uint40 number => Payee payee) private _payees;

    /// @inheritdoc ILedgerManager
    function claim(address to) external nonReentrant returns (uint256 amount) {
        require(to != address(0), ZeroAddress());
        Payee storage payee = _payees[_payeeNumbers[msg.sender]];
        amount = payee.claimable;
        require(amount != 0, ZeroAmount());

        payee.claimable = 0;

        emit Claimed(msg.sender, to, amount);
        require(LowLevelCall.callNoReturn(to, amount, ""), TransferFailed(to, amount));
    }

    /// @inheritdoc ILedgerManager
    function claimableOf(address payee) external view returns (uint256) {
        return _payees[_payeeNumbers[payee]].claimable;
    }

    /// @dev A number for every payee that a channel was ever opened for.
    function _numberOf(address payee) internal returns (uint40 number) {
        number = _payeeNumbers[payee];
        if (number != 0) return number;

        number = ++_payeeCount;
        _payeeNumbers[payee] = number;
        _payees[number].account = payee;
    }

    function _owe(uint40 number, uint256 amount) internal {
        // `claimable` has the upper 96 bits of its word, and all ether there is fits in.
        Payee storage payee = _payees[number];
        assembly ("memory-safe") {
            sstore(payee.slot, add(sload(payee.slot), shl(160, amount)))
        }
    }

    function _payeeOf(uint40 number) internal view returns (address) {
        return _payees[number].account;
    }
}
