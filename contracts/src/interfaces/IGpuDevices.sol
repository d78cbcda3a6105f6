// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {NodeStatement} from "./NodeStatement.sol";

/// @title One GPU, one binding
/// @notice ComputeRegistry's record of which binding holds which GPU or NVSwitch, so that one device is not sold twice (attack D7).
/// A device is known by its identity alone, the SHA-256 of a public key that NVIDIA burnt into it (docs/protocol.md §2): no
/// serial number comes here. The identity is not salted: whoever has seen the device's certificate recognises it.
///
/// Only a binding that a listed verifier granted on the evidence of the devices, by software that is listed for gathering it
/// itself, claims any, and only those that its hardware-signed statement names. Devices under a simulated root are a world of
/// their own. Nobody owns this contract.
interface IGpuDevices {
    /// @notice The binding holds the device from now on.
    /// @param device identity
    /// @param bindingId that holds it
    /// @param previous that held it before; zero for none
    event DeviceClaimed(bytes32 indexed device, bytes32 indexed bindingId, bytes32 indexed previous);

    error DeviceCount(uint256 max, uint256 actual);
    error DevicesNotAscending(uint256 index);
    error DevicesMismatch(bytes32 expected, bytes32 actual);
    error BindingNotActive(bytes32 bindingId);
    error NoGpuShown(bytes32 bindingId);
    error DeviceHeld(bytes32 device, bytes32 holder);

    /// @notice Records that the binding holds its devices, all of them or none. Anyone may send it. A device that another binding
    /// holds is taken over only where that one expired, was revoked, or ended with its endpoint or owner; or where it is of
    /// the same agent and was granted on evidence of an earlier block, as when a node starts again with new keys.
    /// @param statement of a binding that is active
    /// @param devices identities that the statement's `gpuDevicesDigest` is the digest of, ascending, at most 64
    function claim(NodeStatement calldata statement, bytes32[] calldata devices) external;

    /// @notice Who holds a device, live or not.
    /// @param device identity
    /// @param simulated whether devices under a simulated root are meant
    /// @return bindingId zero where nobody ever claimed it
    function holderOf(bytes32 device, bool simulated) external view returns (bytes32 bindingId);

    /// @notice Whether a binding holds every device of its statement: what ComputeRegistry asks before it says TDX_GPU.
    /// @param bindingId any
    /// @param simulated whether devices under a simulated root are meant
    /// @return false also for one that has claimed none
    function isWhole(bytes32 bindingId, bool simulated) external view returns (bool);
}
