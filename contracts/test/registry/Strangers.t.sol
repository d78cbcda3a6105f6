// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Fixture} from "../Fixture.sol";

contract StrangersTest is Fixture {
    /// R9: a stranger can write nothing about a provider.
    function test_metrics_not_writable_by_anyone() public {
        bytes memory before = abi.encode(registry.providerOf(agentId), registry.serviceOf(agentId, serviceId));
        bytes[] memory calls = new bytes[](18);
        calls[0] = abi.encodeCall(registry.register, (agentId, "x"));
        calls[1] = abi.encodeCall(registry.refreshOwner, (agentId));
        calls[2] = abi.encodeCall(registry.updateEndpoint, (agentId, "x"));
        calls[3] = abi.encodeCall(registry.setActive, (agentId, false));
        calls[4] = abi.encodeCall(registry.addService, (agentId, MODEL_ID, "m", _price(1, 1)));
        calls[5] = abi.encodeCall(registry.setPrice, (agentId, serviceId, _price(1, 1)));
        calls[6] = abi.encodeCall(registry.setServiceActive, (agentId, serviceId, false));
        calls[7] = abi.encodeCall(registry.approveBinding, (_statement(agentId, attacker, attacker, "x")));
        calls[8] = abi.encodeCall(registry.withdrawApproval, (agentId, bindingId));
        calls[9] = abi.encodeCall(registry.revokeBinding, (bindingId));
        calls[10] = abi.encodeCall(registry.revokeForEvidence, (bindingId));
        calls[11] = abi.encodeCall(registry.setBarred, (agentId, true, "x"));
        calls[12] = abi.encodeCall(registry.dropVerifier, (0));
        calls[13] = abi.encodeCall(registry.setIntakePaused, (true));
        calls[14] = abi.encodeCall(identity.setMetadata, (agentId, "uptime", "1"));
        calls[15] = abi.encodeCall(identity.setAgentURI, (agentId, "x"));
        calls[16] = abi.encodeCall(ledger.charge, (channelId, 1, 1));
        calls[17] = abi.encodeCall(serving.postFeedback, (agentId));
        address[18] memory targets;
        for (uint256 i = 0; i < 14; ++i) {
            targets[i] = address(registry);
        }
        (targets[14], targets[15], targets[16], targets[17]) =
        (address(identity), address(identity), address(ledger), address(serving));
        for (uint256 i = 0; i < calls.length; ++i) {
            vm.prank(attacker);
            (bool success,) = targets[i].call(calls[i]);
            vm.assertFalse(success);
        }
        vm.assertEq(abi.encode(registry.providerOf(agentId), registry.serviceOf(agentId, serviceId)), before);
    }
}
