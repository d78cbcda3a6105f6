// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {TcbMatch} from "../../src/tdx/TcbMatch.sol";
import {TcbStatus} from "../../src/tdx/TcbStatus.sol";
import {TdxQuote} from "../../src/tdx/TdxQuote.sol";
import {IIntelPki} from "../../src/tdx/interfaces/IIntelPki.sol";
import {ITdxVerifier} from "../../src/tdx/interfaces/ITdxVerifier.sol";
import {AttestationKeyFixture} from "./AttestationKeyFixture.sol";

/// @title Attestation keys that were checked once, and reports of them
contract AttestationKeysTest is AttestationKeyFixture {
    /* WHAT IS KEPT */

    function test_key_is_kept_once() public {
        bytes32 hash = _attestationKeyHash();
        _isKept(0, false);
        vm.expectEmit(address(verifier));
        emit ITdxVerifier.AttestationKeyCached(hash, 1, 4);
        vm.assertTrue(_cache(genuine.quote));
        _isKept(4, true);
        vm.recordLogs();
        vm.assertFalse(_cache(genuine.quote));
        vm.assertEq(vm.getRecordedLogs().length, 0);
    }

    function test_same_verdict_for_every_layout() public {
        string[6] memory ids =
            ["genuine-v4", "genuine-v5", "genuine-v5-td10", "no-auth-data", "high-s", "renewed-a-day-later"];
        _cache(genuine.quote);
        for (uint256 i = 0; i < ids.length; ++i) {
            _requireSame(_stored(ids[i]).quote);
        }
    }

    /// An old module at launch, or an old platform, is judged as in a whole quote.
    function test_same_verdict_for_old_svns() public {
        _cache(genuine.quote);
        _requireSame(_resign(_with(genuine.quote, 48, 3)));
        _requireSame(_resign(_with(genuine.quote, 50, 2)));
        bytes memory quote = _stored("genuine-v5").quote;
        _requireSame(_resign(_with(quote, 54, 3), 702));
        _requireSame(_resign(_with(_with(quote, 54, 3), 54 + 584, 3), 702));
    }

    /* WHAT IS NOT KEPT */

    function test_no_key_of_a_quote_that_fails() public {
        _refuseKey(_with(genuine.quote, 48, 9), ITdxVerifier.Fault.QUOTE_SIGNATURE);
        _refuseKey(_with(genuine.quote, SIGNATURE + 584, 0xee), ITdxVerifier.Fault.QE_BINDING);
        _refuseKey(_with(genuine.quote, QE_REPORT, 0xee), ITdxVerifier.Fault.QE_SIGNATURE);
        bytes memory debug = _resignReport(_with(genuine.quote, QE_REPORT + 48, 0x13));
        _refuseKey(debug, ITdxVerifier.Fault.QE_DEBUG);
        _refuseKey(_resign(_with(genuine.quote, 48 + 120, 1)), ITdxVerifier.Fault.TD_DEBUG);
        verifier.upsertRevocationList(_stored("pck-revoked").pckCrl);
        vm.expectPartialRevert(ITdxVerifier.PckKeyRevoked.selector);
        _cache(genuine.quote);
        _isKept(0, false);
    }

    /// Genuine and old: whoever kept one brings it, before or after the new one.
    function test_older_enclave_cannot_displace() public {
        bytes memory old = _stored("qe-out-of-date").quote;
        _cache(old);
        _isKept(2, true);
        vm.assertEq(_check(genuine.quote).tcbStatus, TcbStatus.OUT_OF_DATE);
        _cache(genuine.quote);
        _isKept(4, true);
        vm.recordLogs();
        _cache(old);
        vm.assertEq(vm.getRecordedLogs().length, 0);
        _isKept(4, true);
        vm.assertEq(_check(genuine.quote).tcbStatus, TcbStatus.UP_TO_DATE);
    }

    /// Whoever broke a platform can certify any key with it: on every other platform that changes nothing.
    function test_no_platform_displaces_another() public {
        (bytes memory quote, bytes32 x, bytes32 y) = _ofSecondPlatform(genuine.quote);
        bytes32 second = keccak256(abi.encode(x, y));
        _cache(genuine.quote);
        _isKept(second, 0, false);
        vm.assertTrue(verifier.cacheAttestationKey(quote, x, y));
        _isKept(second, 4, true);
        _isKept(4, true);
        vm.assertEq(_check(genuine.quote).pckNumber, 1);
        vm.assertEq(verifier.verifyWithCachedKey(_reportOf(quote), second).pckNumber, 2);
        _revokeSecondPlatform();
        vm.expectPartialRevert(ITdxVerifier.PckKeyRevoked.selector);
        verifier.verifyWithCachedKey(_reportOf(quote), second);
        vm.assertFalse(_cache(genuine.quote));
        _check(genuine.quote);
    }

    /* REPORTS */

    function test_unknown_attestation_key_rejected() public {
        _cache(genuine.quote);
        uint256 attacker = 7;
        bytes memory report = _signedWith(_reportOf(genuine.quote), attacker);
        (uint256 x, uint256 y) = vm.publicKeyP256(attacker);
        vm.expectRevert(
            abi.encodeWithSelector(ITdxVerifier.AttestationKeyUnknown.selector, keccak256(abi.encode(x, y)))
        );
        verifier.verifyWithCachedKey(report, keyHash);
        // Good as it is under that key.
        _faultOf(report, ITdxVerifier.Fault.NONE);
        // The certified key beside the attacker's signature.
        for (uint256 i = 700; i < 764; ++i) {
            report[i] = genuine.quote[i];
        }
        _refuse(report, ITdxVerifier.Fault.QUOTE_SIGNATURE);
    }

    function test_key_of_another_platform_rejected() public {
        (, bytes32 x, bytes32 y) = _ofSecondPlatform(genuine.quote);
        _cache(genuine.quote);
        bytes memory report = _reportOf(genuine.quote);
        vm.expectRevert(
            abi.encodeWithSelector(ITdxVerifier.AttestationKeyUnknown.selector, _attestationKeyHash())
        );
        verifier.verifyWithCachedKey(report, keccak256(abi.encode(x, y)));
        vm.expectRevert(abi.encodeWithSelector(ITdxVerifier.PckUnknown.selector, bytes32(0)));
        verifier.verifyWithCachedKey(report, 0);
    }

    function test_report_quote_type_rejected() public {
        _cache(genuine.quote);
        bytes memory report = _reportOf(genuine.quote);
        _refuse(_with(report, 0, 3), TdxQuote.QuoteUnsupported.selector);
        _refuse(_with(report, 4, 0), TdxQuote.QuoteUnsupported.selector);
        _refuse(_with(report, 12, 0), TdxQuote.QeVendorUnknown.selector);
        bytes memory dense = _reportOf(_stored("genuine-v5").quote);
        _refuse(_with(dense, 48, 1), TdxQuote.BodyUnsupported.selector);
        _refuse(_slice(dense, 0, 764), TdxQuote.QuoteTooShort.selector);
        _refuse(genuine.quote, TdxQuote.QuoteLength.selector);
        _refuse("", TdxQuote.QuoteTooShort.selector);
        vm.expectPartialRevert(TdxQuote.QuoteLength.selector);
        verifier.faultOfReport(genuine.quote);
    }

    function testFuzz_report_length_is_exact(uint256 length) public {
        string[3] memory ids = ["genuine-v4", "genuine-v5", "genuine-v5-td10"];
        _cache(genuine.quote);
        for (uint256 i = 0; i < ids.length; ++i) {
            bytes memory report = _reportOf(_stored(ids[i]).quote);
            bytes memory whole = bytes.concat(report, new bytes(64));
            length = _bound(length, 0, whole.length);
            (bool ok,) = address(verifier).staticcall(_call(_slice(whole, 0, length)));
            vm.assertEq(ok, length == report.length);
        }
    }

    /// Every bit of each byte: nothing passes but the four bytes of a length that was cut away.
    function test_every_flip_of_the_report() public {
        string[2] memory ids = ["genuine-v4", "genuine-v5"];
        uint256[2] memory signed = [uint256(632), 702];
        _cache(genuine.quote);
        for (uint256 j = 0; j < ids.length; ++j) {
            bytes memory report = _reportOf(_stored(ids[j]).quote);
            bytes memory call = _call(report);
            for (uint256 i = 0; i < report.length; ++i) {
                for (uint256 bit = 0; bit < 8; ++bit) {
                    call[100 + i] ^= bytes1(uint8(1 << bit));
                    (bool ok,) = address(verifier).staticcall(call);
                    vm.assertEq(ok, i >= signed[j] && i < signed[j] + 4);
                    call[100 + i] ^= bytes1(uint8(1 << bit));
                }
            }
        }
    }

    function test_high_s_of_a_report_accepted() public {
        _cache(genuine.quote);
        bytes32 other = bytes32(P256_ORDER - uint256(_word(genuine.quote, SIGNATURE + 32)));
        _requireSame(_put(genuine.quote, SIGNATURE + 32, other));
        _refuse(
            _put(_reportOf(genuine.quote), SIGNATURE + 32, bytes32(P256_ORDER)),
            ITdxVerifier.Fault.QUOTE_SIGNATURE
        );
    }

    /// Every bit that a TD may not have.
    function test_debug_td_of_a_cached_key_rejected() public {
        _cache(genuine.quote);
        for (uint256 bit = 0; bit < 128; ++bit) {
            uint256 place = 48 + 120 + bit / 8;
            uint8 value = uint8(genuine.quote[place]) | uint8(1 << (bit % 8));
            bytes memory quote = _resign(_with(genuine.quote, place, value));
            ITdxVerifier.Fault fault = verifier.faultOf(quote, genuine.x, genuine.y);
            _faultOf(_reportOf(quote), fault);
            if (fault == ITdxVerifier.Fault.NONE) _requireSame(quote);
            else _refuse(_reportOf(quote), fault);
        }
        _faultOf(_with(_reportOf(genuine.quote), 48, 9), ITdxVerifier.Fault.QUOTE_SIGNATURE);
    }

    function test_module_of_a_cached_key_rejected() public {
        _cache(genuine.quote);
        _refuse(_reportOf(_resign(_with(genuine.quote, 48 + 64, 1))), TcbMatch.ModuleMismatch.selector);
        _refuse(_reportOf(_resign(_with(genuine.quote, 49, 2))), TcbMatch.ModuleUnknown.selector);
        _refuse(_reportOf(_resign(_with(genuine.quote, 50, 1))), TcbMatch.TcbNotSupported.selector);
    }

    /* WHAT CHANGES LATER */

    function test_pck_revoked_after_caching() public {
        _cache(genuine.quote);
        verifier.upsertRevocationList(_stored("pck-revoked").pckCrl);
        _refuse(_reportOf(genuine.quote), ITdxVerifier.PckKeyRevoked.selector);
    }

    function test_ca_revoked_after_caching() public {
        _cache(genuine.quote);
        verifier.upsertRevocationList(_stored("ca-revoked").rootCrl);
        vm.expectRevert(
            abi.encodeWithSelector(ITdxVerifier.PckCaRevoked.selector, IIntelPki.Authority.PLATFORM_CA)
        );
        _check(genuine.quote);
    }

    function test_signer_revoked_after_caching() public {
        _bringNumbers(NINETEEN_STAYS, "2026-08-14T12:00:00Z");
        _cache(genuine.quote);
        verifier.upsertRevocationList(_stored("signer-revoked").rootCrl);
        // The list does not say which signer's it is.
        _refuse(_reportOf(genuine.quote), ITdxVerifier.EvaluationNumbersExpired.selector);
    }
}
