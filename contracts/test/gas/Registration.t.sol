// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBindings} from "../../src/interfaces/registry/IBindings.sol";
import {RegistrationFixture} from "../tdx/RegistrationFixture.sol";

/// @title What a node pays, as whole transactions
/// @notice Everything included, as it is deployed; in snapshots/TdxAttestationVerifier.json. README.md has the sum of what no
/// code can save.
contract RegistrationGasTest is RegistrationFixture {
    string private constant GROUP = "TdxAttestationVerifier";

    function test_gas_registration() public {
        _attest();
        uint256 first = vm.snapshotGasLastCall(GROUP, "attest with its check, first, dense v4");
        (bool valid, IBindings.Binding memory b) = _market.computeRegistry.bindingOf(_bindingId);
        vm.assertTrue(valid);
        vm.assertEq(uint256(b.tier), uint256(IBindings.Tier.SIMULATED));
        vm.assertLe(first, 150_000);

        vm.roll(block.number + 1);
        vm.warp(genuine.time + 12 hours);
        _cacheAttestationKey();
        _renew();
        uint256 renewal = vm.snapshotGasLastCall(GROUP, "renew with its check, dense v4");
        vm.assertLe(renewal, 90_000);
    }

    /// The judge's part of it, as a transaction of its own.
    function test_gas_appraise() public {
        (uint64 number, bytes32 blockHash, bytes memory evidence) = _evidence();
        address judge = address(_tdx.attestationVerifier);
        (bool ok,) = judge.call(
            abi.encodeCall(
                _tdx.attestationVerifier.appraise, (_bindingId, number, blockHash, false, evidence)
            )
        );
        vm.assertTrue(ok);
        vm.assertLe(vm.snapshotGasLastCall(GROUP, "appraise, dense v4"), 100_000);
    }
}
