// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBindings} from "../../src/interfaces/registry/IBindings.sol";
import {IProviders} from "../../src/interfaces/registry/IProviders.sol";
import {BindSignerFixture} from "./BindSignerFixture.sol";

/// `revokeBinding`
contract RevokeBindingTest is BindSignerFixture {
    function test_revokeBinding_isFinal() public {
        Attest memory a = _ready();
        bytes32 id = _send(a, "");
        vm.expectEmit(address(registry));
        emit IBindings.BindingRevoked(agentId, id, provider);
        vm.prank(provider);
        registry.revokeBinding(id);

        (bool valid, IBindings.Binding memory b) = registry.bindingOf(id);
        vm.assertFalse(valid);
        vm.assertTrue(b.revoked);
        vm.assertEq(b.validUntil, START - 1);
        vm.roll(block.number + 1);
        a.blockNumber += 1;
        _send(a, abi.encodeWithSelector(IBindings.BindingIsRevoked.selector, id));
        vm.startPrank(provider);
        vm.expectRevert(abi.encodeWithSelector(IBindings.BindingIsRevoked.selector, id));
        registry.approveBinding(a.statement);
        vm.expectRevert(abi.encodeWithSelector(IBindings.BindingIsRevoked.selector, id));
        registry.revokeBinding(id);
        vm.stopPrank();
    }

    function test_revokeBinding_reverts() public {
        vm.expectRevert(abi.encodeWithSelector(IBindings.UnknownBinding.selector, bytes32("x")));
        registry.revokeBinding("x");
        vm.expectRevert(abi.encodeWithSelector(IProviders.NotAgentOwner.selector, agentId, attacker));
        vm.prank(attacker);
        registry.revokeBinding(bindingId);
    }
}
