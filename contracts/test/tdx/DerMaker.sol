// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Test} from "../Test.sol";

/// @title What a certificate says, and who signs it
struct CertificateParts {
    uint256 serial;
    bytes issuer;
    string notBefore;
    string notAfter;
    bytes subject;
    /// Private keys of its own and of its issuer.
    uint256 key;
    uint256 issuerKey;
    bytes extensions;
}

/// @title What a revocation list says, and who signs it
struct ListParts {
    bytes issuer;
    string thisUpdate;
    string nextUpdate;
    /// With the SEQUENCE around them, or nothing.
    bytes entries;
    bytes extensions;
    uint256 issuerKey;
}

/// @title Certificates and revocation lists in DER, piece by piece
/// @notice So that each piece can be another one under a good signature, which no change of a stored certificate has.
abstract contract DerMaker is Test {
    bytes internal constant ALGORITHM = hex"300a06082a8648ce3d040302";
    bytes internal constant KEY_USAGE = hex"0603551d0f";
    bytes internal constant BASIC_CONSTRAINTS = hex"0603551d13";
    bytes internal constant SUBJECT_KEY_ID = hex"0603551d0e";
    bytes internal constant LIST_NUMBER = hex"0603551d14";
    bytes internal constant SGX = hex"06092a864886f84d010d01";

    function _certificate(CertificateParts memory p) internal pure returns (bytes memory) {
        (uint256 x, uint256 y) = vm.publicKeyP256(p.key);
        bytes memory signed = bytes.concat(
            hex"a003020102",
            _integer(p.serial),
            ALGORITHM,
            p.issuer,
            _sequence(bytes.concat(_time(p.notBefore), _time(p.notAfter))),
            p.subject,
            hex"3059301306072a8648ce3d020106082a8648ce3d03010703420004",
            bytes32(x),
            bytes32(y),
            _tlv(0xa3, _sequence(p.extensions))
        );
        return _signed(signed, p.issuerKey);
    }

    function _list(ListParts memory p) internal pure returns (bytes memory) {
        bytes memory signed = bytes.concat(
            hex"020101",
            ALGORITHM,
            p.issuer,
            _time(p.thisUpdate),
            _time(p.nextUpdate),
            p.entries,
            _tlv(0xa0, _sequence(p.extensions))
        );
        return _signed(signed, p.issuerKey);
    }

    /// An entry of a list; `extensions` with the SEQUENCE around them, or nothing.
    function _entry(uint256 serial, bytes memory extensions) internal pure returns (bytes memory) {
        return _sequence(bytes.concat(_integer(serial), _time("20260101000000Z"), extensions));
    }

    function _extension(bytes memory oid, bool critical, bytes memory value)
        internal
        pure
        returns (bytes memory)
    {
        return _sequence(bytes.concat(oid, critical ? bytes(hex"0101ff") : bytes(""), _tlv(0x04, value)));
    }

    /// A name that is nothing but its common name.
    function _name(string memory commonName) internal pure returns (bytes memory) {
        return _sequence(_attribute(3, commonName));
    }

    /// One attribute of a name: 2.5.4 and this arc.
    function _attribute(uint8 arc, string memory text) internal pure returns (bytes memory) {
        bytes memory oid = bytes.concat(hex"06035504", bytes1(arc));
        return _tlv(0x31, _sequence(bytes.concat(oid, _tlv(0x0c, bytes(text)))));
    }

    function _sequence(bytes memory content) internal pure returns (bytes memory) {
        return _tlv(0x30, content);
    }

    function _tlv(uint8 tag, bytes memory content) internal pure returns (bytes memory) {
        uint256 length = content.length;
        bytes memory head = length < 0x80
            ? abi.encodePacked(uint8(length))
            : length < 0x100
                ? abi.encodePacked(hex"81", uint8(length))
                : abi.encodePacked(hex"82", uint16(length));
        return bytes.concat(bytes1(tag), head, content);
    }

    /// A positive INTEGER.
    function _integer(uint256 value) internal pure returns (bytes memory) {
        uint256 length = 1;
        while (length < 32 && value >> (8 * length) != 0) ++length;
        bytes memory content = new bytes(length);
        for (uint256 i = 0; i < length; ++i) {
            content[i] = bytes1(uint8(value >> (8 * (length - 1 - i))));
        }
        return _tlv(0x02, uint8(content[0]) < 0x80 ? content : bytes.concat(hex"00", content));
    }

    /// GeneralizedTime.
    function _time(string memory text) internal pure returns (bytes memory) {
        return _tlv(0x18, bytes(text));
    }

    /// What is signed, the algorithm and the signature, in one SEQUENCE.
    function _signed(bytes memory content, uint256 key) private pure returns (bytes memory) {
        bytes memory signed = _sequence(content);
        (bytes32 r, bytes32 s) = vm.signP256(key, sha256(signed));
        bytes memory pair = _sequence(bytes.concat(_integer(uint256(r)), _integer(uint256(s))));
        return _sequence(bytes.concat(signed, ALGORITHM, _tlv(0x03, bytes.concat(hex"00", pair))));
    }
}
