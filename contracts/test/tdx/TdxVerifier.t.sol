// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {TcbMatch} from "../../src/tdx/TcbMatch.sol";
import {TcbStatus} from "../../src/tdx/TcbStatus.sol";
import {TdxQuote} from "../../src/tdx/TdxQuote.sol";
import {TdxVerifier} from "../../src/tdx/TdxVerifier.sol";
import {IIntelPki} from "../../src/tdx/interfaces/IIntelPki.sol";
import {ITdxVerifier} from "../../src/tdx/interfaces/ITdxVerifier.sol";
import {Case} from "./CaseFile.sol";
import {TdxFixture} from "./TdxFixture.sol";

/// @title Quotes
contract TdxVerifierTest is TdxFixture {
    /// Places in a trimmed quote of version 4.
    uint256 private constant BODY = 48;
    uint256 private constant SIGNATURE = 636;
    uint256 private constant QE_REPORT = SIGNATURE + 134;

    /* WHAT HOLDS */

    function test_layouts() public view {
        ITdxVerifier.Verdict memory v = _verify(genuine.quote);
        vm.assertEq(v.tcbStatus, TcbStatus.UP_TO_DATE);
        vm.assertEq(v.pckNumber, 1);
        vm.assertEq(v.qeIsvSvn, 4);
        vm.assertEq(bytes32(v.teeTcbSvn), bytes32(bytes3(0x050103)));
        // The lists end first.
        vm.assertEq(v.validUntil, genuine.time + 29 days - 1);
        vm.assertEq(_verify(_stored("genuine-v5").quote).tcbStatus, TcbStatus.UP_TO_DATE);
        vm.assertEq(_verify(_stored("genuine-v5-td10").quote).tcbStatus, TcbStatus.UP_TO_DATE);
        vm.assertEq(_verify(_stored("no-auth-data").quote).tcbStatus, TcbStatus.UP_TO_DATE);
        vm.assertEq(_verify(_stored("qe-out-of-date").quote).tcbStatus, TcbStatus.OUT_OF_DATE);
    }

    /// Signatures count in both forms; header and body are a quote's identity.
    function test_malleated_quote_same_identity() public view {
        bytes memory quote = genuine.quote;
        uint256[2] memory places = [SIGNATURE + 32, SIGNATURE + 518 + 32];
        for (uint256 i = 0; i < places.length; ++i) {
            bytes32 other = bytes32(P256_ORDER - uint256(_word(quote, places[i])));
            vm.assertEq(_verify(_put(quote, places[i], other)).tcbStatus, TcbStatus.UP_TO_DATE);
        }
        vm.assertEq(_verify(_stored("high-s").quote).tcbStatus, TcbStatus.UP_TO_DATE);
    }

    /// Every bit of each byte: nothing passes but the eight bytes of lengths that were cut away.
    function test_every_flip_of_the_quote_v4() public view {
        _flips(genuine.quote, 632, 766);
    }

    function test_every_flip_of_the_quote_v5() public view {
        _flips(_stored("genuine-v5").quote, 702, 836);
    }

    function testFuzz_noise_is_no_quote(bytes calldata noise) public view {
        (bool ok,) =
            address(verifier).staticcall(abi.encodeCall(ITdxVerifier.verify, (noise, genuine.x, genuine.y)));
        vm.assertFalse(ok);
    }

    function testFuzz_length_is_exact(uint256 length) public view {
        bytes memory whole = bytes.concat(genuine.quote, new bytes(64));
        length = _bound(length, 0, whole.length);
        (bool ok,) = address(verifier)
            .staticcall(abi.encodeCall(ITdxVerifier.verify, (_slice(whole, 0, length), genuine.x, genuine.y)));
        vm.assertEq(ok, length == genuine.quote.length);
    }

    /* STRUCTURE */

    function test_header() public {
        _refused(_with(genuine.quote, 0, 3), TdxQuote.QuoteUnsupported.selector);
        _refused(_with(genuine.quote, 0, 6), TdxQuote.QuoteUnsupported.selector);
        _refused(_with(genuine.quote, 2, 3), TdxQuote.QuoteUnsupported.selector);
        _refused(_with(genuine.quote, 4, 0), TdxQuote.QuoteUnsupported.selector);
        _refused(_with(genuine.quote, 12, 0), TdxQuote.QeVendorUnknown.selector);
        _refused(_with(genuine.quote, SIGNATURE + 128, 5), TdxQuote.CertificationUnsupported.selector);
        _refused(_with(genuine.quote, SIGNATURE + 583, 0xff), TdxQuote.AuthDataTooLong.selector);
        _refused(_with(genuine.quote, SIGNATURE + 582, 31), TdxQuote.QuoteLength.selector);
        _refused(_with(genuine.quote, SIGNATURE + 582, 33), TdxQuote.QuoteLength.selector);
        _refused("", TdxQuote.QuoteTooShort.selector);
    }

    function test_body_type_and_size() public {
        bytes memory quote = _stored("genuine-v5").quote;
        _refused(_with(quote, 48, 1), TdxQuote.BodyUnsupported.selector);
        _refused(_with(quote, 48, 2), TdxQuote.BodyUnsupported.selector);
        _refused(_with(quote, 50, 0x89), TdxQuote.BodyUnsupported.selector);
        _refused(_with(quote, 0, 4), TdxQuote.CertificationUnsupported.selector);
        quote = _slice(quote, 0, 1290);
        _refused(_slice(quote, 0, 1280), TdxQuote.QuoteTooShort.selector);
    }

    /* FAULTS */

    function test_faults() public view {
        bytes memory quote = genuine.quote;
        _fault(quote, ITdxVerifier.Fault.NONE);
        _fault(_with(quote, BODY, 9), ITdxVerifier.Fault.QUOTE_SIGNATURE);
        _fault(_put(quote, SIGNATURE, 0), ITdxVerifier.Fault.QUOTE_SIGNATURE);
        _fault(_put(quote, SIGNATURE + 32, 0), ITdxVerifier.Fault.QUOTE_SIGNATURE);
        _fault(_put(quote, SIGNATURE, bytes32(P256_ORDER)), ITdxVerifier.Fault.QUOTE_SIGNATURE);
        _fault(_put(quote, SIGNATURE + 32, bytes32(P256_ORDER)), ITdxVerifier.Fault.QUOTE_SIGNATURE);
        _fault(_with(quote, SIGNATURE + 584, 0xee), ITdxVerifier.Fault.QE_BINDING);
        // The tail of the QE's report data.
        _fault(_resignReport(_with(quote, QE_REPORT + 383, 1)), ITdxVerifier.Fault.QE_BINDING);
        _fault(_with(quote, QE_REPORT, 0xee), ITdxVerifier.Fault.QE_SIGNATURE);
        _fault(_resignReport(_with(quote, QE_REPORT + 48, 0x13)), ITdxVerifier.Fault.QE_DEBUG);
    }

    function test_attestation_key_must_be_named() public view {
        // Another key's signature, with that key beside it: the QE report still names the first.
        uint256 attacker = 7;
        (bytes32 r, bytes32 s) = vm.signP256(attacker, sha256(_slice(genuine.quote, 0, 632)));
        (uint256 x, uint256 y) = vm.publicKeyP256(attacker);
        bytes memory quote = _put(_put(genuine.quote, SIGNATURE, r), SIGNATURE + 32, s);
        quote = _put(_put(quote, SIGNATURE + 64, bytes32(x)), SIGNATURE + 96, bytes32(y));
        _fault(quote, ITdxVerifier.Fault.QE_BINDING);
    }

    function test_td_attributes() public view {
        for (uint256 bit = 0; bit < 64; ++bit) {
            uint256 place = BODY + 120 + bit / 8;
            uint8 value = uint8(genuine.quote[place]) | uint8(1 << (bit % 8));
            bytes memory quote = _resign(_with(genuine.quote, place, value));
            bool known = bit == 16 || (bit >= 27 && bit <= 31) || bit >= 62;
            ITdxVerifier.Fault fault = known
                ? ITdxVerifier.Fault.NONE
                : bit < 8 ? ITdxVerifier.Fault.TD_DEBUG : ITdxVerifier.Fault.TD_ATTRIBUTES;
            _fault(quote, fault);
        }
    }

    function test_xfam() public view {
        for (uint256 bit = 0; bit < 64; ++bit) {
            uint256 place = BODY + 128 + bit / 8;
            uint8 value = uint8(genuine.quote[place]) | uint8(1 << (bit % 8));
            bytes memory quote = _resign(_with(genuine.quote, place, value));
            bool known = (0x0006dbe7 >> bit) & 1 != 0;
            _fault(quote, known ? ITdxVerifier.Fault.NONE : ITdxVerifier.Fault.TD_XFAM);
        }
    }

    function test_quote_refused_names_the_fault() public {
        vm.expectRevert(
            abi.encodeWithSelector(ITdxVerifier.QuoteRefused.selector, ITdxVerifier.Fault.QUOTE_SIGNATURE)
        );
        _verify(_with(genuine.quote, BODY, 9));
    }

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

    function _refused(bytes memory quote, bytes4 reason) private {
        vm.expectPartialRevert(reason);
        _verify(quote);
    }

    function _fault(bytes memory quote, ITdxVerifier.Fault expected) private view {
        ITdxVerifier.Fault actual = verifier.faultOf(quote, genuine.x, genuine.y);
        vm.assertEq(uint256(actual), uint256(expected));
    }

    /// Two lengths of four bytes are covered by no signature.
    function _flips(bytes memory quote, uint256 firstLength, uint256 secondLength) private view {
        bytes memory call = abi.encodeCall(ITdxVerifier.verify, (quote, genuine.x, genuine.y));
        for (uint256 i = 0; i < quote.length; ++i) {
            bool unsigned = i >= firstLength && i < firstLength + 4;
            unsigned = unsigned || (i >= secondLength && i < secondLength + 4);
            for (uint256 bit = 0; bit < 8; ++bit) {
                call[132 + i] ^= bytes1(uint8(1 << bit));
                (bool ok,) = address(verifier).staticcall(call);
                vm.assertEq(ok, unsigned);
                call[132 + i] ^= bytes1(uint8(1 << bit));
            }
        }
    }
}
