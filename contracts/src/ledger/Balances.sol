// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {LowLevelCall} from "@openzeppelin/contracts/utils/LowLevelCall.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Governed} from "../governance/Governed.sol";
import {ILedgerManager} from "../interfaces/ILedgerManager.sol";

/// @title Balances of users that no channel holds
/// @notice Rules: see ILedgerManager.
abstract contract Balances is ILedgerManager, Governed, ReentrancyGuardTransient {
    mapping(address user => uint256 wei_) private _available;

    /// @inheritdoc ILedgerManager
    function deposit() external payable whileIntakeOpen {
        require(msg.value != 0, ZeroAmount());

        _credit(msg.sender);
    }

    /// @inheritdoc ILedgerManager
    function depositFor(address user) external payable whileIntakeOpen {
        require(user != address(0), ZeroAddress());
        require(msg.value != 0, ZeroAmount());

        _credit(user);
    }

    /// @inheritdoc ILedgerManager
    function withdraw(uint256 amount, address to) external nonReentrant {
        require(to != address(0), ZeroAddress());
        require(amount != 0, ZeroAmount());

        _debit(msg.sender, amount);

        emit Withdrawn(msg.sender, to, amount);
        require(LowLevelCall.callNoReturn(to, amount, ""), TransferFailed(to, amount));
    }

    /// @inheritdoc ILedgerManager
    function availableOf(address user) external view returns (uint256) {
        return _available[user];
    }

    /// @dev What came with the call.
    function _credit(address user) internal {
        if (msg.value == 0) return;

        _available[user] += msg.value;

        emit Deposited(user, msg.sender, msg.value);
    }

    function _debit(address user, uint256 amount) internal {
        uint256 available = _available[user];
        require(amount <= available, InsufficientBalance(amount, available));

        _available[user] = available - amount;
    }

    /// @dev What a channel held and holds no more.
    function _giveBack(address user, uint256 amount) internal {
        _available[user] += amount;
    }
}
