// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IComputeStaking} from "../../src/interfaces/IComputeStaking.sol";
import {ComputeStaking} from "../../src/ComputeStaking.sol";
import {Test} from "../Test.sol";
import {StakingHandler} from "./StakingHandler.sol";

contract StakingInvariants is Test {
    ComputeStaking private staking;
    StakingHandler private handler;

    function setUp() public {
        vm.warp(1_800_000_000);
        staking = new ComputeStaking();
        handler = new StakingHandler(staking);
        _addTarget(address(handler));
    }

    /// I6
    function invariant_balanceIsTheSumOfBonds() public view {
        uint256 sum;
        for (uint256 i = 0; i < handler.bondCount(); ++i) {
            IComputeStaking.Bond memory bond = staking.bondOf(handler.bonds(i));
            sum += uint256(bond.bonded) + bond.unbonding;
        }
        vm.assertEq(address(staking).balance, sum);
        vm.assertEq(handler.inside(), sum);
    }

    /// Nobody holds less than a whole bond.
    function invariant_bondedIsZeroOrAtLeastTheMinimum() public view {
        for (uint256 i = 0; i < handler.bondCount(); ++i) {
            IComputeStaking.Bond memory bond = staking.bondOf(handler.bonds(i));
            vm.assertTrue(bond.bonded == 0 || bond.bonded >= staking.minimumOf(bond.role));
        }
    }

    function invariant_outsiderGetsNothing() public view {
        vm.assertEq(handler.attacker().balance, 0);
    }
}
