// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {EvaluationNumbersReader} from "../../src/tdx/EvaluationNumbersReader.sol";
import {TdxVerifier} from "../../src/tdx/TdxVerifier.sol";
import {IIntelPki} from "../../src/tdx/interfaces/IIntelPki.sol";
import {ITdxCollateral} from "../../src/tdx/interfaces/ITdxCollateral.sol";
import {ITdxVerifier} from "../../src/tdx/interfaces/ITdxVerifier.sol";
import {Case} from "./CaseFile.sol";
import {CollateralFixture} from "./CollateralFixture.sol";

/// @title Signed documents as anyone brings them
contract TdxCollateralTest is CollateralFixture {
    /* WHO SIGNED, AND WHEN */

    function test_signature_by_the_signing_key_only() public {
        bytes memory signature = genuine.tcbInfoSignature;
        signature[63] ^= 0x01;
        vm.expectRevert(IIntelPki.SignatureInvalid.selector);
        verifier.upsertTcbInfo(genuine.tcbInfo, signature);
        vm.expectRevert(IIntelPki.SignatureInvalid.selector);
        verifier.upsertTcbInfo(genuine.tcbInfo, genuine.qeIdentitySignature);
        vm.expectRevert(abi.encodeWithSelector(ITdxCollateral.SignatureLength.selector, 64, 65));
        verifier.upsertQeIdentity(genuine.qeIdentity, bytes.concat(genuine.qeIdentitySignature, hex"00"));
        vm.expectRevert(abi.encodeWithSelector(ITdxCollateral.SignatureLength.selector, 64, 0));
        verifier.upsertEvaluationNumbers(genuine.numbers, "");
    }

    function test_both_forms_of_s() public {
        bytes memory document = _replace(genuine.tcbInfo, "2026-06-14T12:00:00Z", "2026-06-14T12:00:01Z");
        (bytes32 r, bytes32 s) = vm.signP256(signerKey, sha256(document));
        uint256 id = vm.snapshotState();
        verifier.upsertTcbInfo(document, abi.encodePacked(r, s));
        vm.revertToState(id);
        verifier.upsertTcbInfo(document, abi.encodePacked(r, bytes32(P256_ORDER - uint256(s))));
    }

    function test_document_dates_are_inclusive() public {
        (uint256 issued, uint256 until,) = verifier.tcbInfoOf(FMSPC, EVALUATION_NUMBER);
        uint256 id = vm.snapshotState();
        uint256[2] memory outside = [issued - 1, until + 1];
        for (uint256 i = 0; i < 2; ++i) {
            vm.warp(outside[i]);
            vm.expectPartialRevert(
                i == 0 ? ITdxCollateral.DocumentNotInForce.selector : IIntelPki.RootListExpired.selector
            );
            verifier.upsertQeIdentity(genuine.qeIdentity, genuine.qeIdentitySignature);
            vm.revertToState(id);
            id = vm.snapshotState();
        }
        vm.warp(issued);
        verifier.upsertQeIdentity(genuine.qeIdentity, genuine.qeIdentitySignature);
        // The lists end a second before the documents do.
        vm.warp(until - 1);
        verifier.upsertQeIdentity(genuine.qeIdentity, genuine.qeIdentitySignature);
    }

    function test_expired_document() public {
        bytes memory document = _replace(genuine.tcbInfo, "2026-07-14T12:00:00Z", "2026-06-15T11:59:59Z");
        bytes memory signature = _signDocument(document);
        vm.expectRevert(
            abi.encodeWithSelector(
                ITdxCollateral.DocumentNotInForce.selector,
                genuine.time - 1 days,
                genuine.time - 1,
                genuine.time
            )
        );
        verifier.upsertTcbInfo(document, signature);
        document = _replace(genuine.tcbInfo, "2026-07-14T12:00:00Z", "2026-06-15T12:00:00Z");
        vm.assertTrue(_accepted(document));
    }

    function test_signer_must_be_valid_and_root_list_fresh() public {
        Case memory c = _stored("ca-ends-early");
        TdxVerifier other = new TdxVerifier(c.rootHash, false);
        other.setRoot(c.roots[0]);
        _bringAuthorities(other, c);
        vm.expectRevert(abi.encodeWithSelector(IIntelPki.RootListExpired.selector, 0, c.time));
        other.upsertTcbInfo(c.tcbInfo, c.tcbInfoSignature);
        other.upsertRevocationList(c.rootCrl);
        other.upsertTcbInfo(c.tcbInfo, c.tcbInfoSignature);
        // What a certificate signed ends with it.
        (, uint256 until,) = other.tcbInfoOf(FMSPC, EVALUATION_NUMBER);
        vm.assertEq(until, c.time + 3 days);
        vm.warp(c.time + 3 days + 1);
        vm.expectPartialRevert(IIntelPki.CertificateNotValid.selector);
        other.upsertTcbInfo(c.tcbInfo, c.tcbInfoSignature);
    }

    function test_root_list_expired() public {
        (, uint256 until) = verifier.revocationListOf(IIntelPki.Authority.ROOT);
        vm.warp(until + 1);
        vm.expectRevert(abi.encodeWithSelector(IIntelPki.RootListExpired.selector, until, until + 1));
        verifier.upsertTcbInfo(genuine.tcbInfo, genuine.tcbInfoSignature);
    }

    function test_tcb_rollback() public {
        bytes memory later = _replace(genuine.tcbInfo, "2026-06-14T12:00:00Z", "2026-06-14T12:00:01Z");
        vm.expectEmit(address(verifier));
        emit ITdxCollateral.TcbInfoUpserted(
            FMSPC, EVALUATION_NUMBER, genuine.time - 1 days + 1, genuine.time + 29 days, sha256(later)
        );
        verifier.upsertTcbInfo(later, _signDocument(later));
        vm.expectRevert(
            abi.encodeWithSelector(
                ITdxCollateral.OlderDocument.selector, genuine.time - 1 days + 1, genuine.time - 1 days
            )
        );
        verifier.upsertTcbInfo(genuine.tcbInfo, genuine.tcbInfoSignature);
        (uint256 issued,,) = verifier.tcbInfoOf(FMSPC, EVALUATION_NUMBER);
        vm.assertEq(issued, genuine.time - 1 days + 1);
    }

    function test_qe_identity_and_numbers_rollback() public {
        bytes memory later = _replace(genuine.qeIdentity, "2026-06-14T12:00:00Z", "2026-06-14T12:00:01Z");
        vm.expectEmit(address(verifier));
        emit ITdxCollateral.QeIdentityUpserted(
            EVALUATION_NUMBER, genuine.time - 1 days + 1, genuine.time + 29 days, sha256(later)
        );
        verifier.upsertQeIdentity(later, _signDocument(later));
        vm.expectPartialRevert(ITdxCollateral.OlderDocument.selector);
        verifier.upsertQeIdentity(genuine.qeIdentity, genuine.qeIdentitySignature);

        later = _replace(genuine.numbers, "2026-06-14T12:00:00Z", "2026-06-14T12:00:01Z");
        later = _replace(later, "2026-07-14T12:00:00Z", "2026-07-14T12:00:01Z");
        verifier.upsertEvaluationNumbers(later, _signDocument(later));
        vm.expectPartialRevert(ITdxCollateral.OlderDocument.selector);
        verifier.upsertEvaluationNumbers(genuine.numbers, genuine.numbersSignature);
    }

    /// A later list that says nothing new is remembered all the same.
    function test_numbers_that_say_the_same_are_remembered() public {
        bytes memory later = _replace(genuine.numbers, "2026-06-14T12:00:00Z", "2026-06-14T12:00:01Z");
        verifier.upsertEvaluationNumbers(later, _signDocument(later));
        vm.expectPartialRevert(ITdxCollateral.OlderDocument.selector);
        verifier.upsertEvaluationNumbers(genuine.numbers, genuine.numbersSignature);
        verifier.upsertEvaluationNumbers(later, _signDocument(later));
    }

    /* EVALUATION NUMBERS */

    function test_early_does_not_displace_standard() public {
        Case memory early = _stored("early");
        verifier.upsertTcbInfo(early.tcbInfo, early.tcbInfoSignature);
        verifier.upsertQeIdentity(early.qeIdentity, early.qeIdentitySignature);
        vm.assertEq(_verify(genuine.quote).tcbStatus, 0);
        // Who asks for the early number gets it.
        vm.assertEq(verifier.verifyAt(genuine.quote, genuine.x, genuine.y, 20, 20).tcbStatus, 4);
    }

    function test_standard_moves_by_itself() public {
        (uint256 number, uint256 until) = verifier.standardEvaluationNumber();
        vm.assertEq(number, 19);
        vm.assertEq(until, genuine.time + 29 days);
        // Twelve months after its recovery event, 2026-06-25T00:00:00Z, the next number is standard.
        uint256 moves = 1_782_345_600;
        vm.warp(moves - 1);
        (number,) = verifier.standardEvaluationNumber();
        vm.assertEq(number, 19);
        vm.warp(moves);
        (number,) = verifier.standardEvaluationNumber();
        vm.assertEq(number, 20);
        vm.expectPartialRevert(ITdxVerifier.QeIdentityExpired.selector);
        _verify(genuine.quote);
        // The same list again: what follows the number that is standard now.
        vm.expectEmit(address(verifier));
        emit ITdxCollateral.EvaluationNumbersUpserted(
            20, 0, 0, genuine.time - 1 days, genuine.time + 29 days, sha256(genuine.numbers)
        );
        verifier.upsertEvaluationNumbers(genuine.numbers, genuine.numbersSignature);
        Case memory early = _stored("early");
        verifier.upsertTcbInfo(early.tcbInfo, early.tcbInfoSignature);
        verifier.upsertQeIdentity(early.qeIdentity, early.qeIdentitySignature);
        vm.assertEq(_verify(genuine.quote).tcbStatus, 4);
    }

    function test_numbers_without_a_standard_one() public {
        bytes memory list = _replace(genuine.numbers, "2025-05-13", "2025-09-13");
        list = _replace(list, "2024-11-12", "2025-09-12");
        vm.expectRevert(EvaluationNumbersReader.NoStandardNumber.selector);
        _reader.evaluationNumbers(list, genuine.time);
        (, uint256 standard, uint256 next, uint256 from) =
            _reader.evaluationNumbers(_replace(genuine.numbers, "2025-06-25", "2024-02-29"), genuine.time);
        vm.assertEq(standard, 20);
        vm.assertEq(next + from, 0);
    }
}
