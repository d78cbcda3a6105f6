// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Where slashed money goes
/// @notice Proven loss to the user who bore it, a capped part to whoever reported, the rest is burned. Never to an owner and
/// never to those who vote, so that slashing is nobody's business and slashing oneself is no way out (attacks K4, K9).
interface IRewards {
    /// @notice `toVictim + toReporter + burned == amount`; the first two can be claimed.
    /// @param bondId see `bondIdOf`
    /// @param reporter who brought it
    /// @param victim who bore the loss, or zero
    /// @param amount wei
    /// @param toVictim wei
    /// @param toReporter wei
    /// @param burned wei
    event Slashed(
        bytes32 indexed bondId,
        address indexed reporter,
        address indexed victim,
        uint256 amount,
        uint256 toVictim,
        uint256 toReporter,
        uint256 burned
    );
    /// @notice `amount` became claimable: a share of a slash, or a deposit that came back or changed sides.
    /// @param account who may claim
    /// @param amount wei
    event Credited(address indexed account, uint256 amount);
    /// @notice Left the contract.
    /// @param account who claimed
    /// @param to who receives it
    /// @param amount wei
    event RewardClaimed(address indexed account, address indexed to, uint256 amount);

    error NothingToClaim(address account);
    error TransferFailed(address to, uint256 amount);
    error ZeroAddress();

    /// @notice Pull payment of everything credited to the caller.
    /// @param to who receives it
    /// @return amount wei
    function claimReward(address to) external returns (uint256 amount);
    /// @notice Wei credited and not yet claimed.
    /// @param account any
    function rewardOf(address account) external view returns (uint256);
}
