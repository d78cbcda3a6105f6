// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {TdxVerifier} from "../../src/tdx/TdxVerifier.sol";
import {JsonCursor} from "../../src/tdx/JsonCursor.sol";
import {IIntelPki} from "../../src/tdx/interfaces/IIntelPki.sol";
import {ITdxCollateral} from "../../src/tdx/interfaces/ITdxCollateral.sol";
import {ITdxVerifier} from "../../src/tdx/interfaces/ITdxVerifier.sol";
import {Case, CaseFile, CaseRow, REFUSED} from "./CaseFile.sol";

/// @title The contract's verdict and that of the SDK's verifier, case by case
/// @notice `TDX_CASES` names another file of cases than the one kept here.
contract DifferentialTest is CaseFile {
    error Played(uint256 status);

    function test_same_verdict_as_the_verifier() public {
        (bytes[] memory parts, CaseRow[] memory rows) = _load(vm.envOr("TDX_CASES", STORED));
        string memory differences = "";
        for (uint256 i = 0; i < rows.length; ++i) {
            (uint256 actual, bytes memory reason) = _verdict(_whole(parts, rows[i]));
            if (actual == rows[i].expected) continue;
            differences = string.concat(differences, "\n", _difference(rows[i], actual, reason));
        }
        vm.assertEq(differences, "");
        vm.assertTrue(rows.length > 0);
    }

    /// @notice Always reverts, so that no case leaves anything to the next.
    function play(Case calldata c) external {
        TdxVerifier verifier = new TdxVerifier(c.rootHash, true);
        for (uint256 i = 0; i < c.roots.length; ++i) {
            verifier.setRoot(c.roots[i]);
        }
        for (uint256 i = 0; i < c.authorities.length; ++i) {
            verifier.upsertAuthority(c.authorities[i]);
        }
        verifier.upsertRevocationList(c.rootCrl);
        verifier.upsertRevocationList(c.pckCrl);
        verifier.cachePck(c.pck);
        verifier.upsertTcbInfo(c.tcbInfo, c.tcbInfoSignature);
        verifier.upsertQeIdentity(c.qeIdentity, c.qeIdentitySignature);
        ITdxVerifier.Verdict memory v =
            verifier.verifyAt(c.quote, c.x, c.y, c.tcbInfoNumber, c.qeIdentityNumber);
        if (c.numbers.length != 0) {
            verifier.upsertEvaluationNumbers(c.numbers, c.numbersSignature);
            ITdxVerifier.Verdict memory standard = verifier.verify(c.quote, c.x, c.y);
            vm.assertEq(standard.tcbStatus, v.tcbStatus);
            // A report of the key that this quote shows says nothing else.
            verifier.cacheAttestationKey(c.quote, c.x, c.y);
            ITdxVerifier.Verdict memory cached =
                verifier.verifyWithCachedKey(_reportOf(c.quote), keccak256(abi.encode(c.x, c.y)));
            vm.assertEq(abi.encode(cached), abi.encode(standard));
        }
        _requireRefused(verifier, c);
        revert Played(v.tcbStatus);
    }

    /// For what they are, not for their signatures, which are good.
    function _requireRefused(TdxVerifier verifier, Case calldata c) private {
        for (uint256 i = 0; i < c.refusedDocuments.length; ++i) {
            bytes memory arguments = abi.encode(c.refusedDocuments[i], c.refusedSignatures[i]);
            bytes4[3] memory upserts = [
                verifier.upsertTcbInfo.selector,
                verifier.upsertQeIdentity.selector,
                verifier.upsertEvaluationNumbers.selector
            ];
            for (uint256 j = 0; j < 3; ++j) {
                (bool ok, bytes memory reason) = address(verifier).call(bytes.concat(upserts[j], arguments));
                vm.assertFalse(ok);
                bool expected = bytes4(reason) == JsonCursor.UnexpectedText.selector
                    || bytes4(reason) == ITdxCollateral.OlderDocument.selector;
                vm.assertTrue(expected, vm.toString(reason));
            }
        }
        for (uint256 i = 0; i < c.refusedLists.length; ++i) {
            (bool ok, bytes memory reason) =
                address(verifier).call(abi.encodeCall(verifier.upsertRevocationList, (c.refusedLists[i])));
            vm.assertFalse(ok);
            vm.assertTrue(bytes4(reason) == IIntelPki.ListNotInForce.selector, vm.toString(reason));
        }
    }

    function _verdict(Case memory c) private returns (uint256 status, bytes memory reason) {
        vm.warp(c.time);
        try this.play(c) {
            revert("a case ends in a revert");
        } catch (bytes memory data) {
            if (bytes4(data) != Played.selector) return (REFUSED, data);
            assembly ("memory-safe") {
                status := mload(add(data, 0x24))
            }
        }
    }

    function _difference(CaseRow memory row, uint256 actual, bytes memory reason)
        private
        pure
        returns (string memory)
    {
        string memory verdicts =
            string.concat(" expected ", vm.toString(row.expected), ", actual ", vm.toString(actual));
        return string.concat(row.id, verdicts, " ", vm.toString(reason));
    }
}
