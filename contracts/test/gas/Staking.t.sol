// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IEvidence} from "../../src/interfaces/staking/IEvidence.sol";
import {StakingFixture} from "../staking/StakingFixture.sol";

/// Gas of whole transactions, in snapshots/ComputeStaking.json.
contract StakingGasTest is StakingFixture {
    string private constant GROUP = "ComputeStaking";

    function test_gas_bond() public {
        vm.deal(user, 10 ether);
        vm.prank(user);
        staking.stakeAsProvider{value: 1 ether}(5);
        vm.snapshotGasLastCall(GROUP, "stakeAsProvider");
        vm.prank(user);
        staking.stakeAsGuardian{value: 1 ether}();
        vm.snapshotGasLastCall(GROUP, "stakeAsGuardian");
        vm.prank(provider);
        staking.requestUnstake(bond, uint128(BOND));
        vm.snapshotGasLastCall(GROUP, "requestUnstake");
        vm.warp(START + 14 days);
        vm.prank(provider);
        staking.completeUnstake(bond, provider);
        vm.snapshotGasLastCall(GROUP, "completeUnstake");
    }

    function test_gas_evidence() public {
        IEvidence.Conflict memory c = _conflict(1);
        _settle(_item(1));
        bytes32 commitment = staking.commitmentOf(reporter, staking.conflictHash(c), SALT);
        vm.prank(reporter);
        staking.commitEvidence(commitment);
        vm.snapshotGasLastCall(GROUP, "commitEvidence");
        vm.warp(block.timestamp + 5 minutes);
        vm.prank(reporter);
        staking.proveConflict(c, SALT);
        vm.snapshotGasLastCall(GROUP, "proveConflict");
        _commitLeak(reporter, bindingId, SIGNER_KEY);
        bytes memory sig = _leakSig(bindingId, reporter, SIGNER_KEY);
        vm.prank(reporter);
        staking.proveLeakedKey(bindingId, sig, SALT);
        vm.snapshotGasLastCall(GROUP, "proveLeakedKey");
        vm.prank(reporter);
        staking.claimReward(reporter);
        vm.snapshotGasLastCall(GROUP, "claimReward");
    }

    function test_gas_case() public {
        _prepareCases(4);
        vm.deal(accuser, 1 ether);
        vm.prank(accuser);
        staking.openCase{value: 0.01 ether}(bond, 1000, REPORT, "ipfs://report");
        vm.snapshotGasLastCall(GROUP, "openCase");
        _toVoting(1);
        vm.prank(guardians[0]);
        staking.vote(1, true);
        vm.snapshotGasLastCall(GROUP, "vote (first)");
        for (uint256 i = 1; i < 4; ++i) {
            vm.prank(guardians[i]);
            staking.vote(1, true);
        }
        vm.snapshotGasLastCall(GROUP, "vote (later)");
        _toDecided(1);
        vm.deal(provider, 1 ether);
        vm.prank(provider);
        staking.appeal{value: 0.02 ether}(1);
        vm.snapshotGasLastCall(GROUP, "appeal");
        vm.warp(block.timestamp + 3 days);
        staking.finalize(1);
        vm.snapshotGasLastCall(GROUP, "finalize (slashed)");
    }
}
