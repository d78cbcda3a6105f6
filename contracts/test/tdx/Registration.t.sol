// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {TdxContracts, TdxSet} from "../../script/TdxSet.sol";
import {ComputeRegistry} from "../../src/ComputeRegistry.sol";
import {IBindings} from "../../src/interfaces/registry/IBindings.sol";
import {TcbStatus} from "../../src/tdx/TcbStatus.sol";
import {RegistrationFixture} from "./RegistrationFixture.sol";

/// @title What becomes of a whole registration, with everything as it is deployed
contract RegistrationTest is RegistrationFixture {
    /// Revoked, unlisted and stale are told apart by the registry too, and only the last can be mended.
    function test_status_of_what_was_granted() public {
        _attest();
        ComputeRegistry registry = _market.computeRegistry;
        uint256 id = vm.snapshotState();
        _tdx.tdxVerifier.upsertRevocationList(_stored("pck-revoked").pckCrl);
        (IBindings.Status status, uint8 tcb) = registry.statusOf(_bindingId);
        vm.assertEq(uint256(status), uint256(IBindings.Status.REVOKED));
        vm.assertEq(tcb, TcbStatus.REVOKED);

        vm.revertToState(id);
        bytes32 key = _tdx.attestationVerifier.keyOf(_measurement());
        vm.prank(OWNER);
        _tdx.attestationVerifier.remove(key);
        (status,) = registry.statusOf(_bindingId);
        vm.assertEq(uint256(status), uint256(IBindings.Status.OUT_OF_POLICY));
    }

    /// What is longer cannot be deployed. Only optimised code is meant (foundry.toml, profile coverage).
    function test_code_fits_eip_170() public view {
        address[4] memory contracts = [
            address(_tdx.tdxVerifier),
            address(_tdx.collateralBatch),
            address(_tdx.attestationVerifier),
            _tdx.tdxVerifier.collateralReader()
        ];
        for (uint256 i = 0; i < contracts.length; ++i) {
            vm.assertLe(contracts[i].code.length, 24_576, "EIP-170");
        }
    }

    /// R14: where money is real, no other root than Intel's is deployed, whoever asks for it.
    function test_simulated_root_refused_on_base() public {
        vm.chainId(8453);
        vm.expectRevert(abi.encodeWithSelector(TdxSet.SimulatedRoot.selector, genuine.rootHash, 8453));
        this.deploy(genuine.rootHash);
        vm.assertFalse(this.deploy(TdxSet.INTEL_ROOT).attestationVerifier.isSimulated());
        vm.assertEq(this.deploy(TdxSet.INTEL_ROOT).tdxVerifier.INTEL_ROOT_SHA256(), TdxSet.INTEL_ROOT);
    }

    function deploy(bytes32 root) external returns (TdxContracts memory) {
        return TdxSet.deploy(root, OWNER, address(0));
    }
}
