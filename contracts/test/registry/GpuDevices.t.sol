// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IAttestationVerifier} from "../../src/interfaces/IAttestationVerifier.sol";
import {IBindings} from "../../src/interfaces/registry/IBindings.sol";
import {IGpuDevices} from "../../src/interfaces/IGpuDevices.sol";
import {NodeStatement} from "../../src/interfaces/NodeStatement.sol";
import {TestVerifier} from "../TestVerifier.sol";
import {GpuFixture} from "./GpuFixture.sol";

/// @title One GPU, one binding (attack D7)
contract GpuDevicesTest is GpuFixture {
    function test_wiring() public view {
        vm.assertEq(address(_devices.computeRegistry()), address(registry));
        vm.assertEq(_devices.CLAIM_LEASE(), LEASE);
    }

    /* WHOSE IT IS */

    /// The tier is TDX_GPU only while the binding holds every device that its statement names.
    function test_tier_needs_every_device() public {
        _expectTier(_id, IBindings.Tier.TDX);
        vm.assertFalse(_isWhole(_id, false));
        bytes32[] memory devices = _list(2);
        for (uint256 i = 0; i < devices.length; ++i) {
            vm.expectEmit(address(_devices));
            emit IGpuDevices.DeviceClaimed(devices[i], _id, 0, false);
        }
        vm.expectEmit(address(_devices));
        emit IGpuDevices.DevicesKept(_id, false, uint64(START + LEASE));
        vm.prank(attacker);
        _devices.claim(_mine.statement, devices);
        _expectTier(_id, IBindings.Tier.TDX_GPU);
        vm.assertTrue(_isWhole(_id, false));
        vm.assertFalse(_isWhole(_id, true));
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
        _later();
        (bytes32 id, Attest memory a) = _shown(_rivalAgent, RIVAL, "rival", _list(3));
        vm.expectRevert(_held(_id, START + LEASE));
        _devices.claim(a.statement, _list(3));
        // All of them or none.
        vm.assertEq(_devices.holderOf(_device(2), false), 0);
        _expectTier(id, IBindings.Tier.TDX);
        _expectTier(_id, IBindings.Tier.TDX_GPU);
    }

    /// Nobody goes round the record by leaving out the verifier: without one the chain has no word on devices only where there
    /// is none to ask.
    function test_unjudged_binding_holds_no_device() public {
        _devices.claim(_mine.statement, _list(2));
        NodeStatement memory statement = _statement(_rivalAgent, RIVAL, vm.addr(7), "unjudged");
        statement.gpuDevicesDigest = _digest(_list(2));
        bytes32 id = _bind(statement, 7);
        _expectDevices(id, IBindings.Devices.NOT_HELD);
        _expectDevices(_id, IBindings.Devices.HELD);
        vm.prank(governor);
        registry.dropVerifier(0);
        _expectDevices(id, IBindings.Devices.NOT_KEPT);
        // What was never granted holds nothing, whatever is listed.
        (, IBindings.Devices devices) = _devices.standingAt("none", IBindings.Tier.NONE, block.timestamp);
        vm.assertEq(uint256(devices), uint256(IBindings.Devices.NOT_HELD));
        // Proposed is not listed.
        vm.prank(governor);
        registry.proposeVerifier(verifier);
        _expectDevices(id, IBindings.Devices.NOT_KEPT);
        _listVerifier(verifier);
        _expectDevices(id, IBindings.Devices.NOT_HELD);
    }

    /* WHAT FREES A DEVICE */

    function test_freed_after_expiry() public {
        _devices.claim(_mine.statement, _list(2));
        vm.warp(START + LIFE + 1);
        _later();
        (bytes32 id, Attest memory a) = _shown(_rivalAgent, RIVAL, "rival", _one(_device(1)));
        vm.expectEmit(address(_devices));
        emit IGpuDevices.DeviceClaimed(_device(1), id, _id, false);
        _devices.claim(a.statement, _one(_device(1)));
        _expectTier(id, IBindings.Tier.TDX_GPU);

        // Renewed, the first has one device of two, and takes the other back only when it is free again.
        _later();
        _renew(_mine, _gpuAppraisal());
        _expectTier(_id, IBindings.Tier.TDX);
        vm.expectRevert(
            abi.encodeWithSelector(IGpuDevices.DeviceHeld.selector, _device(1), id, START + LIFE + 1 + LEASE)
        );
        _devices.claim(_mine.statement, _list(2));
        vm.prank(RIVAL);
        registry.revokeBinding(id);
        _devices.claim(_mine.statement, _list(2));
        _expectTier(_id, IBindings.Tier.TDX_GPU);
        vm.assertFalse(_isWhole(id, false));
    }

    function test_freed_by_revocation_endpoint_and_transfer() public {
        _devices.claim(_mine.statement, _list(2));
        _later();
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
        _later();
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
        vm.expectRevert(_shownBefore(uint64(block.number), uint64(block.number - 1)));
        _devices.claim(b.statement, _list(2));
        _expectTier(same, IBindings.Tier.TDX);

        _later();
        (bytes32 id, Attest memory a) = _shown(agentId, provider, "again", _list(2));
        _devices.claim(a.statement, _list(2));
        _expectTier(id, IBindings.Tier.TDX_GPU);
        _expectTier(_id, IBindings.Tier.TDX);
        vm.expectRevert(_shownBefore(uint64(block.number), uint64(block.number - 3)));
        vm.prank(attacker);
        _devices.claim(_mine.statement, _list(2));
    }

    /// Whoever renews on less than the evidence of its devices keeps none.
    function test_freed_by_a_renewal_without_the_devices() public {
        _devices.claim(_mine.statement, _list(2));
        _later();
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
        vm.assertTrue(_isWhole(id, true));
        vm.assertFalse(_isWhole(id, false));
        _expectTier(id, IBindings.Tier.SIMULATED);
        _expectDevices(id, IBindings.Devices.HELD);
        _expectDevices(_id, IBindings.Devices.NOT_HELD);
        _devices.claim(_mine.statement, devices);
        _expectTier(_id, IBindings.Tier.TDX_GPU);
        vm.assertTrue(_isWhole(id, true));
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

    function _expectDevices(bytes32 id, IBindings.Devices wanted) private view {
        (, IBindings.Binding memory b) = registry.bindingOf(id);
        vm.assertEq(uint256(b.devices), uint256(wanted));
    }
}
