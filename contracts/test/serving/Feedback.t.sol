// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IInferenceServing} from "../../src/interfaces/IInferenceServing.sol";
import {ILedgerManager} from "../../src/interfaces/ILedgerManager.sol";
import {IReputationRegistry} from "../../src/interfaces/IReputationRegistry.sol";
import {Fixture} from "../Fixture.sol";
import {ReputationRegistry} from "../../src/erc8004/ReputationRegistry.sol";

contract FeedbackTest is Fixture {
    function test_postFeedback() public {
        (, uint256 fee) = _settle(_item(0));
        int128 inGwei = int128(uint128(fee / 1e9));

        vm.expectEmit(address(reputation));
        emit IReputationRegistry.NewFeedback(
            agentId, address(serving), 1, inGwei, 9, "revenues", "revenues", "ETH", "", "", 0
        );
        vm.expectEmit(address(serving));
        emit IInferenceServing.FeedbackPosted(agentId, inGwei);
        vm.prank(relayer);
        serving.postFeedback(agentId);

        address[] memory clients = new address[](1);
        clients[0] = address(serving);
        (uint64 count, int128 value, uint8 decimals) =
            reputation.getSummary(agentId, clients, "revenues", "ETH");
        vm.assertEq(count, 1);
        vm.assertEq(value, inGwei);
        vm.assertEq(decimals, 9);
    }

    /// R15: without paid use this client has nothing to say, and never says the same volume twice.
    function test_feedback_weight_needs_volume() public {
        bytes memory nothing = abi.encodeWithSelector(IInferenceServing.NothingNew.selector, agentId);
        vm.expectRevert(nothing);
        serving.postFeedback(agentId);
        _settle(_item(0));
        serving.postFeedback(agentId);
        vm.warp(START + 2 days);
        vm.expectRevert(nothing);
        serving.postFeedback(agentId);
        vm.assertEq(reputation.getLastIndex(agentId, address(serving)), 1);
    }

    function test_postFeedback_onceAnInterval() public {
        _settle(_item(0));
        serving.postFeedback(agentId);
        _settle(_item(1));
        vm.warp(START + 1 days - 1);
        vm.expectRevert(abi.encodeWithSelector(IInferenceServing.FeedbackTooSoon.selector, START + 1 days));
        serving.postFeedback(agentId);
        vm.warp(START + 1 days);
        serving.postFeedback(agentId);
        vm.assertEq(reputation.getLastIndex(agentId, address(serving)), 2);
    }

    /// What is below a gwei is not lost but said the next time.
    function test_postFeedback_carriesTheRemainder() public {
        ILedgerManager.Open memory o = _open(1);
        o.serviceId = _service(provider, agentId, _price(1.5e15, 0));
        vm.prank(user);
        bytes32 channel = ledger.openChannel{value: o.amount}(o);

        _settle(_signed(_auth(channel, bindingId, 0), 1, 0));
        serving.postFeedback(agentId);
        vm.warp(START + 1 days);
        _settle(_signed(_auth(channel, bindingId, 1), 1, 0));
        serving.postFeedback(agentId);

        (int128 first,,,,) = reputation.readFeedback(agentId, address(serving), 1);
        (int128 second,,,,) = reputation.readFeedback(agentId, address(serving), 2);
        vm.assertEq(first, 1);
        vm.assertEq(second, 2);
    }

    /// Nobody can use up the interval by giving the reputation registry too little gas.
    function test_postFeedback_revertsWhenGasIsShort() public {
        _settle(_item(0));
        (bool success, bytes memory reason) =
            address(serving).call{gas: 400_000}(abi.encodeCall(serving.postFeedback, (agentId)));
        vm.assertEq(success, false);
        vm.assertEq(bytes4(reason), IInferenceServing.InsufficientGas.selector);
    }

    /// A provider can silence this client by approving it as operator. The settled money and the counters stay, and
    /// the volume is said when the registry listens again.
    function test_silenced_feedback() public {
        vm.prank(provider);
        identity.setApprovalForAll(address(serving), true);
        (, uint256 fee) = _settle(_item(0));

        vm.expectEmit(address(serving));
        emit IInferenceServing.FeedbackRefused(
            agentId,
            abi.encodeWithSelector(ReputationRegistry.SelfFeedback.selector, agentId, address(serving))
        );
        serving.postFeedback(agentId);
        vm.assertEq(serving.settledVolume(user, agentId), fee);
        (uint64 settled, uint128 volume,) = serving.counters(agentId);
        vm.assertEq(settled, 1);
        vm.assertEq(volume, fee);

        vm.prank(provider);
        identity.setApprovalForAll(address(serving), false);
        vm.warp(START + 1 days);
        vm.expectEmit(address(serving));
        emit IInferenceServing.FeedbackPosted(agentId, int128(uint128(fee / 1e9)));
        serving.postFeedback(agentId);
    }
}
