// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IAttestationVerifier} from "../../src/interfaces/IAttestationVerifier.sol";
import {IBindings} from "../../src/interfaces/registry/IBindings.sol";
import {IGpuDevices} from "../../src/interfaces/IGpuDevices.sol";
import {TestVerifier} from "../TestVerifier.sol";
import {GpuFixture} from "./GpuFixture.sol";

/// @title How long a claim keeps a device, and from whom (attack D7 on rented machines)
contract GpuDeviceLeaseTest is GpuFixture {
    /// Whoever has the device keeps it by showing it again, grant after grant.
    function test_renewal_keeps_its_devices() public {
        _devices.claim(_mine.statement, _list(2));
        uint256 time = START;
        for (uint256 i = 0; i < 3; ++i) {
            vm.warp(time += LEASE / 2);
            _later();
            _renew(_mine, _gpuAppraisal());
            vm.prank(attacker);
            _devices.claim(_mine.statement, _list(2));
            IGpuDevices.Claim memory claim = _devices.claimOf(_id, false);
            vm.assertEq(claim.keptUntil, time + LEASE);
            vm.assertEq(claim.wholeSince, START);
            vm.assertEq(claim.claimedInBlock, block.number);
        }
        vm.warp(time + LEASE);
        _later();
        (, Attest memory a) = _shown(_rivalAgent, RIVAL, "rival", _list(2));
        vm.expectRevert(_held(_id, time + LEASE));
        _devices.claim(a.statement, _list(2));
    }

    /// A tenant who let the machine go keeps nothing by a grant that goes on.
    function test_tenant_who_left_keeps_no_device_past_its_lease() public {
        _devices.claim(_mine.statement, _list(2));
        vm.warp(START + LEASE);
        _later();
        (bytes32 id, Attest memory a) = _shown(_rivalAgent, RIVAL, "next tenant", _list(2));
        vm.expectRevert(_held(_id, START + LEASE));
        _devices.claim(a.statement, _list(2));

        vm.warp(START + LEASE + 1);
        // Nobody else has come: it costs nothing.
        _expectTier(_id, IBindings.Tier.TDX_GPU);
        _devices.claim(a.statement, _list(2));
        _expectTier(id, IBindings.Tier.TDX_GPU);
        _expectTier(_id, IBindings.Tier.TDX);
    }

    /// Sent again, what was shown once makes no lease longer, whoever sends it.
    function test_same_evidence_extends_no_lease() public {
        _devices.claim(_mine.statement, _list(2));
        IGpuDevices.Claim memory before = _devices.claimOf(_id, false);
        vm.warp(START + LEASE - 1);
        _later();
        (, Attest memory a) = _shown(_rivalAgent, RIVAL, "next tenant", _list(2));
        vm.roll(block.number + 1);
        _devices.claim(_mine.statement, _list(2));
        vm.prank(attacker);
        _devices.claim(_mine.statement, _list(2));
        IGpuDevices.Claim memory after_ = _devices.claimOf(_id, false);
        vm.assertEq(keccak256(abi.encode(before)), keccak256(abi.encode(after_)));
        vm.warp(START + LEASE + 1);
        _devices.claim(a.statement, _list(2));
    }

    /// A tenant prepares bindings while the machine is still there, and claims with one after the other when it is not.
    function test_claims_kept_in_store_take_no_device() public {
        _later();
        (, Attest memory first) = _shown(_rivalAgent, RIVAL, "first", _list(2));
        vm.roll(block.number + 1);
        (bytes32 second, Attest memory stored) = _shown(_rivalAgent, RIVAL, "second", _list(2));
        _devices.claim(first.statement, _list(2));
        bytes32 id = registry.bindingIdOf(first.statement);
        // It gives up the one to free the devices for the other, or waits until the lease is over.
        vm.expectRevert(_shownBefore(uint64(block.number), stored.blockNumber));
        _devices.claim(stored.statement, _list(2));
        vm.prank(RIVAL);
        registry.revokeBinding(id);
        vm.warp(START + LEASE + 1);
        vm.expectRevert(_shownBefore(uint64(block.number), stored.blockNumber));
        _devices.claim(stored.statement, _list(2));
        _expectTier(second, IBindings.Tier.TDX);
        // Who is there now.
        _later();
        _renew(_mine, _gpuAppraisal());
        _devices.claim(_mine.statement, _list(2));
        _expectTier(_id, IBindings.Tier.TDX_GPU);
    }

    /// A tenant who left keeps no second lease by a renewal that it did not claim on while it was there.
    function test_claim_held_back_is_worth_nothing() public {
        _devices.claim(_mine.statement, _list(2));
        _later();
        _renew(_mine, _gpuAppraisal());
        (, IBindings.Binding memory renewed) = registry.bindingOf(_id);
        uint64 window = registry.freshnessWindow();
        vm.roll(renewed.blockNumber + window);
        uint256 before = vm.snapshotState();
        // As long as evidence may be on its way.
        _devices.claim(_mine.statement, _list(2));
        vm.revertToState(before);

        vm.roll(block.number + 1);
        vm.warp(START + LEASE);
        (, Attest memory a) = _shown(_rivalAgent, RIVAL, "next tenant", _list(2));
        vm.expectRevert(_shownTooLongAgo(renewed.blockNumber, window));
        _devices.claim(_mine.statement, _list(2));
        vm.warp(START + LEASE + 1);
        vm.expectRevert(_shownTooLongAgo(renewed.blockNumber, window));
        _devices.claim(_mine.statement, _list(2));
        _devices.claim(a.statement, _list(2));
        _expectTier(_id, IBindings.Tier.TDX);
    }

    /// Nor by that of another agent, whose binding it never claimed for.
    function test_claim_held_back_takes_no_device() public {
        _devices.claim(_mine.statement, _list(2));
        _later();
        (bytes32 id, Attest memory stored) = _shown(_rivalAgent, RIVAL, "stored", _list(2));
        vm.roll(stored.blockNumber + registry.freshnessWindow() + 1);
        vm.warp(START + LEASE + 1);
        vm.expectRevert(_shownTooLongAgo(stored.blockNumber, registry.freshnessWindow()));
        _devices.claim(stored.statement, _list(2));
        _expectTier(id, IBindings.Tier.TDX);
        // Whose lease is over is whole until somebody else comes, and what it claimed on stays what it is.
        _devices.claim(_mine.statement, _list(2));
        vm.assertEq(_devices.claimOf(_id, false).keptUntil, START + LEASE);
        _expectTier(_id, IBindings.Tier.TDX_GPU);
    }

    /// An answer that was relayed once steals no device from whoever shows it later, lease or no lease.
    function test_device_relayed_once_is_not_stolen() public {
        _devices.claim(_mine.statement, _list(2));
        _later();
        (bytes32 id, Attest memory relayed) = _shown(_rivalAgent, RIVAL, "relay", _list(2));
        vm.expectRevert(_held(_id, START + LEASE));
        _devices.claim(relayed.statement, _list(2));
        _later();
        _renew(_mine, _gpuAppraisal());
        // The node was granted and could not claim in time: the later evidence is still its own.
        vm.warp(START + LEASE + 1);
        vm.expectRevert(_held(_id, START + LEASE));
        _devices.claim(relayed.statement, _list(2));
        _devices.claim(_mine.statement, _list(2));
        vm.warp(START + 2 * LEASE + 2);
        vm.expectRevert(_shownBefore(uint64(block.number), relayed.blockNumber));
        _devices.claim(relayed.statement, _list(2));
        _expectTier(id, IBindings.Tier.TDX);
        _expectTier(_id, IBindings.Tier.TDX_GPU);
    }

    /// What a binding holds today says nothing of a moment before it held it.
    function test_past_moment_has_no_later_tier() public {
        vm.warp(START + 1 hours);
        _devices.claim(_mine.statement, _list(2));
        _expectAt(START + 1 hours - 1, IBindings.Tier.TDX, IBindings.Devices.NOT_HELD);
        _expectAt(START + 1 hours, IBindings.Tier.TDX_GPU, IBindings.Devices.HELD);
        _expectAt(START + 2 hours, IBindings.Tier.TDX_GPU, IBindings.Devices.HELD);

        // Lost and taken back: held since then only.
        vm.warp(START + 4 hours);
        _later();
        (bytes32 id, Attest memory a) = _shown(_rivalAgent, RIVAL, "rival", _one(_device(1)));
        _devices.claim(a.statement, _one(_device(1)));
        _expectAt(START + 2 hours, IBindings.Tier.TDX, IBindings.Devices.NOT_HELD);
        vm.prank(RIVAL);
        registry.revokeBinding(id);
        _later();
        _renew(_mine, _gpuAppraisal());
        vm.warp(START + 5 hours);
        _devices.claim(_mine.statement, _list(2));
        _expectAt(START + 2 hours, IBindings.Tier.TDX, IBindings.Devices.NOT_HELD);
        _expectAt(START + 5 hours, IBindings.Tier.TDX_GPU, IBindings.Devices.HELD);
    }

    /* A VERIFIER THAT GIVES NO ANSWER */

    /// A holder that was renewed by a verifier which stopped answering keeps no device for ever.
    function test_silent_verifier_blocks_no_device() public {
        _devices.claim(_mine.statement, _list(2));
        TestVerifier real = verifier;
        verifier = new TestVerifier(false);
        _mine.verifierIndex = _listVerifier(verifier);
        _later();
        _renew(_mine, _gpuAppraisal());
        _later();
        TestVerifier silent = verifier;
        verifier = real;
        (, Attest memory a) = _shown(_rivalAgent, RIVAL, "rival", _list(2));
        bytes[4] memory answers =
            [bytes(""), abi.encode(uint256(2)), new bytes(31), abi.encodePacked(uint256(1), uint256(1))];
        bytes memory asked = abi.encodeCall(IAttestationVerifier.showsGpu, (SHOWN));
        for (uint256 i = 0; i < answers.length; ++i) {
            uint256 before = vm.snapshotState();
            vm.mockCall(address(silent), asked, answers[i]);
            // For itself it shows nothing either.
            vm.expectRevert(abi.encodeWithSelector(IGpuDevices.NoGpuShown.selector, _id));
            _devices.claim(_mine.statement, _list(2));
            _devices.claim(a.statement, _list(2));
            vm.clearMockedCalls();
            vm.revertToState(before);
        }
        vm.mockCallRevert(address(silent), asked, "");
        _devices.claim(a.statement, _list(2));
    }

    /// Whoever sends a claim cannot make a verifier silent by sending little gas.
    function test_want_of_gas_frees_no_device() public {
        _devices.claim(_mine.statement, _list(2));
        _later();
        (, Attest memory a) = _shown(_rivalAgent, RIVAL, "rival", _list(2));
        bytes memory call = abi.encodeCall(IGpuDevices.claim, (a.statement, _list(2)));
        for (uint256 gas_ = 40_000; gas_ < 200_000; gas_ += 500) {
            (bool ok,) = address(_devices).call{gas: gas_}(call);
            vm.assertFalse(ok);
        }
        vm.assertEq(_devices.holderOf(_device(0), false), _id);
    }

    function _expectAt(uint256 t, IBindings.Tier tier, IBindings.Devices devices) private view {
        (bool valid, IBindings.Binding memory b) = registry.bindingAt(_id, uint64(t));
        vm.assertTrue(valid);
        vm.assertEq(uint256(b.tier), uint256(tier));
        vm.assertEq(uint256(b.devices), uint256(devices));
    }
}
