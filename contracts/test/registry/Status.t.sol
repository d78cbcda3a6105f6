// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBindings} from "../../src/interfaces/registry/IBindings.sol";
import {IComputeStaking} from "../../src/interfaces/IComputeStaking.sol";
import {AttestFixture} from "../AttestFixture.sol";

/// `statusOf` and `bindingAt`: what is good now, and what the record says of another moment.
contract RegistryStatusTest is AttestFixture {
    bytes32 private id;

    function setUp() public override {
        super.setUp();
        (id,) = _attested("replica");
    }

    function test_status_active() public view {
        _expectStatus(id, IBindings.Status.ACTIVE);
        (, uint8 tcbStatus) = registry.statusOf(id);
        vm.assertEq(tcbStatus, 1, "today's, not the one of the grant");
        _expectStatus(bindingId, IBindings.Status.ACTIVE);
        (, tcbStatus) = registry.statusOf(bindingId);
        vm.assertEq(tcbStatus, 0);
        _expectStatus("none", IBindings.Status.UNKNOWN);
    }

    /// I13: what the policy no longer allows is out in the same block, and comes back as it went.
    function test_status_followsThePolicyAtOnce() public {
        verifier.setLive(false, 5, type(uint40).max);
        _expectStatus(id, IBindings.Status.OUT_OF_POLICY);
        (, uint8 tcbStatus) = registry.statusOf(id);
        vm.assertEq(tcbStatus, 5);
        verifier.setLive(true, 1, type(uint40).max);
        _expectStatus(id, IBindings.Status.ACTIVE);
    }

    /// Stale is not refused: a refresh by anybody brings it back.
    function test_stale_then_refresh() public {
        verifier.setLive(true, 1, uint40(START - 1));
        _expectStatus(id, IBindings.Status.STALE);
        verifier.setLive(false, 1, uint40(START - 1));
        _expectStatus(id, IBindings.Status.STALE);
        verifier.setLive(true, 1, uint40(START));
        _expectStatus(id, IBindings.Status.ACTIVE);
    }

    function test_status_failingVerifierIsOutOfPolicy() public {
        verifier.setFailing(true);
        _expectStatus(id, IBindings.Status.OUT_OF_POLICY);
    }

    /// I13, by the list itself.
    function test_status_droppedVerifierIsOutOfPolicy() public {
        vm.prank(governor);
        registry.dropVerifier(0);
        _expectStatus(id, IBindings.Status.OUT_OF_POLICY);
        _expectStatus(bindingId, IBindings.Status.ACTIVE);
        (, address bound) = registry.signerOf(id);
        vm.assertEq(bound, signer);
    }

    function test_status_inactive() public {
        vm.prank(provider);
        registry.setActive(agentId, false);
        _expectStatus(id, IBindings.Status.INACTIVE);
        vm.prank(provider);
        registry.setActive(agentId, true);
        _expectStatus(id, IBindings.Status.ACTIVE);

        vm.prank(provider);
        staking.requestUnstake(_bondId(IComputeStaking.Role.PROVIDER, agentId, provider), uint128(BOND));
        _expectStatus(id, IBindings.Status.INACTIVE);
    }

    function test_status_reasonsInOrder() public {
        vm.warp(START + LIFE + 1);
        _expectStatus(id, IBindings.Status.EXPIRED);
        vm.prank(provider);
        registry.updateEndpoint(agentId, "x");
        _expectStatus(id, IBindings.Status.ENDED);
        vm.prank(provider);
        registry.revokeBinding(id);
        _expectStatus(id, IBindings.Status.REVOKED);
        vm.prank(provider);
        identity.transferFrom(provider, user, agentId);
        _expectStatus(bindingId, IBindings.Status.OWNER_CHANGED);
        _expectStatus(id, IBindings.Status.REVOKED);
    }

    /// R33 of the design: neither attestation nor activity follows the agent to its buyer.
    function test_transfer_inactivates() public {
        vm.prank(provider);
        identity.transferFrom(provider, user, agentId);
        vm.assertFalse(registry.isActive(agentId));
        _expectStatus(id, IBindings.Status.OWNER_CHANGED);
        _expectStatus(bindingId, IBindings.Status.OWNER_CHANGED);
        (uint256 bound, address operator, address key) = registry.partiesOf(id);
        vm.assertEq(bound, agentId);
        vm.assertEq(operator, provider);
        vm.assertEq(key, signer);
    }

    function test_fuzz_bindingAt_coversItsLife(uint64 t) public view {
        (bool valid, IBindings.Binding memory b) = registry.bindingAt(id, t);
        vm.assertEq(valid, t >= START && t <= START + LIFE);
        vm.assertEq(b.signer, signer);
    }

    function test_bindingAt_endsWithARevocation() public {
        vm.warp(START + 1 hours);
        vm.prank(provider);
        registry.revokeBinding(id);
        (bool valid,) = registry.bindingAt(id, uint64(START + 1 hours - 1));
        vm.assertTrue(valid);
        (valid,) = registry.bindingAt(id, uint64(START + 1 hours));
        vm.assertFalse(valid);
    }

    /// Revoked in the second of its grant: it never was.
    function test_bindingAt_revokedAtOnce() public {
        vm.prank(provider);
        registry.revokeBinding(id);
        (bool valid,) = registry.bindingAt(id, uint64(START));
        vm.assertFalse(valid);
    }

    function test_bindingAt_endsWithTheEndpoint() public {
        vm.warp(START + 1 hours);
        vm.prank(provider);
        registry.updateEndpoint(agentId, "https://moved.example");
        (bool valid,) = registry.bindingAt(id, uint64(START + 1 hours - 1));
        vm.assertTrue(valid);
        (valid,) = registry.bindingAt(id, uint64(START + 1 hours));
        vm.assertFalse(valid);
        (valid,) = registry.bindingAt("none", uint64(START));
        vm.assertFalse(valid);
    }

    function test_bindingAt_spansRenewals() public {
        vm.warp(START + 12 hours);
        vm.roll(block.number + 1);
        _send(_ready("replica"), "");
        (bool valid, IBindings.Binding memory b) = registry.bindingAt(id, uint64(START + 1));
        vm.assertTrue(valid);
        vm.assertEq(b.validUntil, START + 12 hours + LIFE);
    }
}
