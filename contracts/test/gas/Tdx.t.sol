// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {TdxVerifier} from "../../src/tdx/TdxVerifier.sol";
import {ITdxVerifier} from "../../src/tdx/interfaces/ITdxVerifier.sol";
import {Case, CaseFile} from "../tdx/CaseFile.sol";

/// @title What checks and upserts cost, as whole transactions
/// @notice Snapshots: of the simulated vectors kept here, or, where
/// `TDX_GAS_CASES` names their file, of recorded ones.
contract TdxGasTest is CaseFile {
    bool private _recorded;
    TdxVerifier private _verifier;

    function setUp() public {
        _recorded = bytes(vm.envOr("TDX_GAS_CASES", string(""))).length != 0;
    }

    /// The named quote of version 4: 1,252 bytes, most of them zero.
    function test_gas_version_4() public {
        Case memory c = _recorded ? _named("v4-outofdate-2025-06") : _named("genuine-v4");
        vm.assertLe(_first(c), 75_000);
        (uint256 cached, uint256 caching) = _cached(c, " v4");
        vm.assertLe(cached, 58_000);
        vm.assertLe(caching, 100_000);
    }

    /// A dense quote of version 5 with a report of TDX 1.5.
    function test_gas_version_5() public {
        Case memory c = _recorded ? _named("v5-uptodate-2025-06") : _named("genuine-v5");
        _bring(c);
        uint256 check = _measure(abi.encodeCall(ITdxVerifier.verify, (c.quote, c.x, c.y)), "check v5 dense");
        vm.assertLe(check, 90_000);
        (uint256 cached,) = _cached(c, " v5 dense");
        vm.assertLe(cached, 62_000);
    }

    /// An attestation key once, then reports of it: what a renewal costs.
    function _cached(Case memory c, string memory which) private returns (uint256 check, uint256 caching) {
        bytes memory call = abi.encodeCall(ITdxVerifier.cacheAttestationKey, (c.quote, c.x, c.y));
        caching = _measure(call, string.concat("attestation key", which));
        bytes memory report = _reportOf(c.quote);
        call = abi.encodeCall(ITdxVerifier.verifyWithCachedKey, (report, keccak256(abi.encode(c.x, c.y))));
        check = _measure(call, string.concat("check with attestation key cached,", which));
    }

    function _first(Case memory c) private returns (uint256 check) {
        vm.warp(c.time);
        _verifier = new TdxVerifier(c.rootHash, true);
        _measure(abi.encodeCall(_verifier.setRoot, (c.roots[0])), "root certificate");
        for (uint256 i = 0; i < c.authorities.length; ++i) {
            _measure(
                abi.encodeCall(_verifier.upsertAuthority, (c.authorities[i])), "CA or signing certificate"
            );
        }
        _measure(abi.encodeCall(_verifier.upsertRevocationList, (c.rootCrl)), "root CRL");
        _measure(abi.encodeCall(_verifier.upsertRevocationList, (c.pckCrl)), "PCK CRL");
        _measure(abi.encodeCall(_verifier.upsertRevocationList, (c.pckCrl)), "PCK CRL, nothing new");
        bytes memory call = abi.encodeCall(_verifier.upsertEvaluationNumbers, (c.numbers, c.numbersSignature));
        _measure(call, "evaluation numbers");
        call = abi.encodeCall(_verifier.upsertQeIdentity, (c.qeIdentity, c.qeIdentitySignature));
        _measure(call, "QE identity");
        call = abi.encodeCall(_verifier.upsertTcbInfo, (c.tcbInfo, c.tcbInfoSignature));
        uint256 tcbInfo = _measure(call, "TCB info");
        vm.assertLe(tcbInfo, 450_000);
        uint256 pck = _measure(abi.encodeCall(_verifier.cachePck, (c.pck)), "PCK certificate");
        check = _measure(abi.encodeCall(ITdxVerifier.verify, (c.quote, c.x, c.y)), "check v4");
        vm.assertLe(pck + check, 330_000);
        vm.snapshotValue(_group(), "first contact: PCK certificate, then check v4", pck + check);
    }

    function _bring(Case memory c) private {
        vm.warp(c.time);
        _verifier = new TdxVerifier(c.rootHash, true);
        _verifier.setRoot(c.roots[0]);
        for (uint256 i = 0; i < c.authorities.length; ++i) {
            _verifier.upsertAuthority(c.authorities[i]);
        }
        _verifier.upsertRevocationList(c.rootCrl);
        _verifier.upsertRevocationList(c.pckCrl);
        _verifier.upsertEvaluationNumbers(c.numbers, c.numbersSignature);
        _verifier.upsertQeIdentity(c.qeIdentity, c.qeIdentitySignature);
        _verifier.upsertTcbInfo(c.tcbInfo, c.tcbInfoSignature);
        _verifier.cachePck(c.pck);
    }

    /// By a plain call, because a view would be called statically, which is no transaction.
    function _measure(bytes memory call, string memory name) private returns (uint256) {
        (bool ok,) = address(_verifier).call(call);
        vm.assertTrue(ok, name);
        return vm.snapshotGasLastCall(_group(), name);
    }

    function _group() private view returns (string memory) {
        return _recorded ? "TdxRecorded" : "TdxSimulated";
    }

    function _named(string memory id) private view returns (Case memory) {
        return _case(_recorded ? vm.envOr("TDX_GAS_CASES", STORED) : STORED, id);
    }
}
