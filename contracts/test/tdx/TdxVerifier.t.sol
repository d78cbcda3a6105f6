// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {TcbStatus} from "../../src/tdx/TcbStatus.sol";
import {TdxQuote} from "../../src/tdx/TdxQuote.sol";
import {ITdxVerifier} from "../../src/tdx/interfaces/ITdxVerifier.sol";
import {TdxFixture} from "./TdxFixture.sol";

/// @title Quotes: which hold, and what is wrong with the others
contract TdxVerifierTest is TdxFixture {
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

    function _refused(bytes memory quote, bytes4 reason) private {
        vm.expectPartialRevert(reason);
        _verify(quote);
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
