// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IComputeRegistry} from "../../src/interfaces/IComputeRegistry.sol";
import {IComputeStaking} from "../../src/interfaces/IComputeStaking.sol";
import {AttestFixture} from "../AttestFixture.sol";

/// Figures that are promised. `forge test --isolate --gas-snapshot-emit=true --match-contract RegistryGas` writes
/// snapshots/ComputeRegistry.json, where each is the cost of a whole transaction.
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
        // Of it 22,100 keep the judgement, so that no renewal takes the evidence away.
        vm.assertLe(vm.snapshotGasLastCall(GROUP, "attest, first, without the verifier's own work"), 165_000);

        vm.roll(block.number + 1);
        vm.warp(START + 12 hours);
        a = _ready("replica");
        sig = _sign(a);
        vm.prank(relayer);
        registry.attest(a.statement, 0, a.evidence, a.blockNumber, a.deadline, sig);
        vm.assertLe(
            vm.snapshotGasLastCall(GROUP, "attest, renewal, without the verifier's own work"), 110_000
        );
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
        registry.approveBinding(agentId, "x");
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

    /// R10: what others registered, staked or bound, and how much I did myself, makes no difference to my way out.
    function test_exit_cost_constant() public {
        address late = address(0x1a7e);
        vm.deal(late, 1 ether);
        uint256 second = _provider(late);
        uint256 alone = _exit(provider, agentId);

        for (uint256 i = 0; i < 40; ++i) {
            address other = address(uint160(0x100_0000 + i));
            vm.deal(other, 1 ether);
            _provider(other);
        }
        vm.startPrank(late);
        for (uint256 i = 0; i < 40; ++i) {
            registry.addService(second, MODEL_ID, "m", _price(1, 1));
            registry.approveBinding(second, keccak256(abi.encode(i)));
        }
        vm.stopPrank();
        vm.assertLe(_exit(late, second), alone + 1000);
    }

    function _register(string memory endpoint) private {
        uint256 id = identity.register();
        staking.stakeAsProvider{value: BOND}(id);
        registry.register(id, endpoint);
    }

    function _exit(address owner, uint256 id) private returns (uint256 used) {
        bytes32 bond = _bondId(IComputeStaking.Role.PROVIDER, id, owner);
        // As if nothing had been touched before in this transaction.
        address[3] memory touched = [address(registry), address(staking), address(identity)];
        for (uint256 i = 0; i < 3; ++i) {
            vm.cool(touched[i]);
        }
        vm.startPrank(owner);
        uint256 before = gasleft();
        registry.setActive(id, false);
        staking.requestUnstake(bond, uint128(BOND));
        used = before - gasleft();
        vm.warp(block.timestamp + staking.UNBONDING());
        before = gasleft();
        staking.completeUnstake(bond, owner);
        used += before - gasleft();
        vm.stopPrank();
    }
}
