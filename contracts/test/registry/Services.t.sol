// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IProviders} from "../../src/interfaces/registry/IProviders.sol";
import {IServices} from "../../src/interfaces/registry/IServices.sol";
import {Fixture} from "../Fixture.sol";

contract RegistryServicesTest is Fixture {
    function test_fuzz_addService(bytes32 modelId, uint128 inPrice, uint128 outPrice, uint64 claimed) public {
        vm.assume(modelId != 0);
        IServices.Price memory price = _price(inPrice, outPrice);
        // Whatever the caller states, the first price holds from now.
        price.effectiveFrom = claimed;
        IServices.Price memory stored = _price(inPrice, outPrice);
        stored.effectiveFrom = uint64(START);

        vm.expectEmit(address(registry));
        emit IServices.ServiceAdded(agentId, 1, modelId, "m");
        vm.expectEmit(address(registry));
        emit IServices.PriceSet(agentId, 1, 1, stored);
        vm.prank(provider);
        uint32 id = registry.addService(agentId, modelId, "m", price);

        vm.assertEq(id, 1);
        vm.assertEq(registry.serviceCount(agentId), 2);
        IServices.Service memory service = registry.serviceOf(agentId, id);
        vm.assertEq(service.modelId, modelId);
        vm.assertEq(service.modelName, "m");
        vm.assertEq(service.latestPriceVersion, 1);
        vm.assertTrue(service.active);
        vm.assertEq(registry.currentPriceVersion(agentId, id), 1);
        vm.assertEq(abi.encode(registry.priceOf(agentId, id, 1)), abi.encode(stored));
    }

    function test_addService_reverts() public {
        vm.expectRevert(abi.encodeWithSelector(IProviders.UnknownProvider.selector, 5));
        registry.addService(5, MODEL_ID, "m", _price(1, 1));
        vm.expectRevert(abi.encodeWithSelector(IProviders.NotAgentOwner.selector, agentId, attacker));
        vm.prank(attacker);
        registry.addService(agentId, MODEL_ID, "m", _price(1, 1));

        vm.startPrank(provider);
        vm.expectRevert(abi.encodeWithSelector(IServices.ModelIdZero.selector));
        registry.addService(agentId, 0, "m", _price(1, 1));
        vm.expectRevert(abi.encodeWithSelector(IServices.ModelNameLength.selector, 0, 128));
        registry.addService(agentId, MODEL_ID, "", _price(1, 1));
        vm.expectRevert(abi.encodeWithSelector(IServices.ModelNameLength.selector, 129, 128));
        registry.addService(agentId, MODEL_ID, string(new bytes(129)), _price(1, 1));
        IServices.Price memory none = _price(1, 1);
        none.maxOutputTokens = 0;
        vm.expectRevert(abi.encodeWithSelector(IServices.MaxOutputTokensZero.selector));
        registry.addService(agentId, MODEL_ID, "m", none);
        vm.stopPrank();
    }

    /// A new version is announced, then takes the place of the old one for new channels; rows never change.
    function test_fuzz_setPrice(uint64 effectiveFrom) public {
        IServices.Price memory next = _price(7, 8);
        next.effectiveFrom = uint64(_bound(effectiveFrom, START + 1 hours, START + 30 days));
        bytes memory first = abi.encode(registry.priceOf(agentId, serviceId, 1));

        vm.expectEmit(address(registry));
        emit IServices.PriceSet(agentId, serviceId, 2, next);
        vm.prank(provider);
        vm.assertEq(registry.setPrice(agentId, serviceId, next), 2);

        vm.assertEq(registry.serviceOf(agentId, serviceId).latestPriceVersion, 2);
        vm.assertEq(registry.currentPriceVersion(agentId, serviceId), 1);
        vm.warp(next.effectiveFrom - 1);
        vm.assertEq(registry.currentPriceVersion(agentId, serviceId), 1);
        vm.warp(next.effectiveFrom);
        vm.assertEq(registry.currentPriceVersion(agentId, serviceId), 2);
        vm.assertEq(abi.encode(registry.priceOf(agentId, serviceId, 2)), abi.encode(next));
        vm.assertEq(abi.encode(registry.priceOf(agentId, serviceId, 1)), first);
    }

    function test_setPrice_reverts() public {
        IServices.Price memory next = _price(7, 8);
        next.effectiveFrom = uint64(START + 1 hours - 1);

        vm.expectRevert(abi.encodeWithSelector(IProviders.NotAgentOwner.selector, agentId, attacker));
        vm.prank(attacker);
        registry.setPrice(agentId, serviceId, next);

        vm.startPrank(provider);
        vm.expectRevert(
            abi.encodeWithSelector(IServices.PriceTooSoon.selector, START + 1 hours, next.effectiveFrom)
        );
        registry.setPrice(agentId, serviceId, next);
        next.effectiveFrom = uint64(START + 30 days + 1);
        vm.expectRevert(
            abi.encodeWithSelector(IServices.PriceTooLate.selector, START + 30 days, next.effectiveFrom)
        );
        registry.setPrice(agentId, serviceId, next);
        vm.expectRevert(abi.encodeWithSelector(IServices.UnknownService.selector, agentId, 9));
        registry.setPrice(agentId, 9, next);
        next.effectiveFrom = uint64(START + 1 hours);
        next.maxOutputTokens = 0;
        vm.expectRevert(abi.encodeWithSelector(IServices.MaxOutputTokensZero.selector));
        registry.setPrice(agentId, serviceId, next);
        next.maxOutputTokens = 1;
        registry.setPrice(agentId, serviceId, next);
        vm.expectRevert(abi.encodeWithSelector(IServices.PricePending.selector, next.effectiveFrom));
        registry.setPrice(agentId, serviceId, next);
        vm.stopPrank();
    }

    function test_setServiceActive() public {
        vm.expectEmit(address(registry));
        emit IServices.ServiceActiveSet(agentId, serviceId, false);
        vm.prank(provider);
        registry.setServiceActive(agentId, serviceId, false);
        vm.assertFalse(registry.serviceOf(agentId, serviceId).active);

        vm.expectRevert(abi.encodeWithSelector(IServices.UnknownService.selector, agentId, 9));
        vm.prank(provider);
        registry.setServiceActive(agentId, 9, true);
        vm.expectRevert(abi.encodeWithSelector(IProviders.NotAgentOwner.selector, agentId, attacker));
        vm.prank(attacker);
        registry.setServiceActive(agentId, serviceId, true);
    }

    /// R8: one place for prices, and errors in place of panics.
    /// What an opening asks is what the single views say.
    function test_fuzz_offerOf(uint8 switches, uint32 wait) public {
        vm.startPrank(provider);
        IServices.Price memory next = _price(1, 1);
        next.effectiveFrom = uint64(block.timestamp + 1 hours);
        registry.setPrice(agentId, serviceId, next);
        registry.setActive(agentId, switches & 1 == 0);
        registry.setServiceActive(agentId, serviceId, switches & 2 == 0);
        vm.stopPrank();
        vm.warp(block.timestamp + wait % 2 hours);

        (bool active, bool serviceActive, uint32 version) = registry.offerOf(agentId, serviceId);
        vm.assertEq(active, registry.isActive(agentId));
        if (!active) {
            vm.assertFalse(serviceActive);
            vm.assertEq(version, 0);
            return;
        }
        vm.assertEq(serviceActive, registry.serviceOf(agentId, serviceId).active);
        vm.assertEq(version, registry.currentPriceVersion(agentId, serviceId));
        vm.expectRevert(abi.encodeWithSelector(IServices.UnknownService.selector, agentId, 7));
        registry.offerOf(agentId, 7);
    }

    function test_offerOf_unknownProvider() public view {
        (bool active, bool serviceActive, uint32 version) = registry.offerOf(99, 0);
        vm.assertFalse(active);
        vm.assertFalse(serviceActive);
        vm.assertEq(version, 0);
    }

    function test_single_price_source() public {
        vm.expectRevert(abi.encodeWithSelector(IServices.UnknownPrice.selector, agentId, serviceId, 0));
        registry.priceOf(agentId, serviceId, 0);
        vm.expectRevert(abi.encodeWithSelector(IServices.UnknownPrice.selector, agentId, serviceId, 2));
        registry.priceOf(agentId, serviceId, 2);
        vm.expectRevert(abi.encodeWithSelector(IServices.UnknownPrice.selector, 5, 0, 1));
        registry.priceOf(5, 0, 1);
        vm.expectRevert(abi.encodeWithSelector(IServices.UnknownService.selector, agentId, 9));
        registry.serviceOf(agentId, 9);
        vm.expectRevert(abi.encodeWithSelector(IServices.UnknownService.selector, agentId, 9));
        registry.currentPriceVersion(agentId, 9);
    }
}
