// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC721Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {ReputationRegistry} from "../../src/erc8004/ReputationRegistry.sol";
import {IIdentityRegistry} from "../../src/interfaces/IIdentityRegistry.sol";
import {IReputationRegistry} from "../../src/interfaces/IReputationRegistry.sol";
import {Fixture} from "../Fixture.sol";

/// The local registry behaves as the specification's (ERC-8004, reputation).
contract ReputationRegistryTest is Fixture {
    function _give(address client, int128 value, uint8 decimals, string memory tag1) private {
        vm.prank(client);
        reputation.giveFeedback(agentId, value, decimals, tag1, "", "", "", 0);
    }

    function _summary(address[] memory clients, string memory tag)
        private
        view
        returns (uint64 count, int128 value, uint8 decimals)
    {
        return reputation.getSummary(agentId, clients, tag, "");
    }

    function _clients() private view returns (address[] memory clients) {
        clients = new address[](2);
        (clients[0], clients[1]) = (user, relayer);
    }

    function test_constructor() public {
        vm.assertEq(reputation.getIdentityRegistry(), address(identity));
        vm.expectRevert(abi.encodeWithSelector(ReputationRegistry.ZeroAddress.selector));
        new ReputationRegistry(IIdentityRegistry(address(0)));
    }

    function test_fuzz_giveFeedback(int128 value, uint8 decimals) public {
        int128 limit = 1e38;
        value = int128(value % limit);
        decimals = uint8(_bound(decimals, 0, 18));
        vm.expectEmit(address(reputation));
        emit IReputationRegistry.NewFeedback(agentId, user, 1, value, decimals, "a", "a", "b", "e", "u", "h");
        vm.prank(user);
        reputation.giveFeedback(agentId, value, decimals, "a", "b", "e", "u", "h");

        (int128 v, uint8 d, string memory t1, string memory t2, bool revoked) =
            reputation.readFeedback(agentId, user, 1);
        vm.assertEq(v, value);
        vm.assertEq(d, decimals);
        vm.assertEq(t1, "a");
        vm.assertEq(t2, "b");
        vm.assertFalse(revoked);
        vm.assertEq(reputation.getLastIndex(agentId, user), 1);
        vm.assertEq(reputation.getClients(agentId).length, 1);
    }

    function test_giveFeedback_reverts() public {
        vm.expectRevert(abi.encodeWithSelector(ReputationRegistry.DecimalsOutOfRange.selector, 19, 18));
        reputation.giveFeedback(agentId, 1, 19, "", "", "", "", 0);
        int128 limit = 1e38;
        vm.expectRevert(abi.encodeWithSelector(ReputationRegistry.ValueOutOfRange.selector, limit + 1, limit));
        reputation.giveFeedback(agentId, limit + 1, 0, "", "", "", "", 0);
        vm.expectRevert(
            abi.encodeWithSelector(ReputationRegistry.ValueOutOfRange.selector, -limit - 1, limit)
        );
        reputation.giveFeedback(agentId, -limit - 1, 0, "", "", "", "", 0);
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, 99));
        reputation.giveFeedback(99, 1, 0, "", "", "", "", 0);
    }

    /// R15: owner, approved address and operator are the agent itself.
    function test_selfFeedbackIsRefused() public {
        vm.startPrank(provider);
        identity.approve(relayer, agentId);
        identity.setApprovalForAll(attacker, true);
        vm.stopPrank();
        address[3] memory selves = [provider, relayer, attacker];
        for (uint256 i = 0; i < 3; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(ReputationRegistry.SelfFeedback.selector, agentId, selves[i])
            );
            _give(selves[i], 1, 0, "");
        }
    }

    function test_revokeFeedback() public {
        _give(user, 5, 0, "t");
        vm.expectRevert(
            abi.encodeWithSelector(ReputationRegistry.UnknownFeedback.selector, agentId, attacker, 1)
        );
        vm.prank(attacker);
        reputation.revokeFeedback(agentId, 1);

        vm.startPrank(user);
        vm.expectRevert(abi.encodeWithSelector(ReputationRegistry.UnknownFeedback.selector, agentId, user, 0));
        reputation.revokeFeedback(agentId, 0);
        vm.expectEmit(address(reputation));
        emit IReputationRegistry.FeedbackRevoked(agentId, user, 1);
        reputation.revokeFeedback(agentId, 1);
        vm.expectRevert(abi.encodeWithSelector(ReputationRegistry.AlreadyRevoked.selector, agentId, 1));
        reputation.revokeFeedback(agentId, 1);
        vm.stopPrank();
        (,,,, bool revoked) = reputation.readFeedback(agentId, user, 1);
        vm.assertTrue(revoked);
        (uint64 count,,) = _summary(_clients(), "");
        vm.assertEq(count, 0);
    }

    /// The plain mean at 18 decimals, told in the most frequent decimals.
    function test_getSummary_meanAndDecimals() public {
        _give(user, 100, 0, "t");
        _give(user, 9950, 2, "t");
        _give(relayer, 9900, 2, "t");
        _give(relayer, 1, 0, "other");
        (uint64 count, int128 value, uint8 decimals) = _summary(_clients(), "t");
        vm.assertEq(count, 3);
        vm.assertEq(value, 9950);
        vm.assertEq(decimals, 2);
    }

    function test_getSummary_smallestDecimalsOnATie() public {
        _give(user, 12, 1, "t");
        _give(relayer, 7, 0, "t");
        (, int128 value, uint8 decimals) = _summary(_clients(), "t");
        vm.assertEq(decimals, 0);
        vm.assertEq(value, 4);
    }

    function test_getSummary_countsNegativeValuesAndEmptyFilters() public {
        _give(user, -3, 0, "t");
        _give(relayer, 1, 0, "u");
        (uint64 count, int128 value,) = _summary(_clients(), "");
        vm.assertEq(count, 2);
        vm.assertEq(value, -1);
        (count,,) = reputation.getSummary(agentId, _clients(), "t", "x");
        vm.assertEq(count, 0);
        vm.expectRevert(abi.encodeWithSelector(ReputationRegistry.NoClients.selector));
        _summary(new address[](0), "");
    }

    function test_appendResponse() public {
        _give(user, 1, 0, "t");
        _give(user, 2, 0, "t");
        _give(relayer, 3, 0, "t");
        vm.expectEmit(address(reputation));
        emit IReputationRegistry.ResponseAppended(agentId, user, 1, attacker, "uri", "hash");
        vm.startPrank(attacker);
        reputation.appendResponse(agentId, user, 1, "uri", "hash");
        reputation.appendResponse(agentId, user, 1, "uri", "hash");
        reputation.appendResponse(agentId, user, 2, "uri", "hash");
        vm.stopPrank();
        vm.prank(provider);
        reputation.appendResponse(agentId, relayer, 1, "uri", "hash");

        address[] memory everyone = new address[](0);
        vm.assertEq(reputation.getResponseCount(agentId, user, 1, everyone), 2);
        vm.assertEq(reputation.getResponseCount(agentId, user, 0, everyone), 3);
        vm.assertEq(reputation.getResponseCount(agentId, address(0), 0, everyone), 4);
        address[] memory one = new address[](1);
        one[0] = provider;
        vm.assertEq(reputation.getResponseCount(agentId, address(0), 0, one), 1);
        vm.assertEq(reputation.getResponseCount(agentId, user, 1, one), 0);
        vm.assertEq(reputation.getVersion(), "2.0.0");

        vm.expectRevert(abi.encodeWithSelector(ReputationRegistry.EmptyResponseURI.selector));
        reputation.appendResponse(agentId, user, 1, "", "hash");
        vm.expectRevert(abi.encodeWithSelector(ReputationRegistry.UnknownFeedback.selector, agentId, user, 0));
        reputation.appendResponse(agentId, user, 0, "uri", "hash");
        vm.expectRevert(abi.encodeWithSelector(ReputationRegistry.UnknownFeedback.selector, agentId, user, 3));
        reputation.appendResponse(agentId, user, 3, "uri", "hash");
    }

    function test_readAllFeedback() public {
        _give(user, 1, 0, "t");
        _give(user, 2, 1, "u");
        _give(relayer, 3, 2, "t");
        vm.prank(user);
        reputation.revokeFeedback(agentId, 1);

        (address[] memory clients, uint64[] memory indexes, int128[] memory values,,,,) =
            reputation.readAllFeedback(agentId, new address[](0), "", "", false);
        vm.assertEq(clients.length, 2);
        vm.assertEq(clients[0], user);
        vm.assertEq(indexes[0], 2);
        vm.assertEq(values[1], 3);

        uint8[] memory decimals;
        string[] memory tag1s;
        string[] memory tag2s;
        bool[] memory revoked;
        (clients, indexes, values, decimals, tag1s, tag2s, revoked) =
            reputation.readAllFeedback(agentId, _clients(), "t", "", true);
        vm.assertEq(clients.length, 2);
        vm.assertTrue(revoked[0]);
        vm.assertFalse(revoked[1]);
        vm.assertEq(decimals[1], 2);
        vm.assertEq(tag1s[1], "t");
        vm.assertEq(tag2s[1], "");
        (clients,,,,,,) = reputation.readAllFeedback(agentId, _clients(), "t", "x", true);
        vm.assertEq(clients.length, 0);
    }
}
