// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICases} from "./staking/ICases.sol";
import {IEvidence} from "./staking/IEvidence.sol";
import {IRewards} from "./staking/IRewards.sol";

/// @title Bonds of users, providers and guardians, and what reaches them
/// @notice A bond belongs to its staker and is tied to one agent. It leaves through unbonding, and until it has left evidence
/// (IEvidence) reaches all of it and cases (ICases) a part; where that money goes: IRewards. The owner, a timelock or Safe,
/// moves the minimums of new stakes within bounds and can stop new stakes; it can take, hold or slash nothing. Amounts in wei,
/// points in time in Unix seconds.
interface IComputeStaking is IEvidence, ICases, IRewards {
    enum Role {
        NONE,
        USER,
        PROVIDER,
        GUARDIAN
    }

    struct Bond {
        Role role;
        address staker;
        uint64 unlockAt;
        uint256 agentId;
        uint128 bonded;
        uint128 unbonding;
        /// The role's minimum when the staker last put in or took out a part; a later one does not touch this bond.
        uint128 minimum;
        /// Guardians: since when it has been bonded at its minimum without a break; zero while it is not.
        uint64 guardianSince;
    }

    /// @notice `amount` was added.
    /// @param bondId see `bondIdOf`
    /// @param role of the staker
    /// @param agentId zero for users and guardians
    /// @param staker whose money it is
    /// @param amount wei
    event Staked(
        bytes32 indexed bondId, Role indexed role, uint256 indexed agentId, address staker, uint256 amount
    );
    /// @notice Counts no more as active; may be completed from `unlockAt`.
    /// @param bondId see `bondIdOf`
    /// @param amount wei
    /// @param unlockAt Unix seconds
    event UnstakeRequested(bytes32 indexed bondId, uint128 amount, uint64 unlockAt);
    /// @notice Bonded again.
    /// @param bondId see `bondIdOf`
    /// @param amount wei
    event UnstakeCancelled(bytes32 indexed bondId, uint128 amount);
    /// @notice Left the contract.
    /// @param bondId see `bondIdOf`
    /// @param to who receives it
    /// @param amount wei
    event Unstaked(bytes32 indexed bondId, address indexed to, uint128 amount);
    /// @notice Sits among the guardians from now on, or does not any more.
    /// @param guardian who
    /// @param seated from now on
    event GuardianSet(address indexed guardian, bool seated);

    error BelowMinimum(uint256 required, uint256 actual);
    error UnknownBond(bytes32 bondId);
    error NotStaker(bytes32 bondId, address caller);
    error AmountExceeds(uint256 available, uint256 requested);
    error UnbondingPending(bytes32 bondId, uint64 unlockAt);
    error NothingUnbonding(bytes32 bondId);
    error StillLocked(uint64 unlockAt, uint256 nowAt);
    error StillFrozen(bytes32 bondId, uint256 frozen);
    error ZeroAmount();

    /// @notice Stakes, or adds to a bond of the caller; with what is bonded already it must reach the role's minimum.
    /// @return bondId see `bondIdOf`
    function stakeAsUser() external payable returns (bytes32 bondId);
    /// @notice Beneficiary is the caller; the registry counts the bond of the agent's recorded owner.
    /// @param agentId whose keys it answers for
    /// @return bondId see `bondIdOf`
    function stakeAsProvider(uint256 agentId) external payable returns (bytes32 bondId);
    /// @notice A guardian votes in cases that are opened a week later or more.
    /// @return bondId see `bondIdOf`
    function stakeAsGuardian() external payable returns (bytes32 bondId);

    /// @notice Staker only: what is added belongs to the staker.
    /// @param bondId see `bondIdOf`
    function addStake(bytes32 bondId) external payable;

    /// @notice Staker only, one request at a time. Leaves `activeBond` at once; withdrawable after UNBONDING. The rest must be zero
    /// or at least the role's minimum.
    /// @param bondId see `bondIdOf`
    /// @param amount wei
    function requestUnstake(bytes32 bondId, uint128 amount) external;

    /// @notice What is unbonding counts as bonded again; a guardian's seniority starts anew if it had ended.
    /// @param bondId see `bondIdOf`
    function cancelUnstake(bytes32 bondId) external;

    /// @notice Staker only, once `unlockAt` has come. Pays out what no open case freezes; the frozen part stays and can be taken
    /// when the freeze has ended.
    /// @param bondId see `bondIdOf`
    /// @param to who receives it
    function completeUnstake(bytes32 bondId, address to) external;

    /// @notice Owner only, within half and four times the role's default. For stakes made from now on.
    /// @param role of the staker
    /// @param value wei
    function setMinimum(Role role, uint128 value) external;

    /// @notice keccak256(abi.encode(role, agentId, staker)).
    /// @param role of the staker
    /// @param agentId zero for users and guardians
    /// @param staker whose money it is
    function bondIdOf(Role role, uint256 agentId, address staker) external pure returns (bytes32);
    /// @notice All zero for an unknown id.
    /// @param bondId see `bondIdOf`
    function bondOf(bytes32 bondId) external view returns (Bond memory);

    /// @notice What is bonded and not unbonding, wei.
    /// @param bondId see `bondIdOf`
    function activeBond(bytes32 bondId) external view returns (uint256);

    /// @notice Whether the bonded part reaches the minimum that held when it was staked.
    /// @param bondId see `bondIdOf`
    function isBonded(bytes32 bondId) external view returns (bool);

    /// @notice What evidence and cases can reach: bonded and unbonding, wei.
    /// @param bondId see `bondIdOf`
    function slashable(bytes32 bondId) external view returns (uint256);

    /// @notice The part that cannot be taken out now because of an open case; zero CASE_MAX after the last one was opened.
    /// @param bondId see `bondIdOf`
    function frozenOf(bytes32 bondId) external view returns (uint256);

    /// @notice Smallest new bond of the role, wei; zero for NONE, which nobody can hold.
    /// @param role of the staker
    function minimumOf(Role role) external view returns (uint256);

    /// @notice Guardians seated now.
    function guardianCount() external view returns (uint256);
}
