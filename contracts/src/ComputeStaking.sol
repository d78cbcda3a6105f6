// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {LowLevelCall} from "@openzeppelin/contracts/utils/LowLevelCall.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IComputeStaking} from "./interfaces/IComputeStaking.sol";

/// @title The one bond contract of the system
/// @notice Rules and powers: see IComputeStaking. It reads no other contract.
contract ComputeStaking is IComputeStaking, ReentrancyGuardTransient {
    using SafeCast for uint256;

    /// @notice Against spam: nodes and gateways may ask for it.
    uint256 public constant USER_MINIMUM = 0.01 ether;
    /// @notice Without it a provider is not active.
    uint256 public constant PROVIDER_MINIMUM = 0.1 ether;
    /// @notice For the day when cases exist; until then the role does nothing.
    uint256 public constant GUARDIAN_MINIMUM = 1 ether;
    /// @notice Longer than any binding lives (ComputeRegistry.MAX_BINDING_VALIDITY), so that a bond stays in reach for
    /// everything that was done under it (attacks R2, R11, K3).
    uint64 public constant UNBONDING = 14 days;
    /// @notice Longer, so that a guardian stays in reach for what its vote decided.
    uint64 public constant GUARDIAN_UNBONDING = 21 days;

    mapping(bytes32 bondId => Bond bond) private _bonds;

    /// @inheritdoc IComputeStaking
    function stakeAsUser() external payable returns (bytes32 bondId) {
        return _stake(Role.USER, 0);
    }

    /// @inheritdoc IComputeStaking
    function stakeAsProvider(uint256 agentId) external payable returns (bytes32 bondId) {
        return _stake(Role.PROVIDER, agentId);
    }

    /// @inheritdoc IComputeStaking
    function stakeAsGuardian() external payable returns (bytes32 bondId) {
        return _stake(Role.GUARDIAN, 0);
    }

    /// @inheritdoc IComputeStaking
    function addStake(bytes32 bondId) external payable {
        Bond storage bond = _ownBond(bondId);

        _add(bondId, bond);
    }

    /// @inheritdoc IComputeStaking
    function requestUnstake(bytes32 bondId, uint128 amount) external {
        Bond storage bond = _ownBond(bondId);
        require(amount != 0, ZeroAmount());
        require(bond.unbonding == 0, UnbondingPending(bondId, bond.unlockAt));
        require(amount <= bond.bonded, AmountExceeds(bond.bonded, amount));
        uint128 rest = bond.bonded - amount;
        require(rest == 0 || rest >= minimumOf(bond.role), BelowMinimum(minimumOf(bond.role), rest));

        uint64 unlockAt = uint64(block.timestamp) + _unbondingOf(bond.role);
        bond.bonded = rest;
        bond.unbonding = amount;
        bond.unlockAt = unlockAt;

        emit UnstakeRequested(bondId, amount, unlockAt);
    }

    /// @inheritdoc IComputeStaking
    function cancelUnstake(bytes32 bondId) external {
        Bond storage bond = _ownBond(bondId);
        uint128 amount = bond.unbonding;
        require(amount != 0, NothingUnbonding(bondId));

        bond.bonded += amount;
        bond.unbonding = 0;
        bond.unlockAt = 0;

        emit UnstakeCancelled(bondId, amount);
    }

    /// @inheritdoc IComputeStaking
    function completeUnstake(bytes32 bondId, address to) external nonReentrant {
        Bond storage bond = _ownBond(bondId);
        require(to != address(0), ZeroAddress());
        uint128 amount = bond.unbonding;
        require(amount != 0, NothingUnbonding(bondId));
        require(block.timestamp >= bond.unlockAt, StillLocked(bond.unlockAt, block.timestamp));

        bond.unbonding = 0;
        bond.unlockAt = 0;

        emit Unstaked(bondId, to, amount);
        require(LowLevelCall.callNoReturn(to, amount, ""), TransferFailed(to, amount));
    }

    /// @inheritdoc IComputeStaking
    function bondOf(bytes32 bondId) external view returns (Bond memory) {
        return _bonds[bondId];
    }

    /// @inheritdoc IComputeStaking
    function activeBond(bytes32 bondId) external view returns (uint256) {
        return _bonds[bondId].bonded;
    }

    /// @inheritdoc IComputeStaking
    function bondIdOf(Role role, uint256 agentId, address staker) public pure returns (bytes32) {
        return keccak256(abi.encode(role, agentId, staker));
    }

    /// @inheritdoc IComputeStaking
    function minimumOf(Role role) public pure returns (uint256) {
        if (role == Role.PROVIDER) return PROVIDER_MINIMUM;
        if (role == Role.USER) return USER_MINIMUM;
        if (role == Role.GUARDIAN) return GUARDIAN_MINIMUM;
        return 0;
    }

    function _stake(Role role, uint256 agentId) private returns (bytes32 bondId) {
        bondId = bondIdOf(role, agentId, msg.sender);
        Bond storage bond = _bonds[bondId];
        if (bond.role == Role.NONE) {
            bond.role = role;
            bond.agentId = agentId;
            bond.staker = msg.sender;
        }

        _add(bondId, bond);
    }

    function _add(bytes32 bondId, Bond storage bond) private {
        require(msg.value != 0, ZeroAmount());
        uint256 bonded = bond.bonded + msg.value;
        require(bonded >= minimumOf(bond.role), BelowMinimum(minimumOf(bond.role), bonded));

        bond.bonded = bonded.toUint128();

        emit Staked(bondId, bond.role, bond.agentId, msg.sender, msg.value);
    }

    function _ownBond(bytes32 bondId) private view returns (Bond storage bond) {
        bond = _bonds[bondId];
        require(bond.role != Role.NONE, UnknownBond(bondId));
        require(bond.staker == msg.sender, NotStaker(bondId, msg.sender));
    }

    function _unbondingOf(Role role) private pure returns (uint64) {
        return role == Role.GUARDIAN ? GUARDIAN_UNBONDING : UNBONDING;
    }
}
