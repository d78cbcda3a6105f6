// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {TdxVerifier} from "../../src/tdx/TdxVerifier.sol";
import {ITdxVerifier} from "../../src/tdx/interfaces/ITdxVerifier.sol";
import {Case} from "./CaseFile.sol";
import {TdxFixture} from "./TdxFixture.sol";

/// @title A verdict lasts no longer than the first thing it rests on
contract TdxVerifierEndsTest is TdxFixture {
    /// The list of evaluation numbers ends before certificates, lists and documents.
    function test_numbers_end_first() public {
        bytes memory list = _replace(genuine.numbers, "2026-07-14T12:00:00Z", "2026-06-16T12:00:00Z");
        list = _replace(list, "2026-06-14T12:00:00Z", "2026-06-14T12:00:01Z");
        verifier.upsertEvaluationNumbers(list, _signDocument(list));
        uint256 until = genuine.time + 1 days;
        vm.assertEq(_verify(genuine.quote).validUntil, until);
        // Who names the numbers does not rest on it.
        vm.assertEq(_nineteen().validUntil, genuine.time + 29 days - 1);
        vm.warp(until);
        _verify(genuine.quote);
        vm.warp(until + 1);
        vm.expectRevert(
            abi.encodeWithSelector(ITdxVerifier.EvaluationNumbersExpired.selector, until, until + 1)
        );
        _verify(genuine.quote);
    }

    /// The platform's certificate ends with that of its CA, while everything else goes on.
    function test_platform_ends_with_its_ca() public {
        Case memory c = _stored("ca-ends-early");
        TdxVerifier other = new TdxVerifier(c.rootHash, false);
        _bring(other, c);
        uint256 until = c.time + 2 days;
        vm.assertEq(other.verify(c.quote, c.x, c.y).validUntil, until);
        vm.warp(until);
        other.verify(c.quote, c.x, c.y);
        vm.warp(until + 1);
        vm.expectRevert(abi.encodeWithSelector(ITdxVerifier.PckExpired.selector, until, until + 1));
        other.verify(c.quote, c.x, c.y);
    }

    /// A new identity of the quoting enclave does not bring back what a revoked key said of the platform.
    function test_tcb_info_of_a_revoked_signer() public {
        verifier.upsertRevocationList(_stored("signer-revoked").rootCrl);
        Case memory other = _stored("other-keys-a-day-later");
        _bringAuthorities(verifier, other);
        verifier.upsertQeIdentity(other.qeIdentity, other.qeIdentitySignature);
        (,, bool revoked) = verifier.qeIdentityOf(EVALUATION_NUMBER);
        vm.assertFalse(revoked);
        vm.expectRevert(ITdxVerifier.CollateralSignerRevoked.selector);
        _nineteen();
        verifier.upsertTcbInfo(other.tcbInfo, other.tcbInfoSignature);
        vm.assertEq(_nineteen().tcbStatus, 0);
    }

    function _nineteen() private view returns (ITdxVerifier.Verdict memory) {
        return verifier.verifyAt(genuine.quote, genuine.x, genuine.y, EVALUATION_NUMBER, EVALUATION_NUMBER);
    }
}
