// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBindings} from "../../src/interfaces/registry/IBindings.sol";
import {IProviders} from "../../src/interfaces/registry/IProviders.sol";
import {IVerifierList} from "../../src/interfaces/registry/IVerifierList.sol";
import {IComputeStaking} from "../../src/interfaces/IComputeStaking.sol";
import {AttestFixture} from "../AttestFixture.sol";
import {TestVerifier} from "../TestVerifier.sol";
import {RegistryHandler} from "./RegistryHandler.sol";

/// Owner, moderator and provider do their worst, in any order.
contract RegistryInvariants is AttestFixture {
    RegistryHandler private handler;
    bytes32 private judged;
    bytes32 private simulated;

    function setUp() public override {
        super.setUp();
        TestVerifier other = new TestVerifier(true);
        uint256 index = _listVerifier(other);
        (judged,) = _attested("judged");
        Attest memory a = _ready("simulated");
        a.verifierIndex = index;
        simulated = _send(a, "");
        handler = new RegistryHandler(registry, identity, verifier, governor, provider, agentId);
        _addTarget(address(handler));
    }

    /// I8, P9: nothing the three do changes whose key a binding is, what a bond holds, or a price that stands.
    function invariant_recordsOfBefore() public view {
        bytes32[3] memory ids = [bindingId, judged, simulated];
        for (uint256 i = 0; i < 3; ++i) {
            (uint256 agent, address operator, address key) = registry.partiesOf(ids[i]);
            vm.assertEq(agent, agentId);
            vm.assertEq(operator, provider);
            vm.assertEq(key, signer);
        }
        vm.assertEq(staking.activeBond(_bondId(IComputeStaking.Role.PROVIDER, agentId, provider)), BOND);
        vm.assertEq(registry.priceOf(agentId, serviceId, 1).inPerMTok, IN_PRICE);
        vm.assertEq(address(ledger).balance, DEPOSIT);
    }

    /// I12, I13: what is good satisfies every condition, now.
    function invariant_activeMeansEverything() public view {
        (IBindings.Status status,) = registry.statusOf(judged);
        if (status != IBindings.Status.ACTIVE) return;
        (, IBindings.Binding memory b) = registry.bindingOf(judged);
        IProviders.Provider memory p = registry.providerOf(agentId);
        vm.assertTrue(!b.revoked && block.timestamp <= b.validUntil, "revoked or expired");
        vm.assertTrue(p.active && !p.barred && p.owner == identity.ownerOf(agentId), "provider");
        vm.assertEq(b.endpointVersion, p.endpointVersion);
        vm.assertTrue(verifier.acceptable() && verifier.liveUntil() >= block.timestamp, "policy");
        vm.assertTrue(registry.verifierAt(0).state == IVerifierList.VerifierState.LISTED, "dropped verifier");
    }

    /// I15
    function invariant_simulatedStaysSimulated() public view {
        (, IBindings.Binding memory b) = registry.bindingOf(simulated);
        vm.assertEq(uint256(b.tier), uint256(IBindings.Tier.SIMULATED));
    }

    /// I9: the provider's way out is open whatever the owner and the moderator did.
    function invariant_exitIsOpen() public {
        uint256 before = vm.snapshotState();
        bytes32 bond = _bondId(IComputeStaking.Role.PROVIDER, agentId, provider);
        vm.startPrank(provider);
        staking.requestUnstake(bond, uint128(BOND));
        vm.warp(block.timestamp + 14 days);
        staking.completeUnstake(bond, provider);
        vm.stopPrank();
        vm.revertToState(before);
    }
}
