// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Governed} from "../governance/Governed.sol";
import {IComputeStaking} from "../interfaces/IComputeStaking.sol";
import {BondLib} from "../libraries/BondLib.sol";
import {Rewards} from "./Rewards.sol";

/// @title Bonds, how they leave and how they are slashed
/// @notice Rules: see IComputeStaking.
abstract contract Bonds is IComputeStaking, Rewards, Governed {
    using SafeCast for uint256;

    /// @notice Against spam: nodes and gateways may ask for it.
    uint128 public constant USER_MINIMUM = 0.01 ether;
    /// @notice Without it a provider is not active.
    uint128 public constant PROVIDER_MINIMUM = 0.1 ether;
    /// @notice What a vote is worth.
    uint128 public constant GUARDIAN_MINIMUM = 1 ether;
    /// @notice Longer than any binding lives, than a refund takes, and than a case with its appeal, so that a bond stays in
    /// reach for everything that was done under it (attacks R2, R11, K3).
    uint64 public constant UNBONDING = 14 days;
    /// @notice Longer, so that a guardian stays in reach for what its vote decided.
    uint64 public constant GUARDIAN_UNBONDING = 21 days;
    /// @notice How long a guardian was bonded before it may judge. A whole number of days.
    uint64 public constant SENIORITY = 7 days;
    /// @notice Most of a slash that goes to whoever reported, in basis points, and in wei.
    uint256 public constant REPORTER_BPS = 1000;
    /// @notice The bound in wei: finding faults is not a trade.
    uint256 public constant REPORTER_MAX = 0.5 ether;
    /// @notice Most of a slash that makes good a proven loss. A fee that a provider pays itself from a second account costs it
    /// nothing; without this bound it would carry the bond out (attack K9).
    uint256 public constant VICTIM_BPS = 500;

    uint256 private constant BPS = 10_000;
    uint256 private constant LOWEST_DIVISOR = 2;
    uint256 private constant HIGHEST_FACTOR = 4;

    mapping(bytes32 bondId => Bond bond) private _bonds;
    /// Zero: the default.
    mapping(Role role => uint128 amount) private _minimums;
    uint256 private _guardians;
    /// Of those seated now, by the day on which they sat down: seniors are counted without a list (attack P23).
    mapping(uint256 day => uint256 count) private _seatedOn;

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
        _add(bondId, _ownBond(bondId));
    }

    /// @inheritdoc IComputeStaking
    function requestUnstake(bytes32 bondId, uint128 amount) external {
        Bond storage bond = _ownBond(bondId);
        require(amount != 0, ZeroAmount());
        require(bond.unbonding == 0, UnbondingPending(bondId, bond.unlockAt));
        require(amount <= bond.bonded, AmountExceeds(bond.bonded, amount));
        uint128 rest = bond.bonded - amount;
        if (rest != 0) {
            uint128 minimum = _minimum(bond.role);
            require(rest >= minimum, BelowMinimum(minimum, rest));
            bond.minimum = minimum;
        }

        uint64 unlockAt =
            uint64(block.timestamp) + (bond.role == Role.GUARDIAN ? GUARDIAN_UNBONDING : UNBONDING);
        bond.bonded = rest;
        bond.unbonding = amount;
        bond.unlockAt = unlockAt;

        emit UnstakeRequested(bondId, amount, unlockAt);
        _seat(bond);
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
        _seat(bond);
    }

    /// @inheritdoc IComputeStaking
    function completeUnstake(bytes32 bondId, address to) external nonReentrant {
        Bond storage bond = _ownBond(bondId);
        require(to != address(0), ZeroAddress());
        uint128 unbonding = bond.unbonding;
        require(unbonding != 0, NothingUnbonding(bondId));
        require(block.timestamp >= bond.unlockAt, StillLocked(bond.unlockAt, block.timestamp));
        uint256 frozen = frozenOf(bondId);
        uint128 amount = Math.min(unbonding, slashable(bondId) - frozen).toUint128();
        require(amount != 0, StillFrozen(bondId, frozen));

        bond.unbonding = unbonding - amount;
        if (amount == unbonding) bond.unlockAt = 0;

        emit Unstaked(bondId, to, amount);
        _pay(to, amount);
    }

    /// @inheritdoc IComputeStaking
    function setMinimum(Role role, uint128 value) external onlyOwner {
        (uint128 standard, bytes32 policy) = _standardMinimum(role);

        _minimums[role] = value;

        _announcePolicy(policy, value, standard / LOWEST_DIVISOR, standard * HIGHEST_FACTOR);
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
    function minimumOf(Role role) external view returns (uint256) {
        return _minimum(role);
    }

    /// @inheritdoc IComputeStaking
    function guardianCount() external view returns (uint256) {
        return _guardians;
    }

    /// @inheritdoc IComputeStaking
    function isBonded(bytes32 bondId) public view returns (bool) {
        return _reachesMinimum(_bonds[bondId]);
    }

    /// @inheritdoc IComputeStaking
    function slashable(bytes32 bondId) public view returns (uint256) {
        Bond storage bond = _bonds[bondId];
        return uint256(bond.bonded) + bond.unbonding;
    }

    /// @inheritdoc IComputeStaking
    function frozenOf(bytes32 bondId) public view virtual returns (uint256);

    /// @inheritdoc IComputeStaking
    function bondIdOf(Role role, uint256 agentId, address staker) public pure returns (bytes32) {
        return BondLib.idOf(role, agentId, staker);
    }

    /* SLASHING */

    /// @dev Takes up to `amount` and never more than there is, first from what is bonded, so that the bond stops counting at
    /// once (attack K7). `victim` gets up to `loss`; both are zero where no loss was proven.
    function _slash(bytes32 bondId, uint256 amount, address reporter, address victim, uint256 loss)
        internal
        returns (uint256 taken)
    {
        Bond storage bond = _bonds[bondId];
        taken = Math.min(amount, slashable(bondId));
        uint128 fromBonded = Math.min(taken, bond.bonded).toUint128();
        uint256 toVictim = Math.min(loss, _share(taken, VICTIM_BPS));
        uint256 toReporter = Math.min(_share(taken, REPORTER_BPS), REPORTER_MAX);
        uint256 burned = taken - toVictim - toReporter;

        bond.bonded -= fromBonded;
        bond.unbonding -= (taken - fromBonded).toUint128();
        if (bond.unbonding == 0) bond.unlockAt = 0;

        emit Slashed(bondId, reporter, victim, taken, toVictim, toReporter, burned);
        _seat(bond);
        _credit(victim, toVictim);
        _credit(reporter, toReporter);
        _burn(burned);
    }

    /* GUARDIANS */

    /// @dev Since when the account sits without a break; zero: it does not.
    function _guardianSince(address account) internal view returns (uint64) {
        return _bonds[bondIdOf(Role.GUARDIAN, 0, account)].guardianSince;
    }

    /// @dev Everybody who sat down before the last SENIORITY days began.
    function _seniorGuardians() internal view returns (uint256 count) {
        uint256 today = block.timestamp / 1 days;
        count = _guardians;
        for (uint256 day = today - SENIORITY / 1 days + 1; day <= today; ++day) {
            count -= _seatedOn[day];
        }
    }

    /// @dev Whether `_seniorGuardians` counts the account.
    function _isCountedSenior(address account) internal view returns (bool) {
        uint64 since = _guardianSince(account);
        return since != 0 && since / 1 days <= (block.timestamp - SENIORITY) / 1 days;
    }

    function _bond(bytes32 bondId) internal view returns (Bond storage bond) {
        bond = _bonds[bondId];
        require(bond.role != Role.NONE, UnknownBond(bondId));
    }

    /// @dev Rounded down. Bonds have 128 bits, so that nothing overflows.
    function _share(uint256 amount, uint256 bps) internal pure returns (uint256) {
        return amount * bps / BPS;
    }

    /* PRIVATE */

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

    function _add(bytes32 bondId, Bond storage bond) private whileIntakeOpen {
        require(msg.value != 0, ZeroAmount());
        uint256 bonded = bond.bonded + msg.value;
        uint128 minimum = _minimum(bond.role);
        require(bonded >= minimum, BelowMinimum(minimum, bonded));

        bond.bonded = bonded.toUint128();
        bond.minimum = minimum;

        emit Staked(bondId, bond.role, bond.agentId, msg.sender, msg.value);
        _seat(bond);
    }

    /// @dev One bond, one seat, for as long as the bonded part reaches its minimum (attack K6).
    function _seat(Bond storage bond) private {
        if (bond.role != Role.GUARDIAN) return;
        bool seated = _reachesMinimum(bond);
        uint64 since = bond.guardianSince;
        if (seated == (since != 0)) return;

        if (seated) {
            bond.guardianSince = uint64(block.timestamp);
            ++_guardians;
            ++_seatedOn[block.timestamp / 1 days];
        } else {
            bond.guardianSince = 0;
            --_guardians;
            --_seatedOn[since / 1 days];
        }

        emit GuardianSet(bond.staker, seated);
    }

    function _ownBond(bytes32 bondId) private view returns (Bond storage bond) {
        bond = _bond(bondId);
        require(bond.staker == msg.sender, NotStaker(bondId, msg.sender));
    }

    function _minimum(Role role) private view returns (uint128 value) {
        value = _minimums[role];
        if (value == 0) (value,) = _standardMinimum(role);
    }

    function _reachesMinimum(Bond storage bond) private view returns (bool) {
        return bond.bonded != 0 && bond.bonded >= bond.minimum;
    }

    function _standardMinimum(Role role) private pure returns (uint128 amount, bytes32 policy) {
        if (role == Role.PROVIDER) return (PROVIDER_MINIMUM, "providerMinimum");
        if (role == Role.USER) return (USER_MINIMUM, "userMinimum");
        if (role == Role.GUARDIAN) return (GUARDIAN_MINIMUM, "guardianMinimum");
        return (0, "");
    }
}
