// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {DerReader} from "../../src/tdx/DerReader.sol";
import {SgxExtension} from "../../src/tdx/SgxExtension.sol";
import {X509} from "../../src/tdx/X509.sol";
import {TdxFixture} from "./TdxFixture.sol";

/// @title The reader as calls of its own, so that its reverts can be met
contract DerHarness {
    function read(bytes calldata der) external pure returns (uint256 tag, uint256 start, uint256 stop) {
        (uint256 pos, uint256 end) = _bounds(der);
        (tag, start, stop) = DerReader.read(pos, end);
        return (tag, start - pos, stop - pos);
    }

    function integer(bytes calldata der) external pure returns (uint256 value) {
        (uint256 pos, uint256 end) = _bounds(der);
        (value, pos) = DerReader.integer(pos, end);
        DerReader.requireEnd(pos, end);
    }

    function time(bytes calldata der) external pure returns (uint256 seconds_) {
        (uint256 pos, uint256 end) = _bounds(der);
        (seconds_, pos) = DerReader.time(pos, end);
        DerReader.requireEnd(pos, end);
    }

    function certificate(bytes calldata der) external view returns (X509.Certificate memory) {
        return X509.certificate(der);
    }

    function revocationList(bytes calldata der) external view returns (X509.RevocationList memory) {
        return X509.revocationList(der);
    }

    function sgx(bytes calldata value) external pure returns (uint256 svns, uint256 pceSvn, uint256 fmspc) {
        (uint256 pos, uint256 end) = _bounds(value);
        return SgxExtension.read(pos, end);
    }

    function _bounds(bytes calldata der) private pure returns (uint256 pos, uint256 end) {
        assembly ("memory-safe") {
            pos := der.offset
            end := add(pos, der.length)
        }
    }
}

/// @title Strict DER
contract DerReaderTest is TdxFixture {
    DerHarness private _der;

    function setUp() public override {
        super.setUp();
        _der = new DerHarness();
    }

    function test_lengths() public {
        (uint256 tag, uint256 start, uint256 stop) = _der.read(hex"0401ff");
        vm.assertEq(tag * 1_000_000 + start * 1000 + stop, 4_002_003);
        bytes memory long = bytes.concat(hex"048180", new bytes(0x80));
        (, start, stop) = _der.read(long);
        vm.assertEq(start * 1000 + stop, 3000 + 0x83);
        long = bytes.concat(hex"04820100", new bytes(0x100));
        (, start, stop) = _der.read(long);
        vm.assertEq(start * 1000 + stop, 4000 + 0x104);
        // Not the shortest form, of no definite length, of more than two bytes.
        _refused(bytes.concat(hex"04817f", new bytes(0x7f)), DerReader.BadLength.selector);
        _refused(bytes.concat(hex"048200ff", new bytes(0xff)), DerReader.BadLength.selector);
        _refused(bytes.concat(hex"3080", hex"0000"), DerReader.BadLength.selector);
        _refused(bytes.concat(hex"0483000100", new bytes(0x100)), DerReader.BadLength.selector);
        _refused(bytes.concat(hex"04ff", new bytes(0x100)), DerReader.BadLength.selector);
        _refused(hex"0402ff", DerReader.Overrun.selector);
        _refused(hex"04", DerReader.Overrun.selector);
        _refused("", DerReader.Overrun.selector);
    }

    function testFuzz_content_stays_inside(bytes calldata noise) public view {
        (bool ok, bytes memory said) = address(_der).staticcall(abi.encodeCall(_der.read, (noise)));
        if (!ok) return;
        (, uint256 start, uint256 stop) = abi.decode(said, (uint256, uint256, uint256));
        vm.assertLe(start, stop);
        vm.assertLe(stop, noise.length);
    }

    function testFuzz_integer_round_trip(uint256 value) public view {
        vm.assertEq(_der.integer(_integer(value)), value);
    }

    function test_integers() public {
        vm.assertEq(_der.integer(hex"020100"), 0);
        vm.assertEq(_der.integer(hex"02017f"), 0x7f);
        // An SVN of 255, as in a certificate of 2023.
        vm.assertEq(_der.integer(hex"020200ff"), 0xff);
        // r or s of 33 bytes.
        bytes memory widest = bytes.concat(hex"022100", bytes32(type(uint256).max));
        vm.assertEq(_der.integer(widest), type(uint256).max);
        bytes[6] memory bad = [
            bytes(hex"0200"),
            hex"0201ff",
            hex"0202007f",
            hex"02020000",
            bytes.concat(hex"02217f", bytes32(type(uint256).max)),
            bytes.concat(hex"022200ff", new bytes(32))
        ];
        for (uint256 i = 0; i < bad.length; ++i) {
            vm.expectRevert(DerReader.BadInteger.selector);
            _der.integer(bad[i]);
        }
        vm.expectRevert(abi.encodeWithSelector(DerReader.UnexpectedTag.selector, 2, 4));
        _der.integer(hex"040100");
    }

    function test_times() public {
        vm.assertEq(_der.time(_utc("700101000000Z")), 0);
        vm.assertEq(_der.time(_utc("260615120000Z")), 1_781_524_800);
        // Two digits from 50 on are of the last century; below, of this one.
        vm.assertEq(_der.time(_utc("490101000000Z")), _der.time(_generalized("20490101000000Z")));
        vm.expectRevert(DerReader.BadTime.selector);
        _der.time(_utc("500101000000Z"));
        vm.assertEq(_der.time(_generalized("20240229235959Z")), 1_709_251_199);
        vm.assertEq(_der.time(_generalized("99991231235959Z")), 253_402_300_799);
        string[12] memory bad = [
            "2606151200000",
            "260015120000Z",
            "261315120000Z",
            "260600120000Z",
            "260631120000Z",
            "260229120000Z",
            "260615240000Z",
            "260615126000Z",
            "260615120060Z",
            "26061512000Z",
            "2606151200 0Z",
            "26061512000:Z"
        ];
        for (uint256 i = 0; i < bad.length; ++i) {
            vm.expectRevert(DerReader.BadTime.selector);
            _der.time(_utc(bad[i]));
        }
        vm.expectRevert(DerReader.BadTime.selector);
        _der.time(_generalized("19691231235959Z"));
        vm.expectPartialRevert(DerReader.UnexpectedTag.selector);
        _der.time(hex"0200");
    }

    /// Trailing bytes at every level of a certificate: outer, behind tbs, in the signature.
    function test_certificate_fills_its_bytes() public {
        vm.expectPartialRevert(DerReader.TrailingBytes.selector);
        _der.certificate(bytes.concat(genuine.pck, hex"00"));
        vm.expectPartialRevert(DerReader.Overrun.selector);
        _der.certificate(_slice(genuine.pck, 0, genuine.pck.length - 1));
    }

    /// Outer and inner algorithm are the same twelve bytes.
    function test_algorithms() public {
        bytes memory algorithm = hex"300a06082a8648ce3d040302";
        bytes memory other = hex"300a06082a8648ce3d040303";
        bytes memory inner = _swap(genuine.pck, algorithm, other);
        vm.expectPartialRevert(X509.UnexpectedBytes.selector);
        _der.certificate(inner);
        // With the first one out of the way, the second is the outer one.
        bytes memory outer = _swap(_swap(inner, algorithm, other), other, algorithm);
        vm.expectPartialRevert(X509.UnexpectedBytes.selector);
        _der.certificate(outer);
    }

    function test_extensions() public {
        // Key usage takes the place of the subject's key id, and is there twice.
        bytes memory twice = _swap(genuine.pck, hex"0603551d0e", hex"0603551d0f");
        vm.expectRevert(X509.ExtensionNotCritical.selector);
        _der.certificate(twice);
        bytes memory unknown = _swap(genuine.pck, hex"0603551d0f0101ff", hex"0603551d7e0101ff");
        vm.expectRevert(X509.UnknownCriticalExtension.selector);
        _der.certificate(unknown);
        bytes memory same = _swap(genuine.pck, hex"0603551d0e", hex"0603551d23");
        vm.expectRevert(X509.ExtensionTwice.selector);
        _der.certificate(same);
        bytes memory flag = _swap(genuine.pck, hex"0101ff", hex"010101");
        vm.expectPartialRevert(X509.UnexpectedBytes.selector);
        _der.certificate(flag);
    }

    function test_sgx_extension() public {
        bytes memory value = _sgxValue();
        (uint256 svns, uint256 pceSvn, uint256 fmspc) = _der.sgx(value);
        vm.assertEq(svns, 0x03030303030303030303030303030303);
        vm.assertEq(pceSvn, 13);
        vm.assertEq(fmspc, 0xfa4e00000001);
        bytes memory field = hex"060a2a864886f84d010d01";
        // A field in the place of another, one twice, one that nobody knows; no PCE-ID but 0000.
        vm.expectPartialRevert(SgxExtension.UnexpectedField.selector);
        _der.sgx(_swap(value, bytes.concat(field, hex"04"), bytes.concat(field, hex"05")));
        vm.expectRevert(abi.encodeWithSelector(SgxExtension.FieldTwice.selector, 1));
        _der.sgx(_swap(value, bytes.concat(field, hex"06"), bytes.concat(field, hex"01")));
        vm.expectRevert(abi.encodeWithSelector(SgxExtension.UnexpectedField.selector, 7, 9));
        _der.sgx(_swap(value, bytes.concat(field, hex"06"), bytes.concat(field, hex"09")));
        vm.expectRevert(abi.encodeWithSelector(SgxExtension.PceIdUnknown.selector, 0x04020001));
        _der.sgx(_swap(value, hex"04020000", hex"04020001"));
        // Components in another order than 1 to 16, above 255, unlike the octets of CPUSVN.
        bytes memory component = hex"060b2a864886f84d010d0102";
        vm.expectPartialRevert(SgxExtension.UnexpectedField.selector);
        _der.sgx(_swap(value, bytes.concat(component, hex"02"), bytes.concat(component, hex"03")));
        vm.expectPartialRevert(SgxExtension.CpuSvnDiffers.selector);
        _der.sgx(_swap(value, bytes.concat(component, hex"01020103"), bytes.concat(component, hex"01020104")));
        SgxExtensionCaller caller = new SgxExtensionCaller();
        vm.expectRevert(SgxExtension.NoSgxExtension.selector);
        caller.none();
    }

    function testFuzz_noise_is_no_certificate(bytes calldata noise) public view {
        (bool ok,) = address(_der).staticcall(abi.encodeCall(_der.certificate, (noise)));
        vm.assertFalse(ok);
        (ok,) = address(_der).staticcall(abi.encodeCall(_der.revocationList, (noise)));
        vm.assertFalse(ok);
        (ok,) = address(_der).staticcall(abi.encodeCall(_der.sgx, (noise)));
        vm.assertFalse(ok);
    }

    /// What stands behind a certificate in calldata, or in dirty memory, changes nothing.
    function testFuzz_surroundings_do_not_matter(bytes32 dirt) public view {
        bytes memory payload = abi.encodeCall(_der.certificate, (genuine.pck));
        (, bytes memory clean) = address(_der).staticcall(payload);
        (bool ok, bytes memory dirty) = address(_der).staticcall(bytes.concat(payload, dirt, dirt));
        vm.assertTrue(ok);
        vm.assertEq(keccak256(dirty), keccak256(clean));
    }

    function _refused(bytes memory der, bytes4 reason) private {
        vm.expectPartialRevert(reason);
        _der.read(der);
    }

    function _integer(uint256 value) private pure returns (bytes memory) {
        uint256 length = 1;
        while (length < 32 && value >> (8 * length) != 0) ++length;
        bytes memory content = new bytes(length);
        for (uint256 i = 0; i < length; ++i) {
            content[i] = bytes1(uint8(value >> (8 * (length - 1 - i))));
        }
        if (uint8(content[0]) >= 0x80) content = bytes.concat(hex"00", content);
        return bytes.concat(hex"02", bytes1(uint8(content.length)), content);
    }

    function _utc(string memory text) private pure returns (bytes memory) {
        return bytes.concat(hex"17", bytes1(uint8(bytes(text).length)), bytes(text));
    }

    function _generalized(string memory text) private pure returns (bytes memory) {
        return bytes.concat(hex"18", bytes1(uint8(bytes(text).length)), bytes(text));
    }

    /// Content of the extension's OCTET STRING, which has a length of two bytes.
    function _sgxValue() private view returns (bytes memory) {
        bytes memory oid = hex"06092a864886f84d010d010482";
        for (uint256 i = 0; i + oid.length <= genuine.pck.length; ++i) {
            if (keccak256(_slice(genuine.pck, i, oid.length)) != keccak256(oid)) continue;
            uint256 start = i + oid.length + 2;
            uint256 length = uint256(_word(genuine.pck, start - 2)) >> 240;
            return _slice(genuine.pck, start, length);
        }
        revert("no SGX extension");
    }
}

/// @title A certificate without the extension
contract SgxExtensionCaller {
    function none() external pure returns (uint256, uint256, uint256) {
        return SgxExtension.read(0, 0);
    }
}
