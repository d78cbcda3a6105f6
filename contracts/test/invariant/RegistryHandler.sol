// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ComputeRegistry} from "../../src/ComputeRegistry.sol";
import {IdentityRegistry} from "../../src/erc8004/IdentityRegistry.sol";
import {Test} from "../Test.sol";
import {TestVerifier} from "../TestVerifier.sol";

/// @title Owner, moderator and provider, each hostile
contract RegistryHandler is Test {
    address private constant OTHER = address(0xb0b);

    ComputeRegistry private immutable registry;
    IdentityRegistry private immutable identity;
    TestVerifier private immutable verifier;
    address private immutable owner;
    address private immutable provider;
    uint256 private immutable agentId;

    constructor(
        ComputeRegistry registry_,
        IdentityRegistry identity_,
        TestVerifier verifier_,
        address owner_,
        address provider_,
        uint256 agentId_
    ) {
        (registry, identity, verifier) = (registry_, identity_, verifier_);
        (owner, provider, agentId) = (owner_, provider_, agentId_);
        vm.prank(owner);
        registry.setModerator(address(this));
    }

    function ownerPauses(bool paused) external {
        vm.prank(owner);
        registry.setIntakePaused(paused);
    }

    function ownerMovesParameters(uint64 delay, uint64 validity, uint64 window) external {
        vm.startPrank(owner);
        registry.setPriceDelay(uint64(_bound(delay, 1 hours, 7 days)));
        registry.setBindingValidity(uint64(_bound(validity, 1 hours, 7 days)));
        registry.setFreshnessWindow(uint64(_bound(window, 256, 8191)));
        vm.stopPrank();
    }

    /// Everything that reaches for more than an owner has.
    function ownerReaches(uint256 which, uint64 value) external {
        bytes[4] memory calls = [
            abi.encodeCall(registry.setPriceDelay, (uint64(_bound(value, 7 days + 1, type(uint64).max)))),
            abi.encodeCall(registry.revokeForEvidence, (bytes32(uint256(value)))),
            abi.encodeCall(registry.updateEndpoint, (agentId, "x")),
            abi.encodeCall(registry.setActive, (agentId, false))
        ];
        vm.prank(owner);
        (bool success,) = address(registry).call(calls[which % 4]);
        vm.assertFalse(success, "the owner has a power that is not his");
    }

    function ownerProposes(bool simulated) external {
        if (registry.verifierCount() == registry.MAX_VERIFIERS()) return;
        TestVerifier proposed = new TestVerifier(simulated);
        proposed.setRefuting(true);
        vm.prank(owner);
        registry.proposeVerifier(proposed);
    }

    function ownerDrops(uint256 index) external {
        vm.prank(owner);
        try registry.dropVerifier(index % registry.verifierCount()) {} catch {}
    }

    function anyoneAccepts(uint256 index) external {
        try registry.acceptVerifier(index % registry.verifierCount()) {} catch {}
    }

    function moderatorBars(bool barred) external {
        registry.setBarred(agentId, barred, "because");
    }

    function policyChanges(bool acceptable, uint40 liveUntil) external {
        verifier.setLive(acceptable, 1, liveUntil);
    }

    function providerSwitches(bool active) external {
        vm.prank(provider);
        try registry.setActive(agentId, active) {} catch {}
    }

    function providerMoves() external {
        vm.prank(provider);
        try registry.updateEndpoint(agentId, "https://moved.example") {} catch {}
    }

    function agentIsLent(bool away) external {
        (address from, address to) = away ? (provider, OTHER) : (OTHER, provider);
        vm.prank(from);
        try identity.transferFrom(from, to, agentId) {} catch {}
    }

    function passTime(uint256 time) external {
        vm.warp(block.timestamp + _bound(time, 1, 12 hours));
        vm.roll(block.number + 1);
    }
}
