// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {ComputeRegistry} from "../../src/ComputeRegistry.sol";
import {IAttestationVerifier} from "../../src/interfaces/IAttestationVerifier.sol";
import {IVerifierList} from "../../src/interfaces/registry/IVerifierList.sol";
import {Fixture} from "../Fixture.sol";
import {Vm} from "../Test.sol";
import {TestVerifier} from "../TestVerifier.sol";

/// The list of verifiers: slow to grow, quick to shrink.
contract RegistryVerifiersTest is Fixture {
    TestVerifier private verifier;

    function setUp() public override {
        super.setUp();
        verifier = new TestVerifier(false);
    }

    function test_proposeThenAccept() public {
        vm.expectEmit(address(registry));
        emit IVerifierList.VerifierProposed(0, verifier, false, uint64(START + 48 hours));
        vm.prank(governor);
        vm.assertEq(registry.proposeVerifier(verifier), 0);
        IVerifierList.Verifier memory v = registry.verifierAt(0);
        vm.assertEq(address(v.verifier), address(verifier));
        vm.assertEq(uint256(v.state), uint256(IVerifierList.VerifierState.PROPOSED));
        vm.assertFalse(v.simulated);
        vm.assertEq(v.acceptableAt, START + 48 hours);
        vm.assertEq(v.listedInBlock, 0);

        vm.warp(START + 48 hours - 1);
        vm.expectRevert(
            abi.encodeWithSelector(IVerifierList.TooEarly.selector, START + 48 hours, START + 48 hours - 1)
        );
        registry.acceptVerifier(0);
        vm.warp(START + 48 hours);
        vm.expectEmit(address(registry));
        emit IVerifierList.VerifierListed(0, verifier, false);
        vm.prank(attacker);
        registry.acceptVerifier(0);
        vm.assertEq(uint256(registry.verifierAt(0).state), uint256(IVerifierList.VerifierState.LISTED));
        vm.assertEq(registry.verifierCount(), 1);

        vm.expectRevert(
            _wrongState(0, IVerifierList.VerifierState.PROPOSED, IVerifierList.VerifierState.LISTED)
        );
        registry.acceptVerifier(0);
    }

    function test_propose_reverts() public {
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, attacker));
        vm.prank(attacker);
        registry.proposeVerifier(verifier);

        vm.startPrank(governor);
        vm.expectRevert(abi.encodeWithSelector(IVerifierList.VerifierWithoutCode.selector, user));
        registry.proposeVerifier(IAttestationVerifier(user));
        for (uint256 i = 0; i < 32; ++i) {
            registry.proposeVerifier(verifier);
        }
        vm.expectRevert(abi.encodeWithSelector(IVerifierList.TooManyVerifiers.selector, 32));
        registry.proposeVerifier(verifier);
        vm.stopPrank();
    }

    function test_accept_reverts() public {
        vm.expectRevert(abi.encodeWithSelector(IVerifierList.UnknownVerifier.selector, 3));
        registry.acceptVerifier(3);
        vm.expectRevert(abi.encodeWithSelector(IVerifierList.UnknownVerifier.selector, 3));
        registry.verifierAt(3);
        // Behind the last place there is.
        vm.expectRevert(abi.encodeWithSelector(IVerifierList.UnknownVerifier.selector, 32));
        registry.verifierAt(32);
    }

    /// A power to deny: by the owner or the remover, at once, for good.
    function test_drop() public {
        vm.expectEmit(address(registry));
        emit IVerifierList.RemoverChanged(address(0), relayer);
        vm.startPrank(governor);
        registry.setRemover(relayer);
        registry.proposeVerifier(verifier);
        registry.proposeVerifier(verifier);
        vm.stopPrank();
        vm.assertEq(registry.remover(), relayer);

        vm.expectRevert(abi.encodeWithSelector(IVerifierList.NotRemover.selector, attacker));
        vm.prank(attacker);
        registry.dropVerifier(0);
        vm.expectRevert(abi.encodeWithSelector(IVerifierList.UnknownVerifier.selector, 9));
        vm.prank(relayer);
        registry.dropVerifier(9);

        vm.expectEmit(address(registry));
        emit IVerifierList.VerifierDropped(0, relayer);
        vm.prank(relayer);
        registry.dropVerifier(0);
        vm.expectRevert(
            _wrongState(0, IVerifierList.VerifierState.LISTED, IVerifierList.VerifierState.DROPPED)
        );
        vm.prank(relayer);
        registry.dropVerifier(0);
        vm.warp(START + 48 hours);
        vm.expectRevert(
            _wrongState(0, IVerifierList.VerifierState.PROPOSED, IVerifierList.VerifierState.DROPPED)
        );
        registry.acceptVerifier(0);

        registry.acceptVerifier(1);
        vm.expectEmit(address(registry));
        emit IVerifierList.VerifierDropped(1, governor);
        vm.prank(governor);
        registry.dropVerifier(1);
    }

    function test_setRemover_byTheOwnerOnly() public {
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, attacker));
        vm.prank(attacker);
        registry.setRemover(attacker);
    }

    function test_firstVerifierIsListedAtOnce() public {
        vm.recordLogs();
        ComputeRegistry other = new ComputeRegistry(identity, staking, governor, verifier);
        vm.assertEq(uint256(other.verifierAt(0).state), uint256(IVerifierList.VerifierState.LISTED));
        vm.assertEq(registry.verifierCount(), 0);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        vm.assertEq(logs[logs.length - 2].topics[0], IVerifierList.VerifierProposed.selector);
        vm.assertEq(logs[logs.length - 1].topics[0], IVerifierList.VerifierListed.selector);
    }

    /// R14: where money is real, a simulated root is refused at deployment, at the proposal, and when it is to be listed.
    function test_simulated_adapter_reverts_on_mainnet() public {
        TestVerifier simulated = new TestVerifier(true);
        vm.prank(governor);
        registry.proposeVerifier(simulated);
        vm.assertTrue(registry.verifierAt(0).simulated);
        ComputeRegistry elsewhere = new ComputeRegistry(identity, staking, governor, simulated);
        vm.assertTrue(elsewhere.verifierAt(0).simulated);

        vm.chainId(8453);
        bytes memory refused =
            abi.encodeWithSelector(IVerifierList.SimulatedVerifier.selector, address(simulated), 8453);
        vm.expectRevert(refused);
        new ComputeRegistry(identity, staking, governor, simulated);
        vm.expectRevert(refused);
        vm.prank(governor);
        registry.proposeVerifier(simulated);
        vm.warp(START + 48 hours);
        vm.expectRevert(refused);
        registry.acceptVerifier(0);
        // One that changes its mind between proposal and acceptance.
        vm.prank(governor);
        registry.proposeVerifier(verifier);
        verifier.setSimulated(true);
        vm.warp(START + 96 hours);
        vm.expectRevert(
            abi.encodeWithSelector(IVerifierList.SimulatedVerifier.selector, address(verifier), 8453)
        );
        registry.acceptVerifier(1);
    }

    /// I15: once simulated, always simulated.
    function test_simulatedIsRemembered() public {
        TestVerifier simulated = new TestVerifier(true);
        vm.startPrank(governor);
        registry.proposeVerifier(simulated);
        registry.proposeVerifier(verifier);
        vm.stopPrank();
        simulated.setSimulated(false);
        verifier.setSimulated(true);
        vm.warp(START + 48 hours);
        registry.acceptVerifier(0);
        registry.acceptVerifier(1);
        vm.assertTrue(registry.verifierAt(0).simulated);
        vm.assertTrue(registry.verifierAt(1).simulated);
    }

    function _wrongState(
        uint256 index,
        IVerifierList.VerifierState expected,
        IVerifierList.VerifierState actual
    ) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IVerifierList.WrongVerifierState.selector, index, expected, actual);
    }
}
