// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {LowLevelCall} from "@openzeppelin/contracts/utils/LowLevelCall.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IRewards} from "../interfaces/staking/IRewards.sol";

/// @title Credits and the furnace
/// @notice Rules: see IRewards.
abstract contract Rewards is IRewards, ReentrancyGuardTransient {
    mapping(address account => uint256 amount) private _rewards;

    /// @inheritdoc IRewards
    function claimReward(address to) external nonReentrant returns (uint256 amount) {
        require(to != address(0), ZeroAddress());
        amount = _rewards[msg.sender];
        require(amount != 0, NothingToClaim(msg.sender));

        _rewards[msg.sender] = 0;

        emit RewardClaimed(msg.sender, to, amount);
        _pay(to, amount);
    }

    /// @inheritdoc IRewards
    function rewardOf(address account) external view returns (uint256) {
        return _rewards[account];
    }

    function _credit(address account, uint256 amount) internal {
        if (amount == 0) return;
        _rewards[account] += amount;

        emit Credited(account, amount);
    }

    /// @dev Ether leaves here and in `_burn`, and nowhere else.
    function _pay(address to, uint256 amount) internal {
        require(LowLevelCall.callNoReturn(to, amount, ""), TransferFailed(to, amount));
    }

    /// @dev The zero address has no code and no key: it takes everything and gives nothing.
    function _burn(uint256 amount) internal {
        if (amount != 0) Address.sendValue(payable(address(0)), amount);
    }
}
