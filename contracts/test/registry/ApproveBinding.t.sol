// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBindings} from "../../src/interfaces/registry/IBindings.sol";
import {IProviders} from "../../src/interfaces/registry/IProviders.sol";
import {NodeStatement} from "../../src/interfaces/NodeStatement.sol";
import {BindSignerFixture} from "./BindSignerFixture.sol";
import {TagTwins} from "./TagTwins.sol";

/// `approveBinding` and `withdrawApproval`: the owner's consent.
contract ApproveBindingTest is BindSignerFixture, TagTwins {
    function test_approveBinding() public {
        NodeStatement memory s = _statement(agentId, provider, signer, "x");
        bytes32 id = registry.bindingIdOf(s);
        vm.expectEmit(address(registry));
        emit IBindings.BindingApproved(agentId, id, provider, signer);
        vm.assertEq(_approve(s), id);
        vm.assertTrue(registry.isBindingApproved(agentId, id));
        vm.assertFalse(registry.isBindingApproved(agentId + 1, id));
    }

    /// EIP-5267: what the domain is said to be hashes to what signatures are made in.
    function test_domain_as_it_is_said() public view {
        (
            bytes1 fields,
            string memory name,
            string memory version,
            uint256 chainId,
            address verifyingContract,
            bytes32 salt,
            uint256[] memory extensions
        ) = registry.eip712Domain();
        vm.assertTrue(fields == 0x0f && salt == 0 && extensions.length == 0);
        bytes32 typeHash =
            keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
        vm.assertEq(
            keccak256(
                abi.encode(
                    typeHash, keccak256(bytes(name)), keccak256(bytes(version)), chainId, verifyingContract
                )
            ),
            registry.domainSeparator()
        );
    }

    /// To be approved is not to be bound: nothing answers for the key, and nothing is paid by it.
    function test_approved_is_not_granted() public {
        bytes32 id = _approve(_statement(agentId, provider, signer, "x"));
        (uint256 agent, address operator, address bound) = registry.partiesOf(id);
        vm.assertTrue(agent == 0 && operator == address(0) && bound == address(0));
        (agent, bound) = registry.signerOf(id);
        vm.assertTrue(agent == 0 && bound == address(0));
        (bool valid, IBindings.Binding memory b) = registry.bindingOf(id);
        vm.assertTrue(!valid && b.signer == address(0));
        (IBindings.Status status,) = registry.statusOf(id);
        vm.assertEq(uint256(status), uint256(IBindings.Status.UNKNOWN));
        vm.expectRevert(abi.encodeWithSelector(IBindings.UnknownBinding.selector, id));
        vm.prank(provider);
        registry.revokeBinding(id);
    }

    /// Anybody can approve anything for an agent of their own; it opens no door to ours.
    function test_approveBinding_ofAnotherAgentIsUseless() public {
        vm.deal(attacker, 1 ether);
        uint256 other = _provider(attacker);
        NodeStatement memory s = _statement(agentId, provider, signer, "victim");
        bytes32 id = registry.bindingIdOf(s);
        _approve(_statement(other, attacker, signer, "victim"));

        vm.assertFalse(registry.isBindingApproved(agentId, id));
        Attest memory a = _ready();
        a.statement = s;
        _send(a, abi.encodeWithSelector(IBindings.BindingNotApproved.selector, id));
    }

    function test_approveBinding_reverts() public {
        NodeStatement memory s = _statement(5, attacker, signer, "x");
        vm.expectRevert(abi.encodeWithSelector(IProviders.UnknownProvider.selector, 5));
        registry.approveBinding(s);
        s.agentId = agentId;
        vm.expectRevert(abi.encodeWithSelector(IProviders.NotAgentOwner.selector, agentId, attacker));
        vm.prank(attacker);
        registry.approveBinding(s);

        vm.startPrank(provider);
        vm.expectRevert(abi.encodeWithSelector(IProviders.OperatorMismatch.selector, provider, attacker));
        registry.approveBinding(s);
        (s.operator, s.signer) = (provider, address(0));
        vm.expectRevert(IProviders.ZeroAddress.selector);
        registry.approveBinding(s);
        vm.stopPrank();
    }

    /// Nonces are kept by 32 bits of the binding: whoever buys an agent, or made the first binding, makes no second one of the
    /// same, under which a user's friend could use up nonces of receipts that are not settled yet.
    function test_second_binding_of_one_tag_voids_no_receipt() public {
        (NodeStatement memory first, NodeStatement memory second) = _twins(agentId, provider, provider);
        bytes32 id = _approve(first);
        bytes32 twin = registry.bindingIdOf(second);
        vm.assertTrue(twin != id && uint32(uint256(twin)) == uint32(uint256(id)));
        vm.startPrank(provider);
        vm.expectRevert(abi.encodeWithSelector(IBindings.BindingTagTaken.selector, twin, id));
        registry.approveBinding(second);

        // Not when the first is withdrawn either: the tag is its own for good, and it can be approved again.
        registry.withdrawApproval(agentId, id);
        vm.expectRevert(abi.encodeWithSelector(IBindings.BindingTagTaken.selector, twin, id));
        registry.approveBinding(second);
        registry.approveBinding(first);
        second.instanceId = "another";
        registry.approveBinding(second);
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
            registry.approveBinding(_statement(agentId, others[i], others[i], "x"));
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
