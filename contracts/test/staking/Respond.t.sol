// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICases} from "../../src/interfaces/staking/ICases.sol";
import {StakingFixture} from "./StakingFixture.sol";

contract RespondTest is StakingFixture {
    uint256 private caseId;

    function setUp() public override {
        super.setUp();
        _prepareCases(3);
        caseId = _openCase(1000);
    }

    function testFuzz_respondsOnceInTime(uint256 wait, bytes32 hash) public {
        vm.warp(_opened(caseId) + _bound(wait, 0, 48 hours - 1));
        vm.expectEmit(address(staking));
        emit ICases.CaseResponded(caseId, hash, "ipfs://answer");
        vm.startPrank(provider);
        staking.respond(caseId, hash, "ipfs://answer");
        (, ICases.Case memory c) = staking.caseOf(caseId);
        vm.assertTrue(c.responded);
        vm.expectRevert(abi.encodeWithSelector(ICases.AlreadyResponded.selector, caseId));
        staking.respond(caseId, hash, "ipfs://answer");
        vm.stopPrank();
    }

    function test_reverts() public {
        vm.expectRevert(abi.encodeWithSelector(ICases.NotAccused.selector, caseId, accuser));
        vm.prank(accuser);
        staking.respond(caseId, 0, "");

        vm.startPrank(provider);
        vm.expectRevert(abi.encodeWithSelector(ICases.UriLength.selector, 257, 256));
        staking.respond(caseId, 0, string(new bytes(257)));
        vm.expectRevert(abi.encodeWithSelector(ICases.WrongCaseState.selector, 9, ICases.CaseState.NONE));
        staking.respond(9, 0, "");
        _toVoting(caseId);
        vm.expectRevert(
            abi.encodeWithSelector(ICases.WrongCaseState.selector, caseId, ICases.CaseState.VOTING)
        );
        staking.respond(caseId, 0, "");
        vm.stopPrank();
    }
}
