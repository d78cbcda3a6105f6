// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {GpuDevices} from "../../src/GpuDevices.sol";
import {IAttestationVerifier} from "../../src/interfaces/IAttestationVerifier.sol";
import {IBindings} from "../../src/interfaces/registry/IBindings.sol";
import {IGpuDevices} from "../../src/interfaces/IGpuDevices.sol";
import {NodeStatement} from "../../src/interfaces/NodeStatement.sol";
import {AttestFixture} from "../AttestFixture.sol";
import {TestVerifier} from "../TestVerifier.sol";

/// @title One GPU, one binding (attack D7)
contract GpuDevicesTest is AttestFixture {
    /// The verifier's note on evidence that showed GPUs.
    bytes25 private constant SHOWN = bytes25(uint200(1));
    address private constant RIVAL = address(uint160(uint256(keccak256("rival"))));

    GpuDevices private _devices;
    uint256 private _rivalAgent;
    Attest private _mine;
    bytes32 private _id;

    function setUp() public override {
        super.setUp();
        _devices = GpuDevices(address(registry.gpuDevices()));
        vm.deal(RIVAL, 1 ether);
        _rivalAgent = _provider(RIVAL);
        (_id, _mine) = _shown(agentId, provider, "gpu node", _list(2));
    }

    function test_wiring() public view {
        vm.assertEq(address(_devices.computeRegistry()), address(registry));
    }

    /* WHOSE IT IS */

    /// The tier is TDX_GPU only while the binding holds every device that its statement names.
    function test_tier_needs_every_device() public {
        _expectTier(_id, IBindings.Tier.TDX);
        vm.assertFalse(_devices.isWhole(_id, false));
        bytes32[] memory devices = _list(2);
        for (uint256 i = 0; i < devices.length; ++i) {
            vm.expectEmit(address(_devices));
            emit IGpuDevices.DeviceClaimed(devices[i], _id, 0);
        }
        vm.prank(attacker);
        _devices.claim(_mine.statement, devices);
        _expectTier(_id, IBindings.Tier.TDX_GPU);
        vm.assertTrue(_devices.isWhole(_id, false));
        vm.assertFalse(_devices.isWhole(_id, true));
        for (uint256 i = 0; i < devices.length; ++i) {
            vm.assertEq(_devices.holderOf(devices[i], false), _id);
            vm.assertEq(_devices.holderOf(devices[i], true), 0);
        }
        (, IBindings.Binding memory b) = registry.bindingAt(_id, uint64(block.timestamp));
        vm.assertEq(uint256(b.tier), uint256(IBindings.Tier.TDX_GPU));
        // Once more changes nothing.
        _devices.claim(_mine.statement, devices);
        _expectTier(_id, IBindings.Tier.TDX_GPU);
    }

    /// D7: a GPU that serves one registration serves no second one.
    function test_duplicated_gpu_refused_by_the_registry() public {
        _devices.claim(_mine.statement, _list(2));
        (bytes32 id, Attest memory a) = _shown(_rivalAgent, RIVAL, "rival", _list(3));
        vm.expectRevert(abi.encodeWithSelector(IGpuDevices.DeviceHeld.selector, _device(0), _id));
        _devices.claim(a.statement, _list(3));
        // All of them or none.
        vm.assertEq(_devices.holderOf(_device(2), false), 0);
        _expectTier(id, IBindings.Tier.TDX);
        _expectTier(_id, IBindings.Tier.TDX_GPU);
    }

    function test_renewal_keeps_its_devices() public {
        _devices.claim(_mine.statement, _list(2));
        vm.roll(block.number + 1);
        vm.warp(START + LIFE - 1);
        _renew(_mine, _gpuAppraisal());
        _expectTier(_id, IBindings.Tier.TDX_GPU);
        vm.warp(START + LIFE + 1);
        (, Attest memory a) = _shown(_rivalAgent, RIVAL, "rival", _list(2));
        vm.expectRevert(abi.encodeWithSelector(IGpuDevices.DeviceHeld.selector, _device(0), _id));
        _devices.claim(a.statement, _list(2));
    }

    /* WHAT FREES A DEVICE */

    function test_freed_after_expiry() public {
        _devices.claim(_mine.statement, _list(2));
        vm.warp(START + LIFE + 1);
        (bytes32 id, Attest memory a) = _shown(_rivalAgent, RIVAL, "rival", _one(_device(1)));
        vm.expectEmit(address(_devices));
        emit IGpuDevices.DeviceClaimed(_device(1), id, _id);
        _devices.claim(a.statement, _one(_device(1)));
        _expectTier(id, IBindings.Tier.TDX_GPU);

        // Renewed, the first has one device of two, and takes the other back only when it is free again.
        vm.roll(block.number + 1);
        _renew(_mine, _gpuAppraisal());
        _expectTier(_id, IBindings.Tier.TDX);
        vm.expectRevert(abi.encodeWithSelector(IGpuDevices.DeviceHeld.selector, _device(1), id));
        _devices.claim(_mine.statement, _list(2));
        vm.prank(RIVAL);
        registry.revokeBinding(id);
        _devices.claim(_mine.statement, _list(2));
        _expectTier(_id, IBindings.Tier.TDX_GPU);
        vm.assertFalse(_devices.isWhole(id, false));
    }

    function test_freed_by_revocation_endpoint_and_transfer() public {
        _devices.claim(_mine.statement, _list(2));
        (, Attest memory a) = _shown(_rivalAgent, RIVAL, "rival", _list(2));
        uint256 before = vm.snapshotState();
        vm.prank(provider);
        registry.revokeBinding(_id);
        _devices.claim(a.statement, _list(2));

        vm.revertToState(before);
        before = vm.snapshotState();
        vm.prank(provider);
        registry.updateEndpoint(agentId, "https://elsewhere.example");
        _devices.claim(a.statement, _list(2));

        vm.revertToState(before);
        vm.prank(provider);
        identity.transferFrom(provider, user, agentId);
        _devices.claim(a.statement, _list(2));
    }

    /// What can be good again at any moment keeps its devices.
    function test_not_freed_by_a_switch_or_stale_collateral() public {
        _devices.claim(_mine.statement, _list(2));
        (, Attest memory a) = _shown(_rivalAgent, RIVAL, "rival", _list(2));
        vm.prank(provider);
        registry.setActive(agentId, false);
        vm.expectPartialRevert(IGpuDevices.DeviceHeld.selector);
        _devices.claim(a.statement, _list(2));
    }

    /// The node starts again with new keys: another statement, the same GPUs, later evidence. Never back.
    function test_replaced_by_the_same_agent() public {
        _devices.claim(_mine.statement, _list(2));
        (bytes32 same, Attest memory b) = _shown(agentId, provider, "same block", _list(2));
        vm.expectRevert(abi.encodeWithSelector(IGpuDevices.DeviceHeld.selector, _device(0), _id));
        _devices.claim(b.statement, _list(2));
        _expectTier(same, IBindings.Tier.TDX);

        vm.roll(block.number + 1);
        (bytes32 id, Attest memory a) = _shown(agentId, provider, "again", _list(2));
        _devices.claim(a.statement, _list(2));
        _expectTier(id, IBindings.Tier.TDX_GPU);
        _expectTier(_id, IBindings.Tier.TDX);
        vm.expectRevert(abi.encodeWithSelector(IGpuDevices.DeviceHeld.selector, _device(0), id));
        vm.prank(attacker);
        _devices.claim(_mine.statement, _list(2));
    }

    /// Whoever renews on less than the evidence of its devices keeps none.
    function test_freed_by_a_renewal_without_the_devices() public {
        _devices.claim(_mine.statement, _list(2));
        (, Attest memory a) = _shown(_rivalAgent, RIVAL, "rival", _list(2));
        vm.roll(block.number + 1);
        uint256 before = vm.snapshotState();
        IAttestationVerifier.Appraisal memory appraisal = _gpuAppraisal();
        (appraisal.tier, appraisal.record) = (IBindings.Tier.TDX, bytes25(0));
        _renew(_mine, appraisal);
        _devices.claim(a.statement, _list(2));

        vm.revertToState(before);
        before = vm.snapshotState();
        _attest(_mine.statement, SIGNER_KEY);
        _devices.claim(a.statement, _list(2));

        // Evidence under a simulated root costs nothing, and keeps nothing.
        vm.revertToState(before);
        TestVerifier real = verifier;
        verifier = new TestVerifier(true);
        _mine.verifierIndex = _listVerifier(verifier);
        _renew(_mine, _gpuAppraisal());
        (, IBindings.Binding memory b) = registry.bindingOf(_id);
        vm.assertEq(uint256(b.tier), uint256(IBindings.Tier.SIMULATED));
        verifier = real;
        _devices.claim(a.statement, _list(2));
    }

    /* WHO MAY CLAIM */

    /// A front-runner holds no statement that names the device and that hardware signed.
    function test_no_claim_without_the_evidence_of_the_devices() public {
        bytes32[] memory devices = _list(2);
        // A statement that was only written.
        NodeStatement memory statement = _statement(_rivalAgent, RIVAL, vm.addr(7), "front-runner");
        statement.gpuDevicesDigest = _digest(devices);
        bytes32 id = registry.bindingIdOf(statement);
        vm.expectRevert(abi.encodeWithSelector(IGpuDevices.BindingNotActive.selector, id));
        _devices.claim(statement, devices);
        // One that nobody judged.
        _bind(statement, 7);
        vm.expectRevert(abi.encodeWithSelector(IGpuDevices.NoGpuShown.selector, id));
        _devices.claim(statement, devices);
        // Genuine TDX with other software, which can name whatever it wants.
        Attest memory a = _readyGpu(_rivalAgent, RIVAL, "other software", devices);
        IAttestationVerifier.Appraisal memory plain = _gpuAppraisal();
        (plain.tier, plain.record) = (IBindings.Tier.TDX, bytes25(0));
        _seal(a, plain);
        id = _send(a, "");
        vm.expectRevert(abi.encodeWithSelector(IGpuDevices.NoGpuShown.selector, id));
        _devices.claim(a.statement, devices);
        // Simulated evidence, in a world of its own.
        TestVerifier real = verifier;
        verifier = new TestVerifier(true);
        uint256 index = _listVerifier(verifier);
        a = _readyGpu(_rivalAgent, RIVAL, "simulated", devices);
        a.verifierIndex = index;
        _seal(a, _gpuAppraisal());
        id = _send(a, "");
        verifier = real;
        _devices.claim(a.statement, devices);
        vm.assertTrue(_devices.isWhole(id, true));
        vm.assertFalse(_devices.isWhole(id, false));
        _devices.claim(_mine.statement, devices);
        _expectTier(_id, IBindings.Tier.TDX_GPU);
        vm.assertTrue(_devices.isWhole(id, true));
    }

    function test_no_claim_of_a_binding_that_is_not_active() public {
        vm.warp(START + LIFE + 1);
        vm.expectRevert(abi.encodeWithSelector(IGpuDevices.BindingNotActive.selector, _id));
        _devices.claim(_mine.statement, _list(2));
    }

    /* THE LIST */

    function test_wrong_list_refused() public {
        bytes32 digest = _mine.statement.gpuDevicesDigest;
        bytes32[] memory wrong = _list(3);
        vm.expectRevert(abi.encodeWithSelector(IGpuDevices.DevicesMismatch.selector, digest, _digest(wrong)));
        _devices.claim(_mine.statement, wrong);
        wrong = _list(2);
        (wrong[0], wrong[1]) = (wrong[1], wrong[0]);
        vm.expectRevert(abi.encodeWithSelector(IGpuDevices.DevicesNotAscending.selector, 1));
        _devices.claim(_mine.statement, wrong);
    }

    /// One device is never two, whatever a statement says.
    function test_twice_the_same_refused() public {
        bytes32[] memory twice = new bytes32[](2);
        (twice[0], twice[1]) = (_device(0), _device(0));
        (, Attest memory a) = _shown(agentId, provider, "twice", twice);
        vm.expectRevert(abi.encodeWithSelector(IGpuDevices.DevicesNotAscending.selector, 1));
        _devices.claim(a.statement, twice);
    }

    function test_zero_devices_refused() public {
        vm.expectRevert(abi.encodeWithSelector(IGpuDevices.DeviceCount.selector, 64, 0));
        _devices.claim(_mine.statement, new bytes32[](0));
    }

    function test_too_many_refused() public {
        (bytes32 id, Attest memory a) = _shown(agentId, provider, "64", _list(64));
        _devices.claim(a.statement, _list(64));
        _expectTier(id, IBindings.Tier.TDX_GPU);
        (, a) = _shown(agentId, provider, "65", _list(65));
        vm.expectRevert(abi.encodeWithSelector(IGpuDevices.DeviceCount.selector, 64, 65));
        _devices.claim(a.statement, _list(65));
    }

    /* MAKING */

    function _gpuAppraisal() private view returns (IAttestationVerifier.Appraisal memory appraisal) {
        appraisal = _appraisal();
        (appraisal.tier, appraisal.record) = (IBindings.Tier.TDX_GPU, SHOWN);
    }

    function _readyGpu(uint256 agent, address owner, bytes32 instance, bytes32[] memory devices)
        private
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
        private
        returns (bytes32 id, Attest memory a)
    {
        a = _readyGpu(agent, owner, instance, devices);
        _seal(a, _gpuAppraisal());
        id = _send(a, "");
    }

    function _renew(Attest memory a, IAttestationVerifier.Appraisal memory appraisal) private {
        a.blockNumber = uint64(block.number - 1);
        a.deadline = block.timestamp;
        _seal(a, appraisal);
        _send(a, "");
    }

    function _expectTier(bytes32 id, IBindings.Tier wanted) private view {
        (, IBindings.Binding memory b) = registry.bindingOf(id);
        vm.assertEq(uint256(b.tier), uint256(wanted));
    }

    /// Ascending.
    function _list(uint256 count) private pure returns (bytes32[] memory devices) {
        devices = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            devices[i] = _device(i);
        }
    }

    function _one(bytes32 device) private pure returns (bytes32[] memory devices) {
        devices = new bytes32[](1);
        devices[0] = device;
    }

    function _device(uint256 index) private pure returns (bytes32) {
        return bytes32((index + 1) << 240 | uint256(keccak256("device")) >> 16);
    }

    function _digest(bytes32[] memory devices) private pure returns (bytes32) {
        return sha256(abi.encodePacked(devices));
    }
}
