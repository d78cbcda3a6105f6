// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Bonds of users, providers and guardians
/// @notice A bond belongs to its staker and is tied to one agent. It leaves through unbonding, so that evidence can
/// still reach it. No owner; nobody else can take it. Amounts in wei, times in Unix seconds.
interface IComputeStaking {
    enum Role {
        NONE,
        USER,
        PROVIDER,
        GUARDIAN
    }

    struct Bond {
        Role role;
        uint256 agentId;
        address staker;
        uint128 bonded;
        uint128 unbonding;
        uint64 unlockAt;
    }

    /// @notice `amount` was added.
    event Staked(
        bytes32 indexed bondId, Role indexed role, uint256 indexed agentId, address staker, uint256 amount
    );
    /// @notice Counts no more as active; may be completed from `unlockAt`.
    event UnstakeRequested(bytes32 indexed bondId, uint128 amount, uint64 unlockAt);
    /// @notice Bonded again.
    event UnstakeCancelled(bytes32 indexed bondId, uint128 amount);
    /// @notice Left the contract.
    event Unstaked(bytes32 indexed bondId, address indexed to, uint128 amount);

    error BelowMinimum(uint256 required, uint256 actual);
    error UnknownBond(bytes32 bondId);
    error NotStaker(bytes32 bondId, address caller);
    error AmountExceeds(uint256 available, uint256 requested);
    error UnbondingPending(bytes32 bondId, uint64 unlockAt);
    error NothingUnbonding(bytes32 bondId);
    error StillLocked(uint64 unlockAt, uint256 nowAt);
    error TransferFailed(address to, uint256 amount);
    error ZeroAddress();
    error ZeroAmount();

    /// @notice Stakes, or adds to a bond of the caller; with what is bonded already it must reach the role's minimum.
    function stakeAsUser() external payable returns (bytes32 bondId);
    /// @notice Beneficiary is the caller; the registry counts the bond of the agent's recorded owner.
    function stakeAsProvider(uint256 agentId) external payable returns (bytes32 bondId);
    /// @notice A guardian has no power over anybody's bond.
    function stakeAsGuardian() external payable returns (bytes32 bondId);

    /// @notice Staker only: what is added belongs to the staker.
    function addStake(bytes32 bondId) external payable;

    /// @notice Staker only, one request at a time. Leaves `activeBond` at once; withdrawable after UNBONDING. The rest must be zero
    /// or at least the role's minimum.
    function requestUnstake(bytes32 bondId, uint128 amount) external;

    /// @notice What is unbonding counts as bonded again.
    function cancelUnstake(bytes32 bondId) external;

    /// @notice Staker only, once `unlockAt` has come.
    function completeUnstake(bytes32 bondId, address to) external;

    /// @notice keccak256(abi.encode(role, agentId, staker)).
    function bondIdOf(Role role, uint256 agentId, address staker) external pure returns (bytes32);
    /// @notice All zero for an unknown id.
    function bondOf(bytes32 bondId) external view returns (Bond memory);

    /// @notice What is bonded and not unbonding, wei.
    function activeBond(bytes32 bondId) external view returns (uint256);

    /// @notice Smallest bond of the role, wei; zero for NONE, which nobody can hold.
    function minimumOf(Role role) external view returns (uint256);
}
