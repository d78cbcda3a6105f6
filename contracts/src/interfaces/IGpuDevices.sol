// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {NodeStatement} from "./NodeStatement.sol";
import {IBindings} from "./registry/IBindings.sol";

/// @title One GPU, one binding
/// @notice ComputeRegistry's record of which binding holds which GPU or NVSwitch, so that one device is not sold twice (attack D7).
/// A device is known by its identity alone, the SHA-256 of a public key that NVIDIA burnt into it (docs/protocol.md §2): no
/// serial number comes here. The identity is not salted: whoever has seen the device's certificate recognises it.
///
/// Only a binding that a listed verifier granted on the evidence of the devices, by software that is listed for gathering it
/// itself, claims any, and only those that its hardware-signed statement names. Devices under a simulated root are a world of
/// their own. Nobody owns this contract.
///
/// A claim keeps its devices for CLAIM_LEASE, and longer only by a claim on newer evidence: whoever has them keeps them by
/// renewing. Evidence is claimed on within the registry's `freshnessWindow` of the block that it names, or never: whoever lets
/// a rented machine go keeps its GPUs for that window and one lease at most. Nothing that was shown before a claim ever takes
/// its devices: whoever was at a device once, and kept what it answered, cannot take it back.
interface IGpuDevices {
    /// @notice What a binding has claimed.
    struct Claim {
        /// Since when it has held every device of its statement without a gap, Unix seconds; zero where it does not.
        uint64 wholeSince;
        /// Until when no other binding takes them while this one stands, Unix seconds.
        uint64 keptUntil;
        /// Block that the evidence behind the latest claim names.
        uint64 blockNumber;
        /// Block of the latest claim: only evidence that names a later one takes a device.
        uint64 claimedInBlock;
    }

    /// @notice The binding holds the device from now on.
    /// @param device identity
    /// @param bindingId that holds it
    /// @param previous that held it before; zero for none
    /// @param simulated whether it is one under a simulated root
    event DeviceClaimed(
        bytes32 indexed device, bytes32 indexed bindingId, bytes32 indexed previous, bool simulated
    );
    /// @notice The binding holds every device of its statement from now on.
    /// @param bindingId that holds them
    /// @param simulated whether they are devices under a simulated root
    /// @param keptUntil Unix seconds
    event DevicesKept(bytes32 indexed bindingId, bool simulated, uint64 keptUntil);

    error DeviceCount(uint256 max, uint256 actual);
    error DevicesNotAscending(uint256 index);
    error DevicesMismatch(bytes32 expected, bytes32 actual);
    error BindingNotActive(bytes32 bindingId);
    error NoGpuShown(bytes32 bindingId);
    error DeviceHeld(bytes32 device, bytes32 holder, uint64 until);
    error ShownBeforeClaim(bytes32 device, uint64 claimedInBlock, uint64 actual);
    error ShownTooLongAgo(uint64 blockNumber, uint64 window, uint256 current);
    error TooLittleGas(uint256 min, uint256 actual);

    /// @notice Records that the binding holds its devices, all of them or none, for CLAIM_LEASE. Anyone may send it; on the evidence
    /// of its last claim it changes nothing. Refused on evidence that names a block before the registry's `freshnessWindow`. A
    /// device that another binding holds is taken over only on evidence that names a later block than that of the other's claim,
    /// and only where the other's lease is over, or it expired, was revoked, ended with its endpoint or owner, or was renewed on
    /// less; or where it is of the same agent, as when a node starts again with new keys.
    /// @param statement of a binding that is active
    /// @param devices identities that the statement's `gpuDevicesDigest` is the digest of, ascending, at most 64
    function claim(NodeStatement calldata statement, bytes32[] calldata devices) external;

    /// @notice Who holds a device, live or not.
    /// @param device identity
    /// @param simulated whether devices under a simulated root are meant
    /// @return bindingId zero where nobody ever claimed it
    function holderOf(bytes32 device, bool simulated) external view returns (bytes32 bindingId);

    /// @notice What a binding has claimed. ComputeRegistry says TDX_GPU while it is whole. A lease that is over costs nobody
    /// anything until another takes a device.
    /// @param bindingId any
    /// @param simulated whether devices under a simulated root are meant
    /// @return all zero for one that has claimed none
    function claimOf(bytes32 bindingId, bool simulated) external view returns (Claim memory);

    /// @notice What ComputeRegistry says of a binding's devices.
    /// @param bindingId any
    /// @param granted tier of its last grant
    /// @param t Unix seconds; what is held is known of today, and of `t` only where it has been held since
    /// @return tier TDX in place of TDX_GPU where they are not held
    /// @return devices whose they are
    function standingAt(bytes32 bindingId, IBindings.Tier granted, uint256 t)
        external
        view
        returns (IBindings.Tier tier, IBindings.Devices devices);
}
