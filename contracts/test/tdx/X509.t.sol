// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {DerReader} from "../../src/tdx/DerReader.sol";
import {X509} from "../../src/tdx/X509.sol";
import {CertificateParts, DerMaker, ListParts} from "./DerMaker.sol";
import {DerHarness} from "./DerReader.t.sol";

/// @title The reader of entries as a call of its own
contract EntryHarness {
    function entry(bytes calldata der) external pure returns (uint256 serial, uint256 length) {
        uint256 pos;
        assembly ("memory-safe") {
            pos := der.offset
        }
        (serial, length) = X509.entry(pos, pos + der.length);
        length -= pos;
    }
}

/// @title Certificates and lists that are signed well and made badly
contract X509Test is DerMaker {
    DerHarness private _der;
    EntryHarness private _entries;

    function setUp() public {
        _der = new DerHarness();
        _entries = new EntryHarness();
    }

    function test_certificate_as_it_should_be() public view {
        X509.Certificate memory c = _der.certificate(_certificate(_parts()));
        vm.assertEq(c.serial, 0xff01);
        vm.assertEq(c.notBefore, 1_767_225_600);
        vm.assertEq(c.notAfter, 1_798_761_600);
        vm.assertEq(c.issuerName, bytes32("An issuer"));
        vm.assertEq(c.subjectName, bytes32("A subject"));
        vm.assertEq(c.keyUsage, 0x030206c0);
        vm.assertEq(c.basicConstraints, 0x3000);
        vm.assertEq(c.sgxEnd - c.sgxStart, 2);
    }

    /* NAMES */

    /// One common name, first, of 1 to 32 bytes, so that no two names are the same word.
    function test_names_that_are_refused() public {
        bytes[7] memory names = [
            // None at all, an empty one, one that no word holds, one that a shorter one equals.
            _sequence(""),
            _name(""),
            _name("123456789012345678901234567890123"),
            _name(string(abi.encodePacked("Intel", uint8(0)))),
            // Behind another attribute, or twice.
            _sequence(bytes.concat(_attribute(10, "Intel"), _attribute(3, "Intel"))),
            _sequence(bytes.concat(_attribute(3, "Intel"), _attribute(3, "Intel"))),
            // Of a type that is no text here.
            _sequence(_tlv(0x31, _sequence(bytes.concat(hex"0603550403", _tlv(0x16, "Intel")))))
        ];
        for (uint256 i = 0; i < names.length; ++i) {
            CertificateParts memory p = _parts();
            p.subject = names[i];
            bytes memory der = _certificate(p);
            vm.expectRevert(X509.BadName.selector);
            _der.certificate(der);
        }
    }

    function test_longest_name() public view {
        CertificateParts memory p = _parts();
        p.subject = _name("12345678901234567890123456789012");
        vm.assertEq(_der.certificate(_certificate(p)).subjectName, "12345678901234567890123456789012");
    }

    /* EXTENSIONS */

    /// What may be ignored says nothing about a role.
    function test_role_must_be_critical() public {
        bytes memory usage = _extension(KEY_USAGE, false, hex"030206c0");
        _refused(bytes.concat(usage, _constraints()), abi.encodePacked(X509.ExtensionNotCritical.selector));
        bytes memory constraints = _extension(BASIC_CONSTRAINTS, false, hex"3000");
        _refused(bytes.concat(_usage(), constraints), abi.encodePacked(X509.ExtensionNotCritical.selector));
    }

    function test_sgx_extension_once() public {
        bytes memory twice =
            bytes.concat(_extension(SGX, false, hex"3000"), _extension(SGX, false, hex"3000"));
        _refused(twice, abi.encodePacked(X509.ExtensionTwice.selector));
        _refused(_extension(SGX, true, hex"3000"), abi.encodePacked(X509.UnknownCriticalExtension.selector));
    }

    /// A value that no word holds is not cut to one that fits.
    function test_role_in_one_word() public {
        uint256[2] memory lengths = [uint256(0), 32];
        for (uint256 i = 0; i < 2; ++i) {
            _refused(
                _extension(KEY_USAGE, true, new bytes(lengths[i])),
                abi.encodeWithSelector(DerReader.BadLength.selector, lengths[i])
            );
        }
    }

    /* TIMES */

    function test_generalized_time_in_one_form() public {
        string[3] memory times = ["202601010000Z", "20260101000000.0Z", "20260101000000+00"];
        for (uint256 i = 0; i < times.length; ++i) {
            CertificateParts memory p = _parts();
            p.notAfter = times[i];
            bytes memory der = _certificate(p);
            vm.expectRevert(DerReader.BadTime.selector);
            _der.certificate(der);
        }
    }

    /* LISTS */

    function test_list_as_it_should_be() public view {
        X509.RevocationList memory list = _der.revocationList(_list(_listParts()));
        vm.assertEq(list.issuerName, bytes32("An issuer"));
        vm.assertEq(list.entriesStart + list.entriesEnd, 0);
    }

    /// RFC 5280 §5.1.2.6: a list of nothing has no list.
    function test_empty_entries() public {
        ListParts memory p = _listParts();
        p.entries = _sequence("");
        bytes memory der = _list(p);
        vm.expectRevert(X509.EmptyEntries.selector);
        _der.revocationList(der);
    }

    /// An indirect or partial list says so in a critical extension, and is no list of everything.
    function test_critical_extension_of_a_list() public {
        ListParts memory p = _listParts();
        p.extensions = _extension(hex"0603551d1c", true, hex"3000");
        bytes memory der = _list(p);
        vm.expectRevert(X509.UnknownCriticalExtension.selector);
        _der.revocationList(der);
        p.extensions = bytes.concat(
            _extension(LIST_NUMBER, false, hex"020101"), _extension(LIST_NUMBER, false, hex"020101")
        );
        der = _list(p);
        vm.expectRevert(X509.ExtensionTwice.selector);
        _der.revocationList(der);
    }

    /* ENTRIES */

    /// With or without reason, and whatever else may be ignored.
    function test_entries_that_count() public view {
        bytes memory reason = _extension(hex"0603551d15", false, hex"0a0101");
        bytes memory since = _extension(hex"0603551d18", false, _time("20260101000000Z"));
        bytes[5] memory extensions = [
            bytes(""),
            _sequence(reason),
            _sequence(bytes.concat(reason, since)),
            _sequence(since),
            _sequence("")
        ];
        for (uint256 i = 0; i < extensions.length; ++i) {
            bytes memory der = _entry(0xab01, extensions[i]);
            (uint256 serial, uint256 length) = _entries.entry(der);
            vm.assertEq(serial, 0xab01);
            vm.assertEq(length, der.length);
        }
    }

    /// The certificate issuer of an indirect list is critical: the serial may be another CA's.
    function test_entries_that_are_refused() public {
        bytes memory der = _entry(0xab01, _sequence(_extension(hex"0603551d1d", true, hex"3000")));
        vm.expectRevert(X509.UnknownCriticalExtension.selector);
        _entries.entry(der);
        // As long as one with a reason, and no reason.
        der = _entry(0xab01, _sequence(_extension(hex"0603551d15", true, "")));
        vm.expectRevert(X509.UnknownCriticalExtension.selector);
        _entries.entry(der);
        der = _entry(0xab01, bytes.concat(_sequence(""), hex"0500"));
        vm.expectPartialRevert(DerReader.TrailingBytes.selector);
        _entries.entry(der);
    }

    function _refused(bytes memory extensions, bytes memory reason) private {
        CertificateParts memory p = _parts();
        p.extensions = extensions;
        bytes memory der = _certificate(p);
        vm.expectRevert(reason);
        _der.certificate(der);
    }

    function _parts() private pure returns (CertificateParts memory) {
        return CertificateParts({
            serial: 0xff01,
            issuer: _name("An issuer"),
            notBefore: "20260101000000Z",
            notAfter: "20270101000000Z",
            subject: _name("A subject"),
            key: 2,
            issuerKey: 1,
            extensions: bytes.concat(_usage(), _constraints(), _extension(SGX, false, hex"3000"))
        });
    }

    function _listParts() private pure returns (ListParts memory) {
        return ListParts({
            issuer: _name("An issuer"),
            thisUpdate: "20260101000000Z",
            nextUpdate: "20270101000000Z",
            entries: "",
            extensions: _extension(LIST_NUMBER, false, hex"020101"),
            issuerKey: 1
        });
    }

    function _usage() private pure returns (bytes memory) {
        return _extension(KEY_USAGE, true, hex"030206c0");
    }

    function _constraints() private pure returns (bytes memory) {
        return _extension(BASIC_CONSTRAINTS, true, hex"3000");
    }
}
