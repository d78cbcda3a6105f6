// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IComputeStaking} from "../../src/interfaces/IComputeStaking.sol";
import {IInferenceServing} from "../../src/interfaces/IInferenceServing.sol";
import {ICases} from "../../src/interfaces/staking/ICases.sol";
import {StakingFixture} from "../staking/StakingFixture.sol";
import {StakingHandler} from "./StakingHandler.sol";
import {StakingWorld} from "./StakingWorld.sol";

/// forge-config: default.invariant.runs = 24
contract StakingInvariants is StakingFixture {
    StakingHandler private handler;

    function setUp() public override {
        super.setUp();
        // What the user paid at a price at which one fee is more than a bond, for each nonce that evidence will name.
        bytes32 dear = _dearChannel();
        IInferenceServing.RequestAuth memory auth = _auth(dear, bindingId, 0);
        _settle(_signed(auth, 100, 4000));

        StakingWorld.Node[] memory nodes = new StakingWorld.Node[](3);
        nodes[0] = _node(agentId, provider, SIGNER_KEY, "instance", bindingId);
        nodes[1] = _node(agentId, provider, 0xcafe, "second", 0);
        address other = vm.addr(0x2222);
        vm.deal(other, 10 ether);
        nodes[2] = _node(_provider(other), other, 0xd00d, "third", 0);
        handler = new StakingHandler(staking, registry, serving, dear, user, nodes);
        _addTarget(address(handler));
        // Guardians of a week, so that there can be cases from the start.
        for (uint256 i = 0; i < 6; ++i) {
            handler.stake(i, 2, 2 ether);
            handler.stake(i, 0, 1 ether);
        }
        vm.warp(block.timestamp + 8 days);
    }

    /// I6
    function invariant_balanceIsTheSumOfItsParts() public view {
        uint256 sum = handler.sumOfRewards();
        for (uint256 i = 0; i < handler.bondCount(); ++i) {
            sum += staking.slashable(handler.bonds(i));
        }
        for (uint256 id = 1; id <= staking.caseCount(); ++id) {
            (ICases.CaseState state, ICases.Case memory c) = staking.caseOf(id);
            if (state != ICases.CaseState.FINAL) sum += uint256(c.deposit) + c.appealDeposit;
        }
        vm.assertEq(address(staking).balance, sum);
        vm.assertEq(handler.inside(), sum);
    }

    /// I7, K13
    function invariant_freeze_bounded() public view {
        for (uint256 i = 0; i < handler.bondCount(); ++i) {
            bytes32 id = handler.bonds(i);
            uint256 frozen = staking.frozenOf(id);
            vm.assertLe(frozen, staking.slashable(id));
            if (frozen != 0) _requireYoungCase(id, frozen);
        }
    }

    /// K6, K16: as many seats as there are guardians at their minimum, and whole bonds only.
    function invariant_guardiansAreWhoIsBonded() public view {
        uint256 seats;
        for (uint256 i = 0; i < handler.bondCount(); ++i) {
            bytes32 id = handler.bonds(i);
            IComputeStaking.Bond memory b = staking.bondOf(id);
            bool guardian = b.role == IComputeStaking.Role.GUARDIAN && b.bonded != 0 && b.bonded >= b.minimum;
            vm.assertEq(b.guardianSince != 0, guardian);
            if (guardian) ++seats;
        }
        vm.assertEq(staking.guardianCount(), seats);
    }

    /// I8, and nobody who only tries.
    function invariant_owner_cannot_take() public view {
        vm.assertEq(staking.rewardOf(staking.owner()), 0);
        vm.assertEq(staking.owner().balance, 0);
        vm.assertEq(staking.rewardOf(handler.attacker()), 0);
        vm.assertEq(handler.attacker().balance, 0);
    }

    /// A handler that never gets anywhere would prove nothing: one straight line through it.
    function test_handlerReachesEverything() public {
        handler.trial(0, 0, 1000, type(uint256).max, true);
        handler.proveConflict(0, 0, 1);
        vm.assertTrue(staking.rewardOf(user) != 0, "loss");
        handler.proveBadAttestation(1, 1, true);
        handler.proveLeakedKey(2, 2, false);
        handler.claimReward(0);
        handler.requestUnstake(3, type(uint256).max);
        handler.passTime(type(uint256).max);
        handler.passTime(type(uint256).max);
        handler.passTime(type(uint256).max);
        handler.completeUnstake(3);
        bytes32[10] memory all = [
            bytes32("open"),
            "vote",
            "appeal",
            "final",
            "case",
            "conflict",
            "attestation",
            "leak",
            "claim",
            "exit"
        ];
        for (uint256 i = 0; i < all.length; ++i) {
            vm.assertTrue(handler.done(all[i]) != 0, string(abi.encodePacked(all[i])));
        }
        invariant_balanceIsTheSumOfItsParts();
    }

    function _requireYoungCase(bytes32 id, uint256 frozen) private view {
        uint256 asked;
        for (uint256 n = 1; n <= staking.caseCount(); ++n) {
            (ICases.CaseState state, ICases.Case memory c) = staking.caseOf(n);
            if (c.bondId != id || state == ICases.CaseState.FINAL) continue;
            if (block.timestamp < c.openedAt + 14 days) asked = type(uint256).max;
        }
        vm.assertLe(frozen, asked, "frozen without an open case younger than CASE_MAX");
    }

    function _node(uint256 id, address operator, uint256 key, bytes32 instance, bytes32 known)
        private
        returns (StakingWorld.Node memory node)
    {
        node.statement = _statement(id, operator, vm.addr(key), instance);
        node.bindingId = known == 0 ? _bind(node.statement, key) : known;
        node.bondId = _bondId(IComputeStaking.Role.PROVIDER, id, operator);
        node.signerKey = key;
    }
}
