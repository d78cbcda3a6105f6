// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC721Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {ReputationRegistry} from "../src/erc8004/ReputationRegistry.sol";
import {IIdentityRegistry} from "../src/interfaces/IIdentityRegistry.sol";
import {IReputationRegistry} from "../src/interfaces/IReputationRegistry.sol";
import {Fixture} from "./Fixture.sol";

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
}
