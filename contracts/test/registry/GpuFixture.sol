// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {GpuDevices} from "../../src/GpuDevices.sol";
import {IAttestationVerifier} from "../../src/interfaces/IAttestationVerifier.sol";
import {IBindings} from "../../src/interfaces/registry/IBindings.sol";
import {IGpuDevices} from "../../src/interfaces/IGpuDevices.sol";
import {AttestFixture} from "../AttestFixture.sol";

/// @title Two providers with evidence of GPUs, one of which is `_mine`
abstract contract GpuFixture is AttestFixture {
    /// The verifier's note on evidence that showed GPUs.
    bytes25 internal constant SHOWN = bytes25(uint200(1));
    uint64 internal constant LEASE = 2 hours;
    address internal constant RIVAL = address(uint160(uint256(keccak256("rival"))));

    GpuDevices internal _devices;
    uint256 internal _rivalAgent;
    Attest internal _mine;
    bytes32 internal _id;

    function setUp() public override {
        super.setUp();
        _devices = GpuDevices(address(registry.gpuDevices()));
        vm.deal(RIVAL, 1 ether);
        _rivalAgent = _provider(RIVAL);
        (_id, _mine) = _shown(agentId, provider, "gpu node", _list(2));
    }

    function _gpuAppraisal() internal view returns (IAttestationVerifier.Appraisal memory appraisal) {
        appraisal = _appraisal();
        (appraisal.tier, appraisal.record) = (IBindings.Tier.TDX_GPU, SHOWN);
    }

    function _readyGpu(uint256 agent, address owner, bytes32 instance, bytes32[] memory devices)
        internal
        returns (Attest memory a)
    {
        a.statement = _statement(agent, owner, signer, instance);
        a.statement.gpuDevicesDigest = _digest(devices);
        a.blockNumber = uint64(block.number - 1);
        a.deadline = block.timestamp;
        a.signerKey = SIGNER_KEY;
        _approve(a.statement);
    }

    function _shown(uint256 agent, address owner, bytes32 instance, bytes32[] memory devices)
        internal
        returns (bytes32 id, Attest memory a)
    {
        a = _readyGpu(agent, owner, instance, devices);
        _seal(a, _gpuAppraisal());
        id = _send(a, "");
    }

    function _renew(Attest memory a, IAttestationVerifier.Appraisal memory appraisal) internal {
        a.blockNumber = uint64(block.number - 1);
        a.deadline = block.timestamp;
        _seal(a, appraisal);
        _send(a, "");
    }

    function _expectTier(bytes32 id, IBindings.Tier wanted) internal view {
        (, IBindings.Binding memory b) = registry.bindingOf(id);
        vm.assertEq(uint256(b.tier), uint256(wanted));
    }

    /// Ascending.
    function _list(uint256 count) internal pure returns (bytes32[] memory devices) {
        devices = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            devices[i] = _device(i);
        }
    }

    function _one(bytes32 device) internal pure returns (bytes32[] memory devices) {
        devices = new bytes32[](1);
        devices[0] = device;
    }

    function _device(uint256 index) internal pure returns (bytes32) {
        return bytes32((index + 1) << 240 | uint256(keccak256("device")) >> 16);
    }

    function _digest(bytes32[] memory devices) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(devices));
    }

    /// From here on, evidence names a block after everything so far.
    function _later() internal {
        vm.roll(block.number + 2);
    }

    function _isWhole(bytes32 id, bool simulated) internal view returns (bool) {
        return _devices.claimOf(id, simulated).wholeSince != 0;
    }

    function _held(bytes32 holder, uint256 until) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IGpuDevices.DeviceHeld.selector, _device(0), holder, until);
    }

    function _shownBefore(uint64 claimedIn, uint64 actual) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IGpuDevices.ShownBeforeClaim.selector, _device(0), claimedIn, actual);
    }

    function _shownTooLongAgo(uint64 blockNumber, uint64 window) internal view returns (bytes memory) {
        return abi.encodeWithSelector(IGpuDevices.ShownTooLongAgo.selector, blockNumber, window, block.number);
    }
}
