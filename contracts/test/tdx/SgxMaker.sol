// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {DerMaker} from "./DerMaker.sol";

/// @title The SGX extension of a PCK certificate, field by field
abstract contract SgxMaker is DerMaker {
    uint256 internal constant FIELDS = 7;
    /// 1.2.840.113741.1.13.1, without tag and length.
    bytes private constant ARC = hex"2a864886f84d010d01";

    /// All seven, each at its arc less one.
    function _fields() internal pure returns (bytes[] memory fields) {
        fields = new bytes[](FIELDS);
        fields[0] = _field(1, _tlv(0x04, new bytes(16)));
        fields[1] = _tcb(2, 0x0102);
        fields[2] = _field(3, hex"04020000");
        fields[3] = _field(4, hex"0406fa4e00000001");
        fields[4] = _field(5, hex"0a0101");
        fields[5] = _field(6, _tlv(0x04, new bytes(16)));
        fields[6] =
            _configuration(bytes.concat(_flag(1, hex"0101ff"), _flag(2, hex"010100"), _flag(3, hex"0101ff")));
    }

    function _value(bytes[] memory fields) internal pure returns (bytes memory) {
        bytes memory all = "";
        for (uint256 i = 0; i < fields.length; ++i) {
            all = bytes.concat(all, fields[i]);
        }
        return _sequence(all);
    }

    function _field(uint8 arc, bytes memory value) internal pure returns (bytes memory) {
        return _sequence(bytes.concat(_tlv(0x06, bytes.concat(ARC, bytes1(arc))), value));
    }

    function _configuration(bytes memory flags) internal pure returns (bytes memory) {
        return _field(7, _sequence(flags));
    }

    function _flag(uint8 arc, bytes memory value) internal pure returns (bytes memory) {
        return _part(7, arc, value);
    }

    /// The same SVN for every component; the octets say 2.
    function _tcb(uint256 svn, uint256 pceSvn) internal pure returns (bytes memory) {
        bytes memory parts = "";
        for (uint8 arc = 1; arc <= 16; ++arc) {
            parts = bytes.concat(parts, _part(2, arc, _integer(svn)));
        }
        bytes memory octets = _tlv(0x04, abi.encodePacked(uint128(0x02020202020202020202020202020202)));
        return _field(2, _sequence(bytes.concat(parts, _part(2, 17, _integer(pceSvn)), _part(2, 18, octets))));
    }

    function _part(uint8 field, uint8 arc, bytes memory value) internal pure returns (bytes memory) {
        return _sequence(bytes.concat(_tlv(0x06, bytes.concat(ARC, bytes1(field), bytes1(arc))), value));
    }
}
