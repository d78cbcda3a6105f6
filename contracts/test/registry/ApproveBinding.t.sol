// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBindings} from "../../src/interfaces/registry/IBindings.sol";
import {IProviders} from "../../src/interfaces/registry/IProviders.sol";
import {NodeStatement} from "../../src/interfaces/NodeStatement.sol";
import {BindSignerFixture} from "./BindSignerFixture.sol";

/// `approveBinding` and `withdrawApproval`: the owner's consent.
contract ApproveBindingTest is BindSignerFixture {
    function test_approveBinding() public {
        vm.expectEmit(address(registry));
        emit IBindings.BindingApproved(agentId, "x", provider);
        vm.prank(provider);
        registry.approveBinding(agentId, "x");
        vm.assertTrue(registry.isBindingApproved(agentId, "x"));
        vm.assertFalse(registry.isBindingApproved(agentId + 1, "x"));
    }

    /// Anybody can approve anything for an agent of their own; it opens no door to ours.
    function test_approveBinding_ofAnotherAgentIsUseless() public {
        vm.deal(attacker, 1 ether);
        uint256 other = _provider(attacker);
        NodeStatement memory s = _statement(agentId, provider, signer, "victim");
        bytes32 id = registry.bindingIdOf(s);
        vm.prank(attacker);
        registry.approveBinding(other, id);

        vm.assertFalse(registry.isBindingApproved(agentId, id));
        Attest memory a = _ready();
        a.statement = s;
        _send(a, abi.encodeWithSelector(IBindings.BindingNotApproved.selector, id));
    }

    function test_approveBinding_reverts() public {
        vm.expectRevert(abi.encodeWithSelector(IProviders.UnknownProvider.selector, 5));
        registry.approveBinding(5, "x");
        vm.expectRevert(abi.encodeWithSelector(IProviders.NotAgentOwner.selector, agentId, attacker));
        vm.prank(attacker);
        registry.approveBinding(agentId, "x");

        uint256 other = _provider(attacker);
        vm.expectRevert(abi.encodeWithSelector(IBindings.BindingOfOtherAgent.selector, bindingId, other));
        vm.prank(attacker);
        registry.approveBinding(other, bindingId);
    }

    /// Nonces are kept by 32 bits of the binding: whoever buys an agent, or made the first binding, makes no second one of the
    /// same, under which a user's friend could use up nonces of receipts that are not settled yet.
    function test_second_binding_of_one_tag_voids_no_receipt() public {
        bytes32 twin = bindingId ^ bytes32(uint256(1) << 32);
        vm.expectRevert(abi.encodeWithSelector(IBindings.BindingTagTaken.selector, twin, bindingId));
        vm.prank(provider);
        registry.approveBinding(agentId, twin);

        // Not when the first is withdrawn either: the tag is its own for good, and it can be approved again.
        vm.startPrank(provider);
        registry.withdrawApproval(agentId, bindingId);
        vm.expectRevert(abi.encodeWithSelector(IBindings.BindingTagTaken.selector, twin, bindingId));
        registry.approveBinding(agentId, twin);
        registry.approveBinding(agentId, bindingId);
        registry.approveBinding(agentId, bindingId ^ bytes32(uint256(1)));
        vm.stopPrank();
    }

    /// Whom ERC-721 lets move the agent (a market place, say) cannot have a key of its own answered for by the owner's bond.
    function test_erc721_approved_cannot_approve_binding() public {
        vm.startPrank(provider);
        identity.approve(relayer, agentId);
        identity.setApprovalForAll(attacker, true);
        vm.stopPrank();
        address[2] memory others = [relayer, attacker];
        for (uint256 i = 0; i < 2; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IProviders.NotAgentOwner.selector, agentId, others[i]));
            vm.prank(others[i]);
            registry.approveBinding(agentId, "x");
        }
        // To deny is no such power.
        vm.prank(relayer);
        registry.withdrawApproval(agentId, bindingId);
        vm.prank(attacker);
        registry.revokeBinding(bindingId);
    }

    function test_withdrawApproval_stopsRenewalOnly() public {
        Attest memory a = _ready();
        bytes32 id = _send(a, "");
        vm.expectEmit(address(registry));
        emit IBindings.BindingApprovalWithdrawn(agentId, id);
        vm.prank(provider);
        registry.withdrawApproval(agentId, id);

        (bool valid,) = registry.bindingOf(id);
        vm.assertTrue(valid);
        vm.roll(block.number + 1);
        a.blockNumber += 1;
        _send(a, abi.encodeWithSelector(IBindings.BindingNotApproved.selector, id));

        vm.expectRevert(abi.encodeWithSelector(IBindings.BindingNotApproved.selector, id));
        vm.prank(provider);
        registry.withdrawApproval(agentId, id);
        vm.expectRevert(abi.encodeWithSelector(IProviders.NotAgentOwner.selector, agentId, attacker));
        vm.prank(attacker);
        registry.withdrawApproval(agentId, id);
    }
}
