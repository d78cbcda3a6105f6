// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IAttestationVerifier} from "./interfaces/IAttestationVerifier.sol";
import {IComputeRegistry} from "./interfaces/IComputeRegistry.sol";
import {IGpuDevices} from "./interfaces/IGpuDevices.sol";
import {IBindings} from "./interfaces/registry/IBindings.sol";
import {NodeStatement} from "./interfaces/NodeStatement.sol";

/// @title One GPU, one binding
/// @notice See IGpuDevices. ComputeRegistry creates it.
contract GpuDevices is IGpuDevices {
    /// @dev How many devices the statement of a binding names, and how many of them it holds.
    struct Holding {
        uint128 named;
        uint128 held;
    }

    /// @notice As many as a bundle of GPU evidence has room for.
    uint256 public constant MAX_DEVICES = 64;

    /// @notice Whose bindings these are.
    IComputeRegistry public immutable computeRegistry;

    mapping(bool simulated => mapping(bytes32 device => bytes32 bindingId)) private _holders;
    mapping(bool simulated => mapping(bytes32 bindingId => Holding holding)) private _holdings;

    constructor(IComputeRegistry registry) {
        computeRegistry = registry;
    }

    /// @inheritdoc IGpuDevices
    function claim(NodeStatement calldata statement, bytes32[] calldata devices) external {
        _requireList(statement.gpuDevicesDigest, devices);
        bytes32 bindingId = computeRegistry.bindingIdOf(statement);
        IBindings.Binding memory binding = _requireShown(bindingId);
        // Simulated evidence costs nothing, and must not keep a device from whoever has it.
        bool simulated = binding.tier == IBindings.Tier.SIMULATED;

        mapping(bytes32 => bytes32) storage holders = _holders[simulated];
        for (uint256 i = 0; i < devices.length; ++i) {
            bytes32 device = devices[i];
            bytes32 holder = holders[device];
            if (holder == bindingId) continue;
            if (holder != 0) {
                require(_isFree(holder, simulated, binding), DeviceHeld(device, holder));
                // It is whole no more, should it ever be renewed.
                --_holdings[simulated][holder].held;
            }
            holders[device] = bindingId;
            emit DeviceClaimed(device, bindingId, holder);
        }
        uint128 count = uint128(devices.length);
        _holdings[simulated][bindingId] = Holding({named: count, held: count});
    }

    /// @inheritdoc IGpuDevices
    function holderOf(bytes32 device, bool simulated) external view returns (bytes32) {
        return _holders[simulated][device];
    }

    /// @inheritdoc IGpuDevices
    function isWhole(bytes32 bindingId, bool simulated) external view returns (bool) {
        Holding memory holding = _holdings[simulated][bindingId];
        return holding.named != 0 && holding.held == holding.named;
    }

    /// @dev Each once, or a device would be counted for two.
    function _requireList(bytes32 digest, bytes32[] calldata devices) private pure {
        uint256 count = devices.length;
        require(count != 0 && count <= MAX_DEVICES, DeviceCount(MAX_DEVICES, count));
        for (uint256 i = 1; i < count; ++i) {
            require(devices[i - 1] < devices[i], DevicesNotAscending(i));
        }
        bytes32 actual = sha256(abi.encodePacked(devices));
        require(actual == digest, DevicesMismatch(digest, actual));
    }

    /// @dev What a statement names counts only where the software that made it is listed for having looked: any other can name
    /// the devices of somebody else.
    function _requireShown(bytes32 bindingId) private view returns (IBindings.Binding memory binding) {
        bool valid;
        (valid, binding) = computeRegistry.bindingOf(bindingId);
        require(valid, BindingNotActive(bindingId));
        require(_showsGpu(binding), NoGpuShown(bindingId));
    }

    function _showsGpu(IBindings.Binding memory binding) private view returns (bool) {
        if (binding.tier == IBindings.Tier.NONE) return false;
        IAttestationVerifier verifier = computeRegistry.verifierAt(binding.verifierIndex).verifier;
        return verifier.showsGpu(binding.record);
    }

    /// @dev One that is only switched off, or whose collateral ran out, is good again at any moment and keeps its devices for as
    /// long as its grant lasts; but one that was renewed on less holds nothing by it. Of two of one agent the later evidence
    /// says where the device is now; the other way round anybody could send the earlier one again.
    function _isFree(bytes32 holder, bool simulated, IBindings.Binding memory binding)
        private
        view
        returns (bool)
    {
        (IBindings.Status status,) = computeRegistry.statusOf(holder);
        if (
            status == IBindings.Status.REVOKED || status == IBindings.Status.OWNER_CHANGED
                || status == IBindings.Status.ENDED || status == IBindings.Status.EXPIRED
        ) return true;
        (, IBindings.Binding memory other) = computeRegistry.bindingOf(holder);
        if (other.agentId == binding.agentId && other.blockNumber < binding.blockNumber) return true;
        return (other.tier == IBindings.Tier.SIMULATED) != simulated || !_showsGpu(other);
    }
}
