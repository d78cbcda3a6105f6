// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {IERC721Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {ComputeRegistry} from "../../src/ComputeRegistry.sol";
import {IBindings} from "../../src/interfaces/registry/IBindings.sol";
import {IProviders} from "../../src/interfaces/registry/IProviders.sol";
import {IComputeStaking} from "../../src/interfaces/IComputeStaking.sol";
import {IIdentityRegistry} from "../../src/interfaces/IIdentityRegistry.sol";
import {NodeStatement} from "../../src/interfaces/NodeStatement.sol";
import {TagTwins} from "./TagTwins.sol";

contract RegistryProvidersTest is TagTwins {
    address private constant BUYER = address(0xb0b);

    function test_constructor_revertsOnZeroPeers() public {
        vm.expectRevert(abi.encodeWithSelector(IProviders.ZeroAddress.selector));
        new ComputeRegistry(IIdentityRegistry(address(0)), staking, governor, NO_VERIFIER);
        vm.expectRevert(abi.encodeWithSelector(IProviders.ZeroAddress.selector));
        new ComputeRegistry(identity, IComputeStaking(address(0)), governor, NO_VERIFIER);
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableInvalidOwner.selector, address(0)));
        new ComputeRegistry(identity, staking, address(0), NO_VERIFIER);
    }

    /// R5: the fixture's provider is agent 0 and everything works for it.
    function test_agent_zero() public view {
        vm.assertEq(agentId, 0);
        vm.assertTrue(registry.isActive(0));
        vm.assertFalse(registry.isActive(1));
        IProviders.Provider memory p = registry.providerOf(0);
        vm.assertEq(p.owner, provider);
        vm.assertEq(p.registeredAt, START);
        vm.assertEq(p.endpointVersion, 1);
        vm.assertEq(p.endpoint, "https://node.example");
        vm.assertEq(registry.providerOf(1).registeredAt, 0);
    }

    function test_fuzz_register(address owner, string calldata endpoint) public {
        vm.assume(uint160(owner) > 0xffff && owner.code.length == 0 && owner != address(vm));
        vm.assume(bytes(endpoint).length != 0 && bytes(endpoint).length <= 255);
        vm.deal(owner, 1 ether);
        vm.startPrank(owner);
        uint256 id = identity.register();
        staking.stakeAsProvider{value: BOND}(id);

        vm.expectEmit(address(registry));
        emit IProviders.ProviderRegistered(id, owner, endpoint);
        registry.register(id, endpoint);
        vm.stopPrank();

        vm.assertTrue(registry.isActive(id));
        vm.assertEq(registry.providerOf(id).endpoint, endpoint);
    }

    function test_register_byApprovedAndOperator() public {
        vm.startPrank(provider);
        uint256 one = identity.register();
        uint256 two = identity.register();
        staking.stakeAsProvider{value: BOND}(one);
        staking.stakeAsProvider{value: BOND}(two);
        identity.approve(relayer, one);
        identity.setApprovalForAll(BUYER, true);
        vm.stopPrank();

        vm.prank(relayer);
        registry.register(one, "a");
        vm.prank(BUYER);
        registry.register(two, "b");

        vm.assertEq(registry.providerOf(one).owner, provider);
        vm.assertEq(registry.providerOf(two).owner, provider);
    }

    function test_register_reverts() public {
        vm.expectRevert(abi.encodeWithSelector(IProviders.AlreadyRegistered.selector, agentId));
        vm.prank(provider);
        registry.register(agentId, "x");

        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, 99));
        registry.register(99, "x");

        vm.prank(user);
        uint256 id = identity.register();
        vm.expectRevert(abi.encodeWithSelector(IProviders.NotAgentOwner.selector, id, attacker));
        vm.prank(attacker);
        registry.register(id, "x");

        // R3: somebody else's bond does not count.
        vm.prank(attacker);
        staking.stakeAsProvider{value: BOND}(id);
        vm.expectRevert(abi.encodeWithSelector(IProviders.InsufficientBond.selector, BOND, 0));
        vm.prank(user);
        registry.register(id, "x");

        vm.startPrank(user);
        staking.stakeAsProvider{value: BOND}(id);
        vm.expectRevert(abi.encodeWithSelector(IProviders.EndpointLength.selector, 0, 255));
        registry.register(id, "");
        vm.expectRevert(abi.encodeWithSelector(IProviders.EndpointLength.selector, 256, 255));
        registry.register(id, string(new bytes(256)));
        identity.unsetAgentWallet(id);
        vm.expectRevert(abi.encodeWithSelector(IProviders.NoAgentWallet.selector, id));
        registry.register(id, "x");
        vm.stopPrank();
    }

    function test_register_refusesIdsBeyond64Bits() public {
        uint256 id = uint256(type(uint48).max) + 1;
        vm.expectRevert(abi.encodeWithSelector(IProviders.AgentIdTooLarge.selector, id, type(uint48).max));
        registry.register(id, "x");
    }

    /// R4, R33 of the design: neither bond nor bindings follow the agent to its buyer.
    function test_agent_transfer() public {
        vm.prank(provider);
        identity.transferFrom(provider, BUYER, agentId);

        vm.assertFalse(registry.isActive(agentId));
        (bool valid,) = registry.bindingOf(bindingId);
        vm.assertFalse(valid, "binding of the seller");

        // The seller has no power any more, the buyer none before the bond is there.
        vm.expectRevert(abi.encodeWithSelector(IProviders.NotAgentOwner.selector, agentId, provider));
        vm.prank(provider);
        registry.setActive(agentId, true);
        vm.startPrank(BUYER);
        vm.expectRevert(abi.encodeWithSelector(IProviders.OperatorMismatch.selector, provider, BUYER));
        registry.approveBinding(_statement(agentId, BUYER, signer, "of the buyer"));
        vm.expectRevert(abi.encodeWithSelector(IProviders.InsufficientBond.selector, BOND, 0));
        registry.refreshOwner(agentId);

        vm.deal(BUYER, 1 ether);
        staking.stakeAsProvider{value: BOND}(agentId);
        // The buyer's bond alone does not bring the seller's bindings to life.
        vm.assertFalse(registry.isActive(agentId), "before refreshOwner");
        (valid,) = registry.bindingOf(bindingId);
        vm.assertFalse(valid, "binding of the seller, bond of the buyer");
        vm.expectRevert(abi.encodeWithSelector(IProviders.NoAgentWallet.selector, agentId));
        registry.refreshOwner(agentId);
        vm.stopPrank();
        _setWallet(BUYER);

        vm.expectEmit(address(registry));
        emit IProviders.OwnerRefreshed(agentId, BUYER);
        vm.prank(BUYER);
        registry.refreshOwner(agentId);

        vm.assertTrue(registry.isActive(agentId));
        vm.assertEq(registry.providerOf(agentId).owner, BUYER);
        (valid,) = registry.bindingOf(bindingId);
        vm.assertFalse(valid, "still ended");
        vm.assertFalse(registry.isBindingApproved(agentId, bindingId));
    }

    /// Whoever buys an agent cannot use up nonces of receipts that the seller has not settled yet.
    function test_agent_sold_second_binding_of_one_tag() public {
        (NodeStatement memory first, NodeStatement memory second) = _twins(agentId, provider, BUYER);
        bytes32 id = _approve(first);
        bytes32 twin = registry.bindingIdOf(second);
        test_agent_transfer();
        vm.expectRevert(abi.encodeWithSelector(IBindings.BindingTagTaken.selector, twin, id));
        _approve(second);
    }

    /// The old approval stays dead even when the agent comes back.
    function test_agent_transfer_backAndForth() public {
        test_agent_transfer();
        vm.prank(BUYER);
        identity.transferFrom(BUYER, provider, agentId);
        _setWallet(provider);
        vm.prank(provider);
        registry.refreshOwner(agentId);

        (bool valid,) = registry.bindingOf(bindingId);
        vm.assertFalse(valid);
        vm.assertFalse(registry.isBindingApproved(agentId, bindingId));
    }

    /// Who holds the agent for a while and is not recorded can change nothing for good; with the agent comes back what the
    /// recorded owner had.
    function test_agent_transfer_lentAndReturned() public {
        vm.prank(provider);
        identity.transferFrom(provider, BUYER, agentId);
        vm.startPrank(BUYER);
        bytes memory mismatch = abi.encodeWithSelector(IProviders.OperatorMismatch.selector, provider, BUYER);
        vm.expectRevert(mismatch);
        registry.revokeBinding(bindingId);
        vm.expectRevert(mismatch);
        registry.withdrawApproval(agentId, bindingId);
        vm.expectRevert(mismatch);
        registry.updateEndpoint(agentId, "x");
        identity.transferFrom(BUYER, provider, agentId);
        vm.stopPrank();

        (bool valid,) = registry.bindingOf(bindingId);
        vm.assertTrue(valid);
        vm.assertTrue(registry.isBindingApproved(agentId, bindingId));
    }

    function test_refreshOwner_reverts() public {
        vm.expectRevert(abi.encodeWithSelector(IProviders.UnknownProvider.selector, 5));
        registry.refreshOwner(5);
        vm.expectRevert(abi.encodeWithSelector(IProviders.NotAgentOwner.selector, agentId, attacker));
        vm.prank(attacker);
        registry.refreshOwner(agentId);
        vm.expectRevert(abi.encodeWithSelector(IProviders.OwnerUnchanged.selector, agentId));
        vm.prank(provider);
        registry.refreshOwner(agentId);
    }

    /// R7
    function test_endpoint_change_ends_binding() public {
        vm.expectEmit(address(registry));
        emit IProviders.EndpointUpdated(agentId, 2, "https://other.example");
        vm.prank(provider);
        registry.updateEndpoint(agentId, "https://other.example");

        (bool valid,) = registry.bindingOf(bindingId);
        vm.assertFalse(valid);
        vm.assertFalse(registry.isBindingApproved(agentId, bindingId));
        vm.assertEq(registry.providerOf(agentId).endpoint, "https://other.example");
    }

    function test_updateEndpoint_reverts() public {
        vm.expectRevert(abi.encodeWithSelector(IProviders.UnknownProvider.selector, 5));
        registry.updateEndpoint(5, "x");
        vm.expectRevert(abi.encodeWithSelector(IProviders.NotAgentOwner.selector, agentId, attacker));
        vm.prank(attacker);
        registry.updateEndpoint(agentId, "x");
        vm.expectRevert(abi.encodeWithSelector(IProviders.EndpointLength.selector, 0, 255));
        vm.prank(provider);
        registry.updateEndpoint(agentId, "");
    }

    function test_setActive() public {
        vm.expectEmit(address(registry));
        emit IProviders.ProviderActiveSet(agentId, false);
        vm.prank(provider);
        registry.setActive(agentId, false);
        vm.assertFalse(registry.isActive(agentId));
        (bool valid,) = registry.bindingOf(bindingId);
        vm.assertFalse(valid);

        vm.prank(provider);
        registry.setActive(agentId, true);
        vm.assertTrue(registry.isActive(agentId));
        (valid,) = registry.bindingOf(bindingId);
        vm.assertTrue(valid);

        vm.expectRevert(abi.encodeWithSelector(IProviders.NotAgentOwner.selector, agentId, attacker));
        vm.prank(attacker);
        registry.setActive(agentId, false);
    }

    function test_isActive_survivesAFailingIdentityRegistry() public {
        vm.mockCallRevert(address(identity), abi.encodeCall(identity.ownerOf, (agentId)), "gone");
        vm.assertFalse(registry.isActive(agentId));
    }

    /// R6: one page costs what it holds, however many rows there are.
    function test_gas_list_10000_rows() public {
        uint256 small = _gasOfPage();
        for (uint256 i = 0; i < 10_000; ++i) {
            _writeRow(i);
        }
        vm.assertLt(_gasOfPage(), small + 300_000, "ten rows");
        (uint256[] memory ids, uint256 next) = registry.listProviders(9990, 100);
        vm.assertEq(ids.length, 11);
        vm.assertEq(next, 0);
    }

    function test_fuzz_listProviders_pagesCoverEverything(uint256 limit) public {
        limit = _bound(limit, 1, 9);
        for (uint256 i = 1; i < 7; ++i) {
            _provider(provider);
        }
        uint256 cursor;
        uint256 seen;
        do {
            uint256[] memory ids;
            (ids, cursor) = registry.listProviders(cursor, limit);
            for (uint256 i = 0; i < ids.length; ++i) {
                vm.assertEq(ids[i], seen++);
            }
        } while (cursor != 0);
        vm.assertEq(seen, 7);
    }

    function test_listProviders_outsideIsEmpty() public view {
        (uint256[] memory ids, uint256 next) = registry.listProviders(1, type(uint256).max);
        vm.assertEq(ids.length, 0);
        vm.assertEq(next, 0);
        (ids, next) = registry.listProviders(0, type(uint256).max);
        vm.assertEq(ids.length, 1);
        vm.assertEq(next, 0);
        (ids, next) = registry.listProviders(0, 0);
        vm.assertEq(ids.length, 0);
        vm.assertEq(next, 0);
    }

    function _gasOfPage() private view returns (uint256) {
        uint256 before = gasleft();
        registry.listProviders(0, 10);
        return before - gasleft();
    }

    /// Appends to the packed list behind owner, switch and moderator: ten thousand bonds and mints would only cost time.
    function _writeRow(uint256 id) private {
        bytes32 slot = bytes32(uint256(3));
        uint256 length = uint256(vm.load(address(registry), slot));
        bytes32 word = bytes32(uint256(keccak256(abi.encode(slot))) + length / 4);
        uint256 before = uint256(vm.load(address(registry), word));
        vm.store(address(registry), word, bytes32(before | id << 64 * (length % 4)));
        vm.store(address(registry), slot, bytes32(length + 1));
    }

    function _setWallet(address owner) private {
        uint256 deadline = block.timestamp + 5 minutes;
        bytes memory signature = _walletConsent(agentId, session, owner, deadline, SESSION_KEY);
        vm.prank(owner);
        identity.setAgentWallet(agentId, session, deadline, signature);
    }
}
