// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IAttestationVerifier} from "./interfaces/IAttestationVerifier.sol";
import {IComputeRegistry} from "./interfaces/IComputeRegistry.sol";
import {IGpuDevices} from "./interfaces/IGpuDevices.sol";
import {IBindings} from "./interfaces/registry/IBindings.sol";
import {IVerifierList} from "./interfaces/registry/IVerifierList.sol";
import {NodeStatement} from "./interfaces/NodeStatement.sol";
import {ShownDevicesLib} from "./libraries/ShownDevicesLib.sol";

/// @title One GPU, one binding
/// @notice See IGpuDevices. ComputeRegistry creates it.
contract GpuDevices is IGpuDevices {
    /// @notice As many as a bundle of GPU evidence has room for.
    uint256 public constant MAX_DEVICES = 64;
    /// @notice How long a claim keeps its devices. Nodes renew at half of it: a rented GPU changes hands in hours and not with the
    /// grant, which may last a week, and an hour without a chain costs no node a device.
    uint64 public constant CLAIM_LEASE = 2 hours;

    /// @notice Whose bindings these are.
    IComputeRegistry public immutable computeRegistry;

    mapping(bool simulated => mapping(bytes32 device => bytes32 bindingId)) private _holders;
    mapping(bool simulated => mapping(bytes32 bindingId => Claim claim)) private _claims;

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

        Claim storage own = _claims[simulated][bindingId];
        uint64 since = own.wholeSince;
        // What was claimed on once is worth one lease: whoever has left the device cannot show it again.
        if (since != 0 && own.blockNumber == binding.blockNumber) return;
        _requireRecent(binding.blockNumber);
        _take(bindingId, binding, devices, simulated);
        uint64 keptUntil = uint64(block.timestamp) + CLAIM_LEASE;
        _claims[simulated][bindingId] = Claim({
            wholeSince: since == 0 ? uint64(block.timestamp) : since,
            keptUntil: keptUntil,
            blockNumber: binding.blockNumber,
            claimedInBlock: uint64(block.number)
        });
        emit DevicesKept(bindingId, simulated, keptUntil);
    }

    /// @inheritdoc IGpuDevices
    function holderOf(bytes32 device, bool simulated) external view returns (bytes32) {
        return _holders[simulated][device];
    }

    /// @inheritdoc IGpuDevices
    function claimOf(bytes32 bindingId, bool simulated) external view returns (Claim memory) {
        return _claims[simulated][bindingId];
    }

    /// @inheritdoc IGpuDevices
    function standingAt(bytes32 bindingId, IBindings.Tier granted, uint256 t)
        external
        view
        returns (IBindings.Tier, IBindings.Devices)
    {
        if (granted == IBindings.Tier.NONE) return (granted, _unjudged(bindingId));
        uint256 since = _claims[granted == IBindings.Tier.SIMULATED][bindingId].wholeSince;
        if (granted != IBindings.Tier.TDX && since != 0 && since <= t) {
            return (granted, IBindings.Devices.HELD);
        }
        bool isReal = granted != IBindings.Tier.SIMULATED;
        return (isReal ? IBindings.Tier.TDX : granted, IBindings.Devices.NOT_HELD);
    }

    function _take(
        bytes32 bindingId,
        IBindings.Binding memory binding,
        bytes32[] calldata devices,
        bool simulated
    ) private {
        mapping(bytes32 => bytes32) storage holders = _holders[simulated];
        for (uint256 i = 0; i < devices.length; ++i) {
            bytes32 device = devices[i];
            bytes32 holder = holders[device];
            if (holder == bindingId) continue;
            if (holder != 0) {
                _requireFree(device, holder, simulated, binding);
                // It is whole no more, should it ever be renewed.
                _claims[simulated][holder].wholeSince = 0;
            }
            holders[device] = bindingId;
            emit DeviceClaimed(device, bindingId, holder, simulated);
        }
    }

    /// @dev Whoever could have had its evidence judged and did not holds nothing: otherwise that way would lead round the record.
    function _unjudged(bytes32 bindingId) private view returns (IBindings.Devices) {
        (, address signer) = computeRegistry.signerOf(bindingId);
        if (signer == address(0)) return IBindings.Devices.NOT_HELD;
        uint256 count = computeRegistry.verifierCount();
        for (uint256 i = 0; i < count; ++i) {
            if (computeRegistry.verifierAt(i).state == IVerifierList.VerifierState.LISTED) {
                return IBindings.Devices.NOT_HELD;
            }
        }
        return IBindings.Devices.NOT_KEPT;
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

    /// @dev A lease begins with the claim. A claim that was held back would keep devices that its sender left long ago, and could be
    /// sent just before that of whoever has them now.
    function _requireRecent(uint64 blockNumber) private view {
        uint64 window = computeRegistry.freshnessWindow();
        require(
            uint256(blockNumber) + window >= block.number, ShownTooLongAgo(blockNumber, window, block.number)
        );
    }

    /// @dev A verifier that gives no answer has shown nothing; but none is kept from answering by the sender's gas.
    function _showsGpu(IBindings.Binding memory binding) private view returns (bool shown) {
        if (binding.tier == IBindings.Tier.NONE) return false;
        IAttestationVerifier verifier = computeRegistry.verifierAt(binding.verifierIndex).verifier;
        uint256 gasLeft = gasleft();
        require(gasLeft >= ShownDevicesLib.MIN_GAS, TooLittleGas(ShownDevicesLib.MIN_GAS, gasLeft));
        (, shown) = ShownDevicesLib.ask(verifier, binding.record);
    }

    /// @dev Of two that stand, the later evidence says where the device is now; of two agents only once the lease is over, since
    /// until TDISP evidence of a device can be relayed to a machine that does not have it.
    function _requireFree(bytes32 device, bytes32 holder, bool simulated, IBindings.Binding memory binding)
        private
        view
    {
        Claim memory held = _claims[simulated][holder];
        // Whoever was at the device before that claim may have left it since, however late it is sent.
        require(
            binding.blockNumber > held.claimedInBlock,
            ShownBeforeClaim(device, held.claimedInBlock, binding.blockNumber)
        );
        if (_isGone(holder)) return;
        (, IBindings.Binding memory other) = computeRegistry.bindingOf(holder);
        // Renewed on less, it holds nothing.
        if ((other.tier == IBindings.Tier.SIMULATED) != simulated || !_showsGpu(other)) return;
        require(
            binding.blockNumber > other.blockNumber
                && (binding.agentId == other.agentId || block.timestamp > held.keptUntil),
            DeviceHeld(device, holder, held.keptUntil)
        );
    }

    /// @dev One that is only switched off, or whose collateral ran out, is good again at any moment and keeps its devices for as
    /// long as its lease lasts.
    function _isGone(bytes32 holder) private view returns (bool) {
        (IBindings.Status status,) = computeRegistry.statusOf(holder);
        return status == IBindings.Status.REVOKED || status == IBindings.Status.OWNER_CHANGED
            || status == IBindings.Status.ENDED || status == IBindings.Status.EXPIRED;
    }
}
