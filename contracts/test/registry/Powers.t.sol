// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Governed} from "../../src/governance/Governed.sol";
import {IBindings} from "../../src/interfaces/registry/IBindings.sol";
import {IProviders} from "../../src/interfaces/registry/IProviders.sol";
import {IServices} from "../../src/interfaces/registry/IServices.sol";
import {ILedgerManager} from "../../src/interfaces/ILedgerManager.sol";
import {IInferenceServing} from "../../src/interfaces/IInferenceServing.sol";
import {NodeStatement} from "../../src/interfaces/NodeStatement.sol";
import {AttestFixture} from "../AttestFixture.sol";

/// What owner and moderator can do, and what they cannot.
contract RegistryPowersTest is AttestFixture {
    function test_ownership_inTwoSteps() public {
        vm.prank(governor);
        registry.transferOwnership(relayer);
        vm.assertEq(registry.owner(), governor);
        vm.prank(relayer);
        registry.acceptOwnership();
        vm.assertEq(registry.owner(), relayer);
        vm.prank(relayer);
        registry.renounceOwnership();
        vm.assertEq(registry.owner(), address(0));
    }

    function test_ownersFunctions_byTheOwnerOnly() public {
        bytes[6] memory calls = [
            abi.encodeCall(registry.setIntakePaused, (true)),
            abi.encodeCall(registry.setPriceDelay, (2 hours)),
            abi.encodeCall(registry.setBindingValidity, (2 hours)),
            abi.encodeCall(registry.setFreshnessWindow, (1000)),
            abi.encodeCall(registry.setModerator, (attacker)),
            abi.encodeCall(registry.setRemover, (attacker))
        ];
        for (uint256 i = 0; i < calls.length; ++i) {
            vm.prank(attacker);
            (bool success, bytes memory reason) = address(registry).call(calls[i]);
            vm.assertFalse(success);
            vm.assertEq(reason, abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, attacker));
            vm.prank(governor);
            (success,) = address(registry).call(calls[i]);
            vm.assertTrue(success);
        }
    }

    function test_fuzz_setPriceDelay(uint64 value) public {
        _setWithin("priceDelay", value, 1 hours, 7 days, registry.setPriceDelay);
        vm.assertEq(registry.priceDelay(), value >= 1 hours && value <= 7 days ? value : 1 hours);
    }

    function test_fuzz_setBindingValidity(uint64 value) public {
        _setWithin("bindingValidity", value, 1 hours, 7 days, registry.setBindingValidity);
        vm.assertEq(registry.bindingValidity(), value >= 1 hours && value <= 7 days ? value : 24 hours);
    }

    function test_fuzz_setFreshnessWindow(uint64 value) public {
        _setWithin("freshnessWindow", value, 256, 8191, registry.setFreshnessWindow);
        vm.assertEq(registry.freshnessWindow(), value >= 256 && value <= 8191 ? value : 300);
    }

    function test_parameters_atTheirEnds() public {
        uint64[4] memory times = [uint64(1 hours - 1), 1 hours, 7 days, 7 days + 1];
        for (uint256 i = 0; i < times.length; ++i) {
            _setWithin("priceDelay", times[i], 1 hours, 7 days, registry.setPriceDelay);
            _setWithin("bindingValidity", times[i], 1 hours, 7 days, registry.setBindingValidity);
        }
        uint64[4] memory blocks = [uint64(255), 256, 8191, 8192];
        for (uint256 i = 0; i < blocks.length; ++i) {
            _setWithin("freshnessWindow", blocks[i], 256, 8191, registry.setFreshnessWindow);
        }
    }

    /// A change touches only what comes after it: neither a price that was announced nor a binding that was granted.
    function test_parameters_touchOnlyWhatIsNew() public {
        (bytes32 id,) = _attested("replica");
        IServices.Price memory next = _price(7, 8);
        next.effectiveFrom = uint64(START + 1 hours);
        vm.prank(provider);
        registry.setPrice(agentId, serviceId, next);

        vm.startPrank(governor);
        registry.setPriceDelay(7 days);
        registry.setBindingValidity(1 hours);
        vm.stopPrank();

        vm.warp(START + 1 hours);
        vm.assertEq(registry.currentPriceVersion(agentId, serviceId), 2);
        vm.warp(START + LIFE);
        _expectStatus(id, IBindings.Status.ACTIVE);

        vm.roll(block.number + 1);
        (bytes32 later,) = _attested("later");
        (, IBindings.Binding memory b) = registry.bindingOf(later);
        vm.assertEq(b.validUntil, START + LIFE + 1 hours);
        next.effectiveFrom = uint64(block.timestamp + 1 hours);
        vm.expectRevert(
            abi.encodeWithSelector(
                IServices.PriceTooSoon.selector, block.timestamp + 7 days, next.effectiveFrom
            )
        );
        vm.prank(provider);
        registry.setPrice(agentId, serviceId, next);
    }

    /// The pause stops registrations and nothing else.
    function test_paused_intake() public {
        vm.expectEmit(address(registry));
        emit Governed.PolicyChanged(governor, "intakePaused", 1);
        vm.prank(governor);
        registry.setIntakePaused(true);
        vm.startPrank(user);
        uint256 id = identity.register();
        staking.stakeAsProvider{value: BOND}(id);
        vm.expectRevert(abi.encodeWithSelector(Governed.IntakePaused.selector));
        registry.register(id, "x");
        vm.stopPrank();

        (bytes32 attested,) = _attested("replica");
        _expectStatus(attested, IBindings.Status.ACTIVE);
        _bind(_statement(agentId, provider, signer, "another"), SIGNER_KEY);
        vm.startPrank(provider);
        registry.addService(agentId, MODEL_ID, "m", _price(1, 1));
        registry.revokeBinding(attested);
        registry.updateEndpoint(agentId, "y");
        registry.setActive(agentId, false);
        vm.stopPrank();

        vm.expectEmit(address(registry));
        emit Governed.PolicyChanged(governor, "intakePaused", 0);
        vm.prank(governor);
        registry.setIntakePaused(false);
        vm.prank(user);
        registry.register(id, "x");
    }

    function test_setModerator() public {
        vm.expectEmit(address(registry));
        emit IProviders.ModeratorChanged(address(0), relayer);
        vm.prank(governor);
        registry.setModerator(relayer);
        vm.assertEq(registry.moderator(), relayer);
    }

    /// Barred: no new channels, no new bindings; what was earned is paid, what was bound is known, the bond can leave.
    function test_setBarred_deniesWhatIsNew() public {
        (bytes32 id,) = _attested("replica");
        IInferenceServing.Item memory earned = _item(1);
        vm.prank(governor);
        registry.setModerator(relayer);
        vm.expectEmit(address(registry));
        emit IProviders.ProviderBarred(agentId, relayer, true, "court order 1");
        vm.prank(relayer);
        registry.setBarred(agentId, true, "court order 1");

        vm.assertTrue(registry.providerOf(agentId).barred);
        vm.assertFalse(registry.isActive(agentId));
        _expectStatus(id, IBindings.Status.INACTIVE);
        ILedgerManager.Open memory o = _open(1);
        vm.expectRevert();
        vm.prank(user);
        ledger.openChannel{value: o.amount}(o);
        Attest memory next = _ready("next");
        bytes memory refused = abi.encodeWithSelector(IBindings.ProviderIsBarred.selector, agentId);
        _send(next, refused);
        NodeStatement memory s = next.statement;
        vm.expectRevert(refused);
        registry.bindSigner(s, EVIDENCE, next.blockNumber, uint64(START + 1), START, "");

        (uint256 bound, address key) = registry.signerOf(bindingId);
        vm.assertEq(bound, agentId);
        vm.assertEq(key, signer);
        _expectStatus(earned, IInferenceServing.Status.PAID);
        vm.prank(provider);
        ledger.claim(provider);

        vm.prank(relayer);
        registry.setBarred(agentId, false, "lifted");
        vm.assertTrue(registry.isActive(agentId));
        _expectStatus(id, IBindings.Status.ACTIVE);
    }

    /// A bar goes with the agent, whoever owns it.
    function test_setBarred_outlivesATransfer() public {
        vm.prank(governor);
        registry.setModerator(relayer);
        vm.prank(relayer);
        registry.setBarred(agentId, true, "x");
        vm.prank(provider);
        identity.transferFrom(provider, user, agentId);
        bytes memory consent =
            _walletConsent(agentId, session, user, block.timestamp + 1 minutes, SESSION_KEY);
        vm.startPrank(user);
        identity.setAgentWallet(agentId, session, block.timestamp + 1 minutes, consent);
        staking.stakeAsProvider{value: BOND}(agentId);
        registry.refreshOwner(agentId);
        vm.stopPrank();
        vm.assertFalse(registry.isActive(agentId));
    }

    function test_setBarred_reverts() public {
        vm.expectRevert(abi.encodeWithSelector(IProviders.NotModerator.selector, address(0), governor));
        vm.prank(governor);
        registry.setBarred(agentId, true, "x");
        vm.prank(governor);
        registry.setModerator(relayer);
        vm.startPrank(relayer);
        vm.expectRevert(abi.encodeWithSelector(IProviders.UnknownProvider.selector, 9));
        registry.setBarred(9, true, "x");
        vm.expectRevert(abi.encodeWithSelector(IProviders.ReasonLength.selector, 0, 256));
        registry.setBarred(agentId, true, "");
        vm.expectRevert(abi.encodeWithSelector(IProviders.ReasonLength.selector, 257, 256));
        registry.setBarred(agentId, true, string(new bytes(257)));
        vm.stopPrank();
    }

    function _setWithin(bytes32 policy, uint64 value, uint64 min, uint64 max, function(uint64) external set)
        private
    {
        if (value < min || value > max) {
            vm.expectRevert(abi.encodeWithSelector(Governed.OutOfBounds.selector, policy, value, min, max));
        } else {
            vm.expectEmit(address(registry));
            emit Governed.PolicyChanged(governor, policy, value);
        }
        vm.prank(governor);
        set(value);
    }
}
