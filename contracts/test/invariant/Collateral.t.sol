// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IIntelPki} from "../../src/tdx/interfaces/IIntelPki.sol";
import {ITdxCollateral} from "../../src/tdx/interfaces/ITdxCollateral.sol";
import {Case} from "../tdx/CaseFile.sol";
import {TdxFixture} from "../tdx/TdxFixture.sol";
import {CollateralHandler} from "./CollateralHandler.sol";

/// What Intel signed on several days, brought by anybody in any order. Every call verifies a signature or two: fewer runs.
/// forge-config: default.invariant.runs = 8
/// forge-config: default.invariant.depth = 60
contract CollateralInvariants is TdxFixture {
    string[9] private CASES = [
        "genuine-v4",
        "pck-revoked",
        "pck-crl-later",
        "root-crl-later",
        "ca-revoked",
        "signer-revoked",
        "renewed-a-day-later",
        "other-keys-a-day-later",
        "processor-ca"
    ];

    CollateralHandler private handler;
    bytes[] private calls;
    bytes32[] private keyHashes;
    uint256[] private serials;

    function setUp() public override {
        super.setUp();
        for (uint256 i = 0; i < CASES.length; ++i) {
            _addCase(_stored(CASES[i]));
        }
        for (uint256 day = 10; day < 16; ++day) {
            _addDocuments(vm.toString(day));
        }
        (, bytes6 fmspc,,,,) = verifier.pckOf(keccak256(abi.encode(genuine.x, genuine.y)));
        handler = new CollateralHandler(verifier, fmspc, EVALUATION_NUMBER, calls, keyHashes, serials);
        _addTarget(address(handler));
    }

    /// I14; the handler fails the run at the call that breaks it.
    function invariant_nothing_goes_back() public {
        vm.assertTrue(verifier.rootCertificateHash() == genuine.rootHash);
        handler.bring(handler.brought());
    }

    /// The handler does reach what it is about.
    function test_handler_reaches_revocations() public {
        vm.warp(genuine.time + 2 days);
        for (uint256 i = 0; i < calls.length; ++i) {
            handler.bring(i);
        }
        for (uint256 i = calls.length; i > 0; --i) {
            handler.bring(i - 1);
        }
        vm.assertTrue(verifier.isPckRevoked(IIntelPki.Authority.PLATFORM_CA, serials[serials.length - 1]));
        vm.assertLt(4, handler.brought());
    }

    function _addCase(Case memory c) private {
        for (uint256 i = 0; i < c.authorities.length; ++i) {
            calls.push(abi.encodeCall(IIntelPki.upsertAuthority, (c.authorities[i])));
            serials.push(_serialOf(c.authorities[i]));
        }
        calls.push(abi.encodeCall(IIntelPki.upsertRevocationList, (c.rootCrl)));
        calls.push(abi.encodeCall(IIntelPki.upsertRevocationList, (c.pckCrl)));
        calls.push(abi.encodeCall(IIntelPki.cachePck, (c.pck)));
        keyHashes.push(keccak256(abi.encode(c.x, c.y)));
        serials.push(_serialOf(c.pck));
    }

    /// As of that day of the month in which the vectors were made.
    function _addDocuments(string memory day) private {
        string memory from = '"issueDate":"2026-06-14T';
        string memory to = string.concat('"issueDate":"2026-06-', day, "T");
        bytes memory document = _replace(genuine.tcbInfo, from, to);
        calls.push(abi.encodeCall(ITdxCollateral.upsertTcbInfo, (document, _signDocument(document))));
        document = _replace(genuine.qeIdentity, from, to);
        calls.push(abi.encodeCall(ITdxCollateral.upsertQeIdentity, (document, _signDocument(document))));
        document = _replace(genuine.numbers, from, to);
        calls.push(
            abi.encodeCall(ITdxCollateral.upsertEvaluationNumbers, (document, _signDocument(document)))
        );
    }

    /// 20 bytes behind version and its own head.
    function _serialOf(bytes memory certificate) private pure returns (uint256) {
        return uint256(_word(certificate, 15)) >> 96;
    }
}
