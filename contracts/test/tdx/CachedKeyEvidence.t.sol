// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {TdxAttestationVerifier} from "../../src/TdxAttestationVerifier.sol";
import {IAttestationVerifier} from "../../src/interfaces/IAttestationVerifier.sol";
import {IBindings} from "../../src/interfaces/registry/IBindings.sol";
import {ITdxVerifier} from "../../src/tdx/interfaces/ITdxVerifier.sol";
import {RegistrationFixture} from "./RegistrationFixture.sol";

/// @title Evidence that rests on an attestation key which TdxVerifier knows
contract CachedKeyEvidenceTest is RegistrationFixture {
    uint256 private constant REPORT = 66;

    /// Whatever the form, the verdict is the same.
    function test_shows_what_the_whole_quote_shows() public {
        _cacheAttestationKey();
        (uint64 number, bytes32 blockHash, bytes memory evidence) = _evidence();
        IAttestationVerifier.Appraisal memory whole = _appraise(number, blockHash, evidence);
        IAttestationVerifier.Appraisal memory short = _appraise(number, blockHash, _shortened(evidence));
        vm.assertEq(keccak256(abi.encode(short)), keccak256(abi.encode(whole)));
    }

    function test_renewal_of_a_registration() public {
        _attest();
        vm.roll(block.number + 1);
        vm.warp(genuine.time + 12 hours);
        _cacheAttestationKey();
        _renew();
        (bool valid, IBindings.Binding memory b) = _market.computeRegistry.bindingOf(_bindingId);
        vm.assertTrue(valid);
        vm.assertEq(b.validFrom, genuine.time);
        vm.assertEq(b.validUntil, block.timestamp + 24 hours);
        vm.assertEq(b.blockNumber, block.number - 1);
    }

    function test_key_that_nobody_brought() public {
        (uint64 number, bytes32 blockHash, bytes memory evidence) = _evidence();
        vm.expectPartialRevert(ITdxVerifier.AttestationKeyUnknown.selector);
        _appraise(number, blockHash, _shortened(evidence));
    }

    /// Of another platform, of another block, or with one bit more or less.
    function test_fuzz_mutated_evidence_rejected(uint256 index, uint8 mask) public {
        _cacheAttestationKey();
        (uint64 number, bytes32 blockHash, bytes memory evidence) = _evidence();
        bytes memory short = _shortened(evidence);
        index = _bound(index, 0, short.length - 1);
        // The length field before the signature is signed by nobody and means nothing.
        if (index >= REPORT + 632 && index < REPORT + 636) index = REPORT;
        short[index] ^= bytes1(uint8(_bound(mask, 1, 255)));
        vm.expectRevert();
        _appraise(number, blockHash, short);
    }

    function test_lengths() public {
        _cacheAttestationKey();
        (uint64 number, bytes32 blockHash, bytes memory evidence) = _evidence();
        vm.expectRevert();
        _appraise(number, blockHash, bytes.concat(_shortened(evidence), hex"00"));
        vm.expectRevert(abi.encodeWithSelector(TdxAttestationVerifier.EvidenceTooShort.selector, 98, 97));
        _appraise(number, blockHash, _slice(_shortened(evidence), 0, 97));
        vm.expectRevert();
        _appraise(number, blockHash, _slice(_shortened(evidence), 0, 98));
    }

    /// E2: a report that is no registration of this binding was never good, whoever renewed on it; a good one is not refuted,
    /// known or unknown key.
    function test_refutes() public {
        (uint64 number, bytes32 blockHash, bytes memory evidence) = _evidence();
        bytes memory short = _shortened(evidence);
        vm.assertFalse(_refutes(number, blockHash, short));
        vm.assertTrue(_refutes(number + 1, blockHash, short));
        vm.assertTrue(_refutes(number, blockHash, _with(short, REPORT + BODY, 9)));
        bytes memory debug = _resign(_with(_slice(evidence, 98, evidence.length - 98), BODY + 120, 1));
        vm.assertTrue(_refutes(number, blockHash, _shortened(bytes.concat(_slice(evidence, 0, 98), debug))));
        // What is of another kind is not judged.
        vm.assertFalse(_refutes(number, blockHash, bytes.concat(short, hex"00")));
        vm.assertFalse(_refutes(number, blockHash, _with(short, 0, 3)));
        vm.assertFalse(_refutes(number, blockHash, _with(short, REPORT, 3)));
    }

    /// However little gas a caller leaves, good evidence is not refuted.
    function testFuzz_no_gas_is_no_fault(uint256 gasLeft) public view {
        (uint64 number, bytes32 blockHash, bytes memory evidence) = _evidence();
        gasLeft = _bound(gasLeft, 1000, 200_000);
        bytes memory payload = abi.encodeCall(
            _tdx.attestationVerifier.refutes,
            (_bindingId, _statement, number, blockHash, _shortened(evidence))
        );
        (bool ok, bytes memory said) = address(_tdx.attestationVerifier).staticcall{gas: gasLeft}(payload);
        if (ok) vm.assertFalse(abi.decode(said, (bool)));
    }

    function _appraise(uint64 number, bytes32 blockHash, bytes memory evidence)
        private
        view
        returns (IAttestationVerifier.Appraisal memory)
    {
        return _tdx.attestationVerifier.appraise(_bindingId, number, blockHash, false, evidence);
    }

    function _refutes(uint64 number, bytes32 blockHash, bytes memory evidence) private view returns (bool) {
        return _tdx.attestationVerifier.refutes(_bindingId, _statement, number, blockHash, evidence);
    }
}
