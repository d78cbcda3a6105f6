// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {IBindings} from "./interfaces/registry/IBindings.sol";
import {IMeasurementPolicy} from "./interfaces/IMeasurementPolicy.sol";

/// @title Which measured software counts
/// @notice See IMeasurementPolicy.
abstract contract MeasurementPolicy is IMeasurementPolicy, Ownable2Step {
    struct Announcement {
        uint40 readyAt;
        Rule rule;
    }

    /// @notice Least delay that a deployment can choose.
    uint256 public constant MIN_DELAY = 48 hours;
    /// @notice Greatest one.
    uint256 public constant MAX_DELAY = 30 days;
    /// @notice UpToDate, SWHardeningNeeded and the two that say Configuration.
    uint8 public constant ALLOWED_STATUSES = 0x0f;
    /// @notice ICSSD, LASS, SEPT_VE_DISABLE, PKS, KL, TPA, PERFMON: nothing that lets anybody look into a TD, and not
    /// MIGRATABLE.
    uint64 public constant ALLOWED_ATTRIBUTES = 0xc0000000d8010000;

    /// @notice What no contract can check of a GPU rests on the workload that gathers its evidence: the entry must pin it.
    error GpuWorkloadNotPinned();

    /// @inheritdoc IMeasurementPolicy
    uint256 public immutable delay;

    /// @inheritdoc IMeasurementPolicy
    address public remover;
    /// @inheritdoc IMeasurementPolicy
    uint32 public entryCount;
    mapping(bytes32 key => Announcement announcement) private _announcements;
    mapping(bytes32 key => Rule rule) internal _rules;
    mapping(uint32 index => bytes32 key) private _keys;

    constructor(address owner_, address remover_, uint256 delay_) Ownable(owner_) {
        require(delay_ >= MIN_DELAY && delay_ <= MAX_DELAY, DelayOutOfBounds(MIN_DELAY, MAX_DELAY, delay_));
        delay = delay_;
        remover = remover_;

        emit RemoverSet(msg.sender, remover_);
    }

    modifier onlyDenier() {
        require(msg.sender == remover || msg.sender == owner(), NotRemover(msg.sender));
        _;
    }

    /// @inheritdoc IMeasurementPolicy
    function propose(Measurement calldata measurement, Rule calldata rule, Origin calldata origin)
        external
        onlyOwner
        returns (bytes32 key)
    {
        _requireWellFormed(measurement, rule);
        require(origin.commit != 0 && origin.sources.length != 0, NoOrigin());
        key = keyOf(measurement);
        require(_rules[key].index == 0, AlreadyListed(key));
        Announcement storage announcement = _announcements[key];
        require(announcement.readyAt == 0, AlreadyProposed(key));

        uint256 ready = block.timestamp + delay;
        announcement.readyAt = uint40(ready);
        announcement.rule = rule;
        announcement.rule.index = 0;

        emit EntryProposed(key, msg.sender, ready, measurement, announcement.rule, origin);
    }

    /// @inheritdoc IMeasurementPolicy
    function withdraw(bytes32 key) external onlyDenier {
        require(_announcements[key].readyAt != 0, NotProposed(key));

        delete _announcements[key];

        emit EntryWithdrawn(key, msg.sender);
    }

    /// @inheritdoc IMeasurementPolicy
    function accept(bytes32 key) external returns (uint32 index) {
        Announcement memory announcement = _announcements[key];
        require(announcement.readyAt != 0, NotProposed(key));
        require(block.timestamp >= announcement.readyAt, TooEarly(announcement.readyAt, block.timestamp));

        delete _announcements[key];
        index = ++entryCount;
        announcement.rule.index = index;
        _rules[key] = announcement.rule;
        _keys[index] = key;

        emit EntryAccepted(key, index);
    }

    /// @inheritdoc IMeasurementPolicy
    function remove(bytes32 key) external onlyDenier {
        uint32 index = _rules[key].index;
        require(index != 0, NotListed(key));

        delete _rules[key];

        emit EntryRemoved(key, index, msg.sender);
    }

    /// @inheritdoc IMeasurementPolicy
    function setRemover(address remover_) external onlyOwner {
        remover = remover_;

        emit RemoverSet(msg.sender, remover_);
    }

    /// @inheritdoc IMeasurementPolicy
    function ruleOf(bytes32 key) external view returns (Rule memory) {
        return _rules[key];
    }

    /// @inheritdoc IMeasurementPolicy
    function ruleAt(uint32 index) public view returns (Rule memory rule) {
        rule = _rules[_keys[index]];
        // An image that was listed again is under its new entry, and not under the one that was removed.
        if (rule.index != index) delete rule;
    }

    /// @inheritdoc IMeasurementPolicy
    function readyAt(bytes32 key) external view returns (uint256) {
        return _announcements[key].readyAt;
    }

    /// @inheritdoc IMeasurementPolicy
    function keyOf(Measurement calldata measurement) public pure returns (bytes32) {
        return keccak256(abi.encode(measurement));
    }

    function _requireWellFormed(Measurement calldata measurement, Rule calldata rule) private pure {
        require(measurement.imageId != 0, ImageIdZero());
        require(
            (measurement.pin == WorkloadPin.NONE) == (measurement.workload == 0),
            WorkloadMismatch(measurement.pin, measurement.workload)
        );
        require(
            rule.tier == IBindings.Tier.TDX || rule.tier == IBindings.Tier.TDX_GPU, TierNotAllowed(rule.tier)
        );
        require(
            rule.tier != IBindings.Tier.TDX_GPU || measurement.pin != WorkloadPin.NONE, GpuWorkloadNotPinned()
        );
        require(
            rule.tcbStatuses != 0 && rule.tcbStatuses & ~ALLOWED_STATUSES == 0,
            StatusesNotAllowed(ALLOWED_STATUSES, rule.tcbStatuses)
        );
        require(
            rule.tdAttributes & ~ALLOWED_ATTRIBUTES == 0,
            AttributesNotAllowed(ALLOWED_ATTRIBUTES, rule.tdAttributes)
        );
    }
}
