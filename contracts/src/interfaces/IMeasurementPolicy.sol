// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBindings} from "./registry/IBindings.sol";

/// @title Which measured software counts
/// @notice An entry names one image, and how far the platform under it may be behind. It comes in after a delay that everybody
/// can watch, is never changed, and goes at once: the owner and the remover can deny, nobody can list in a hurry. The list
/// only narrows what a verifier found genuine; no entry makes an invalid quote pass. Clients hold lists of their own.
/// The events replayed from the start give the list.
interface IMeasurementPolicy {
    /// @notice What says which workload runs on the image.
    enum WorkloadPin {
        /// Nothing here: clients judge by the event log.
        NONE,
        /// MRCONFIGID of version 1, in which the hardware signs the compose hash.
        COMPOSE_HASH,
        /// The exact RTMR3, which differs from instance to instance.
        RTMR3
    }

    /// @notice What a quote must say to be under an entry. Its hash is the entry's key.
    struct Measurement {
        /// TdxQuote.imageId: one image on one shape of machine.
        bytes32 imageId;
        WorkloadPin pin;
        /// The compose hash, or keccak256 of RTMR3, or zero.
        bytes32 workload;
        /// keccak256 of MRSERVICETD; zero where it is all zeros, which is usual.
        bytes32 mrServiceTd;
    }

    /// @notice What follows for whoever is under an entry.
    // One slot: the rule counts an enum as a whole one.
    // solhint-disable-next-line gas-struct-packing
    struct Rule {
        /// From 1; zero: not listed.
        uint32 index;
        /// TDX, or TDX_GPU for software that serves only after it has gathered the evidence of its GPUs itself, which no
        /// contract can check.
        IBindings.Tier tier;
        /// Bit n: TCB status n is good enough. UpToDate and SWHardeningNeeded as a rule, Configuration… where it is said
        /// here; OutOfDate and Revoked never.
        uint8 tcbStatuses;
        /// TDATTRIBUTES that may be set. SEPT_VE_DISABLE must be.
        uint64 tdAttributes;
        /// Longest validity of an appraisal in seconds; zero: as long as its collateral.
        uint32 maxValidity;
    }

    /// @notice Where the image comes from.
    struct Origin {
        /// Commit of the sources, left-aligned.
        bytes32 commit;
        /// At least one place where the sources are.
        string[] sources;
    }

    /// @notice Announced; listed at the earliest at `readyAt`.
    /// @param key of the entry
    /// @param actor who did it
    /// @param readyAt Unix seconds
    /// @param measurement what is listed
    /// @param rule what follows for it
    /// @param origin where the image comes from
    event EntryProposed(
        bytes32 indexed key,
        address indexed actor,
        uint256 readyAt,
        Measurement measurement,
        Rule rule,
        Origin origin
    );
    /// @notice An announcement was taken back.
    /// @param key of the entry
    /// @param actor who did it
    event EntryWithdrawn(bytes32 indexed key, address indexed actor);
    /// @notice Listed.
    /// @param key of the entry
    /// @param index from 1
    event EntryAccepted(bytes32 indexed key, uint32 indexed index);
    /// @notice Dropped, at once.
    /// @param key of the entry
    /// @param index from 1
    /// @param actor who did it
    event EntryRemoved(bytes32 indexed key, uint32 indexed index, address indexed actor);
    /// @notice Who may deny beside the owner.
    /// @param actor who did it
    /// @param remover zero for nobody
    event RemoverSet(address indexed actor, address indexed remover);

    error DelayOutOfBounds(uint256 min, uint256 max, uint256 actual);
    error ImageIdZero();
    error WorkloadMismatch(WorkloadPin pin, bytes32 workload);
    error TierNotAllowed(IBindings.Tier tier);
    error StatusesNotAllowed(uint8 allowed, uint8 actual);
    error AttributesNotAllowed(uint64 allowed, uint64 actual);
    error NoOrigin();
    error AlreadyListed(bytes32 key);
    error AlreadyProposed(bytes32 key);
    error NotProposed(bytes32 key);
    error TooEarly(uint256 readyAt, uint256 time);
    error NotListed(bytes32 key);
    error NotRemover(address caller);

    /// @notice Announces an entry. Owner only. `rule.index` is ignored.
    /// @param measurement what is listed
    /// @param rule what follows for it
    /// @param origin where the image comes from
    /// @return key of the entry
    function propose(Measurement calldata measurement, Rule calldata rule, Origin calldata origin)
        external
        returns (bytes32 key);

    /// @notice Takes an announcement back. Owner or remover.
    /// @param key of the entry
    function withdraw(bytes32 key) external;

    /// @notice Lists an entry whose delay has passed. Anyone.
    /// @param key of the entry
    /// @return index from 1
    function accept(bytes32 key) external returns (uint32 index);

    /// @notice Drops an entry, at once. Owner or remover. It comes back only as a new entry.
    /// @param key of the entry
    function remove(bytes32 key) external;

    /// @notice Names who may deny beside the owner; zero for nobody. Owner only.
    /// @param remover zero for nobody
    function setRemover(address remover) external;

    /// @notice Key of an entry.
    /// @param measurement what is listed
    function keyOf(Measurement calldata measurement) external pure returns (bytes32);
    /// @notice The rule in force; zero index: not listed.
    /// @param key of the entry
    function ruleOf(bytes32 key) external view returns (Rule memory);
    /// @notice The rule of an entry by its index, as long as it is listed.
    /// @param index from 1
    function ruleAt(uint32 index) external view returns (Rule memory);
    /// @notice From when on an announced entry can be accepted; zero: not announced.
    /// @param key of the entry
    function readyAt(bytes32 key) external view returns (uint256);
    /// @notice Entries ever listed; the last one has this index.
    function entryCount() external view returns (uint32);
    /// @notice Who may deny beside the owner.
    function remover() external view returns (address);
    /// @notice Seconds between announcement and listing.
    function delay() external view returns (uint256);
}
