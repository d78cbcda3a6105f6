// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {TcbMatch} from "../../src/tdx/TcbMatch.sol";
import {TcbStatus} from "../../src/tdx/TcbStatus.sol";
import {TdxVerifier} from "../../src/tdx/TdxVerifier.sol";
import {IIntelPki} from "../../src/tdx/interfaces/IIntelPki.sol";
import {ITdxVerifier} from "../../src/tdx/interfaces/ITdxVerifier.sol";
import {TdxFixture} from "./TdxFixture.sol";

/// @title What Intel's documents say of a quote's module, quoting enclave and platform, and until when
contract TdxLevelsTest is TdxFixture {
    /* MODULE AND QUOTING ENCLAVE */

    /// All 48 bytes of MRSIGNERSEAM, and the attributes of the module.
    function test_mr_signer_seam_whole() public {
        for (uint256 i = 0; i < 56; ++i) {
            bytes memory quote = _resign(_with(genuine.quote, BODY + 64 + i, 1));
            vm.expectRevert(TcbMatch.ModuleMismatch.selector);
            _verify(quote);
        }
    }

    function test_module_by_version() public {
        bytes memory quote = _resign(_with(genuine.quote, BODY + 1, 2));
        vm.expectRevert(abi.encodeWithSelector(TcbMatch.ModuleUnknown.selector, 2));
        _verify(quote);
        quote = _resign(_with(genuine.quote, BODY, 2));
        vm.expectRevert(abi.encodeWithSelector(TcbMatch.ModuleTcbNotSupported.selector, 2));
        _verify(quote);
        // An old level of the module makes the whole old.
        vm.assertEq(_verify(_resign(_with(genuine.quote, BODY, 3))).tcbStatus, TcbStatus.OUT_OF_DATE);
        // With a module of its own, components 0 and 1 are not compared: a lower ISVSVN than the level's is fine there.
        vm.assertEq(
            _verify(_resign(_put(genuine.quote, BODY, _svns(genuine.quote, 0x030303)))).tcbStatus,
            TcbStatus.UP_TO_DATE
        );
    }

    function test_tdx_components_from_index_2() public {
        bytes memory quote = _resign(_with(genuine.quote, BODY + 2, 2));
        vm.assertEq(_verify(quote).tcbStatus, TcbStatus.OUT_OF_DATE);
        quote = _resign(_with(genuine.quote, BODY + 2, 1));
        vm.expectRevert(TcbMatch.TcbNotSupported.selector);
        _verify(quote);
        // The scheme of TDX 1.0 compares all of them.
        vm.assertEq(
            _verify(_resign(_put(genuine.quote, BODY, _svns(genuine.quote, 0x050003)))).tcbStatus,
            TcbStatus.OUT_OF_DATE
        );
        quote = _resign(_put(genuine.quote, BODY, _svns(genuine.quote, 0x020002)));
        vm.expectRevert(TcbMatch.TcbNotSupported.selector);
        _verify(quote);
    }

    function test_quoting_enclave_is_the_described_one() public {
        uint256[4] memory places = [QE_REPORT + 16, QE_REPORT + 48, QE_REPORT + 128, QE_REPORT + 256];
        for (uint256 i = 0; i < places.length; ++i) {
            uint8 value = uint8(genuine.quote[places[i]]) ^ 0x21;
            bytes memory quote = _resignReport(_with(genuine.quote, places[i], value));
            vm.expectPartialRevert(ITdxVerifier.QeIdentityMismatch.selector);
            _verify(quote);
        }
        // Bit 2 of the attributes is outside the mask.
        vm.assertEq(_verify(_resignReport(_with(genuine.quote, QE_REPORT + 48, 0x15))).tcbStatus, 0);
        bytes memory old = _resignReport(_with(genuine.quote, QE_REPORT + 258, 1));
        vm.expectRevert(abi.encodeWithSelector(ITdxVerifier.QeTcbNotSupported.selector, 1));
        _verify(old);
    }

    /// Every status of the platform with a quoting enclave that is new, and with one that is old.
    function test_convergence() public {
        string[6] memory names = [
            "UpToDate",
            "SWHardeningNeeded",
            "ConfigurationAndSWHardeningNeeded",
            "ConfigurationNeeded",
            "OutOfDate",
            "OutOfDateConfigurationNeeded"
        ];
        uint8[6] memory old = [4, 4, 5, 5, 4, 5];
        bytes memory oldQe = _stored("qe-out-of-date").quote;
        uint256 id = vm.snapshotState();
        for (uint8 status = 0; status < 6; ++status) {
            _platformStatus(names[status]);
            vm.assertEq(_verify(genuine.quote).tcbStatus, status);
            vm.assertEq(_verify(oldQe).tcbStatus, old[status]);
            vm.revertToState(id);
            id = vm.snapshotState();
        }
    }

    function test_revoked_anywhere() public {
        uint256 id = vm.snapshotState();
        _platformStatus("Revoked");
        _revoked();
        vm.revertToState(id);
        _bringTcbInfo(
            _replace(
                genuine.tcbInfo,
                '{"isvsvn":5},"tcbDate":"2025-05-14T00:00:00Z","tcbStatus":"UpToDate"',
                '{"isvsvn":5},"tcbDate":"2025-05-14T00:00:00Z","tcbStatus":"Revoked"'
            )
        );
        _revoked();
        vm.revertToState(id);
        bytes memory identity = _replace(genuine.qeIdentity, '"UpToDate"', '"Revoked"');
        identity = _replace(identity, "2026-06-14T12:00:00Z", "2026-06-14T12:00:01Z");
        verifier.upsertQeIdentity(identity, _signDocument(identity));
        _revoked();
    }

    /// Launched under an old module that is new by now.
    function test_relaunch_advised() public {
        bytes memory quote = _stored("genuine-v5").quote;
        bytes memory old = _resign(_with(quote, 54, 3), 702);
        vm.assertEq(_verify(old).tcbStatus, TcbStatus.TD_RELAUNCH_ADVISED);
        // Old then and now.
        vm.assertEq(_verify(_resign(_with(old, 54 + 584, 3), 702)).tcbStatus, TcbStatus.OUT_OF_DATE);
        // New at launch: what runs now does not make it worse.
        vm.assertEq(_verify(_resign(_with(quote, 54 + 584, 3), 702)).tcbStatus, TcbStatus.UP_TO_DATE);
        // What runs now matches no level.
        bytes memory none = _resign(_with(quote, 54 + 584, 2), 702);
        vm.expectRevert(abi.encodeWithSelector(TcbMatch.ModuleTcbNotSupported.selector, 2));
        _verify(none);
        _platformStatus("ConfigurationNeeded");
        vm.assertEq(_verify(old).tcbStatus, TcbStatus.TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED);
    }

    /* TIME */

    function test_unknown_key() public {
        bytes memory quote = genuine.quote;
        TdxVerifier other = new TdxVerifier(genuine.rootHash, false);
        _bringPki(other, genuine);
        other.upsertEvaluationNumbers(genuine.numbers, genuine.numbersSignature);
        vm.expectRevert(
            abi.encodeWithSelector(
                ITdxVerifier.PckUnknown.selector, keccak256(abi.encode(genuine.x, genuine.y))
            )
        );
        other.verify(quote, genuine.x, genuine.y);
        other.cachePck(genuine.pck);
        vm.expectPartialRevert(ITdxVerifier.QeIdentityExpired.selector);
        other.verify(quote, genuine.x, genuine.y);
        other.upsertQeIdentity(genuine.qeIdentity, genuine.qeIdentitySignature);
        vm.expectPartialRevert(ITdxVerifier.TcbInfoExpired.selector);
        other.verify(quote, genuine.x, genuine.y);
        other.upsertTcbInfo(genuine.tcbInfo, genuine.tcbInfoSignature);
        vm.assertEq(other.verify(quote, genuine.x, genuine.y).tcbStatus, 0);
    }

    /// Stale is no fault: whoever refreshes mends it.
    function test_stale_then_refresh() public {
        uint256 until = _nineteen(genuine.quote).validUntil;
        vm.warp(until);
        vm.assertEq(_nineteen(genuine.quote).tcbStatus, 0);
        vm.warp(until + 1);
        vm.expectPartialRevert(IIntelPki.RootListExpired.selector);
        verifier.upsertTcbInfo(genuine.tcbInfo, genuine.tcbInfoSignature);
        vm.expectRevert(
            abi.encodeWithSelector(
                ITdxVerifier.RevocationListExpired.selector, IIntelPki.Authority.ROOT, until, until + 1
            )
        );
        _nineteen(genuine.quote);
        _fault(genuine.quote, ITdxVerifier.Fault.NONE);
        verifier.upsertRevocationList(_stored("root-crl-later").rootCrl);
        vm.expectRevert(
            abi.encodeWithSelector(
                ITdxVerifier.RevocationListExpired.selector, IIntelPki.Authority.PLATFORM_CA, until, until + 1
            )
        );
        _nineteen(genuine.quote);
        verifier.upsertRevocationList(_stored("pck-crl-later").pckCrl);
        vm.assertEq(_nineteen(genuine.quote).tcbStatus, 0);
    }

    /// New collateral changes the answer about an old quote, and a stale list ends it until it is refreshed.
    function test_reevaluate() public {
        ITdxVerifier.Verdict memory v = _verify(genuine.quote);
        (uint8 status, uint40 until) = verifier.reevaluate(v.pckNumber, v.teeTcbSvn, v.qeIsvSvn);
        vm.assertEq(status, v.tcbStatus);
        vm.assertEq(until, v.validUntil);
        _platformStatus("OutOfDate");
        (status,) = verifier.reevaluate(v.pckNumber, v.teeTcbSvn, v.qeIsvSvn);
        vm.assertEq(status, TcbStatus.OUT_OF_DATE);
        vm.expectPartialRevert(ITdxVerifier.PckUnknown.selector);
        verifier.reevaluate(2, v.teeTcbSvn, v.qeIsvSvn);
        vm.expectPartialRevert(ITdxVerifier.PckUnknown.selector);
        verifier.reevaluate(0, v.teeTcbSvn, v.qeIsvSvn);
        verifier.upsertRevocationList(_stored("pck-revoked").pckCrl);
        vm.expectPartialRevert(ITdxVerifier.PckKeyRevoked.selector);
        verifier.reevaluate(v.pckNumber, v.teeTcbSvn, v.qeIsvSvn);
    }

    /// The list of numbers moves on after ten days.
    function _nineteen(bytes memory quote) private view returns (ITdxVerifier.Verdict memory) {
        return verifier.verifyAt(quote, genuine.x, genuine.y, EVALUATION_NUMBER, EVALUATION_NUMBER);
    }

    function _revoked() private {
        vm.expectRevert(TcbMatch.TcbRevoked.selector);
        _verify(genuine.quote);
    }

    /// The first level of the platform has another status from now on.
    function _platformStatus(string memory status) private {
        _bringTcbInfo(
            _replace(
                genuine.tcbInfo,
                '{"svn":0}]},"tcbDate":"2025-05-14T00:00:00Z","tcbStatus":"UpToDate"',
                string.concat('{"svn":0}]},"tcbDate":"2025-05-14T00:00:00Z","tcbStatus":"', status, '"')
            )
        );
    }

    function _bringTcbInfo(bytes memory document) private {
        document = _replace(document, "2026-06-14T12:00:00Z", "2026-06-14T12:00:01Z");
        verifier.upsertTcbInfo(document, _signDocument(document));
    }

    /// The first word of a body with other first three SVNs.
    function _svns(bytes memory quote, uint256 first) private pure returns (bytes32) {
        return bytes32(first << 232 | uint256(_word(quote, BODY)) << 24 >> 24);
    }
}
