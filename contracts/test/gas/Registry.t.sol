// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AttestFixture} from "../AttestFixture.sol";

/// Gas of whole transactions, in snapshots/ComputeRegistry.json.
contract RegistryGasTest is AttestFixture {
    string private constant GROUP = "ComputeRegistry";
    /// 51 bytes, as gateways of dstack name their machines.
    string private constant ENDPOINT = "https://0123456789abcdef0123456789.dstack-prod5.app";

    function test_gas_register() public {
        vm.assertEq(bytes(ENDPOINT).length, 51);
        vm.startPrank(provider);
        // The list is packed, four ids a slot: this is the first of a slot, which costs most.
        for (uint256 i = 0; i < 3; ++i) {
            _register("https://short.example");
        }
        uint256 id = identity.register();
        staking.stakeAsProvider{value: BOND}(id);
        registry.register(id, ENDPOINT);
        vm.assertLe(vm.snapshotGasLastCall(GROUP, "register, 51-byte endpoint, first of a slot"), 160_000);
        id = identity.register();
        staking.stakeAsProvider{value: BOND}(id);
        registry.register(id, ENDPOINT);
        vm.assertLe(vm.snapshotGasLastCall(GROUP, "register, 51-byte endpoint"), 160_000);
        vm.stopPrank();
    }

    function test_gas_attest() public {
        Attest memory a = _ready("replica");
        bytes memory sig = _sign(a);
        vm.prank(relayer);
        registry.attest(a.statement, 0, a.evidence, a.blockNumber, a.deadline, sig);
        vm.assertLe(vm.snapshotGasLastCall(GROUP, "attest, first, without the verifier's own work"), 105_000);

        vm.roll(block.number + 1);
        vm.warp(START + 12 hours);
        a = _ready("replica");
        bytes32 id = registry.bindingIdOf(a.statement);
        vm.prank(relayer);
        registry.renew(agentId, id, a.blockNumber, a.evidence);
        vm.assertLe(vm.snapshotGasLastCall(GROUP, "renew, without the verifier's own work"), 60_000);
    }

    function test_gas_bindSigner() public {
        _bind(_statement(agentId, provider, signer, "replica"), SIGNER_KEY);
        vm.snapshotGasLastCall(GROUP, "bindSigner, first");
        vm.warp(START + 12 hours);
        _attest(_statement(agentId, provider, signer, "replica"), SIGNER_KEY);
        vm.snapshotGasLastCall(GROUP, "bindSigner, renewal");
    }

    function test_gas_otherCalls() public {
        vm.startPrank(provider);
        registry.approveBinding(_statement(agentId, provider, signer, "x"));
        vm.snapshotGasLastCall(GROUP, "approveBinding");
        registry.addService(agentId, MODEL_ID, "llama-3.3-70b-instruct", _price(1, 1));
        vm.snapshotGasLastCall(GROUP, "addService");
        registry.updateEndpoint(agentId, ENDPOINT);
        vm.snapshotGasLastCall(GROUP, "updateEndpoint, 51 bytes");
        vm.stopPrank();
        registry.signerOf(bindingId);
        vm.snapshotGasLastCall(GROUP, "signerOf");
        registry.isActive(agentId);
        vm.snapshotGasLastCall(GROUP, "isActive");
    }

    function _register(string memory endpoint) private {
        uint256 id = identity.register();
        staking.stakeAsProvider{value: BOND}(id);
        registry.register(id, endpoint);
    }
}
