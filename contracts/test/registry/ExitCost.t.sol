// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IComputeStaking} from "../../src/interfaces/IComputeStaking.sol";
import {Fixture} from "../Fixture.sol";

contract ExitCostTest is Fixture {
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
            registry.approveBinding(_statement(second, late, signer, bytes32(i)));
        }
        vm.stopPrank();
        vm.assertLe(_exit(late, second), alone + 1000);
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
