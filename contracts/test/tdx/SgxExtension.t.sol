// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {SgxExtension} from "../../src/tdx/SgxExtension.sol";
import {DerHarness} from "./DerReader.t.sol";
import {SgxMaker} from "./SgxMaker.sol";

/// @title What Intel certifies of a platform, field by field
contract SgxExtensionTest is SgxMaker {
    DerHarness private _der;

    function setUp() public {
        _der = new DerHarness();
    }

    function test_fields_in_any_order() public view {
        bytes[] memory fields = _fields();
        (fields[0], fields[6]) = (fields[6], fields[0]);
        (fields[1], fields[3]) = (fields[3], fields[1]);
        (uint256 svns, uint256 pceSvn, uint256 fmspc) = _der.sgx(_value(fields));
        vm.assertEq(svns, 0x02020202020202020202020202020202);
        vm.assertEq(pceSvn, 0x0102);
        vm.assertEq(fmspc, 0xfa4e00000001);
    }

    /// Only platform instance id and configuration may be absent: a Processor CA certifies neither.
    function test_missing_field() public {
        for (uint256 arc = 1; arc <= FIELDS; ++arc) {
            bytes[] memory fields = _fields();
            fields[arc - 1] = "";
            bytes memory value = _value(fields);
            if (arc < 6) vm.expectRevert(abi.encodeWithSelector(SgxExtension.FieldMissing.selector, arc));
            _der.sgx(value);
        }
    }

    /// No field of another family is read as one of these.
    function test_field_of_another_family() public {
        _refused(
            0,
            _sequence(bytes.concat(hex"060a2a864886f84d010d0201", _tlv(0x04, new bytes(16)))),
            abi.encodeWithSelector(
                SgxExtension.UnexpectedField.selector, 0x060a2a864886f84d010d01, 0x060a2a864886f84d010d02
            )
        );
        _refused(
            6,
            _field(7, _sequence(_sequence(bytes.concat(hex"060b2a864886f84d010d010801", hex"0101ff")))),
            abi.encodeWithSelector(
                SgxExtension.UnexpectedField.selector, 0x060b2a864886f84d010d0107, 0x060b2a864886f84d010d0108
            )
        );
    }

    function test_form_of_the_fields() public {
        _unexpected(0, _field(1, _tlv(0x04, new bytes(15))), 0x0410, 0x040f);
        _unexpected(0, _field(1, bytes.concat(_tlv(0x04, new bytes(16)), hex"00")), 0x0410, 0x0410);
        _unexpected(3, _field(4, _tlv(0x04, new bytes(5))), 0x0406, 0x0405);
        _unexpected(3, _field(4, bytes.concat(_tlv(0x04, new bytes(6)), hex"00")), 0x0406, 0x0406);
        _unexpected(4, _field(5, hex"0a0103"), 0x0a0100, 0x0a0103);
        _unexpected(4, _field(5, hex"0a010000"), 0x0a0100, 0x0a0100);
        _unexpected(5, _field(6, _tlv(0x03, new bytes(16))), 0x0410, 0x0310);
    }

    /// An SVN that is too large for its byte does not run over into the next one.
    function test_svn_too_large() public {
        _refused(
            1, _tcb(0x0100, 0x0102), abi.encodeWithSelector(SgxExtension.SvnTooLarge.selector, 0xff, 0x100)
        );
        _refused(
            1, _tcb(2, 0x010000), abi.encodeWithSelector(SgxExtension.SvnTooLarge.selector, 0xffff, 0x010000)
        );
    }

    /// Three flags, each once at most, each true or false.
    function test_configuration() public {
        bytes memory yes = hex"0101ff";
        _unexpected(6, _configuration(bytes.concat(_flag(1, yes), _flag(4, yes))), 3, 4);
        _unexpected(6, _configuration(_flag(0, yes)), 3, 0);
        _unexpected(6, _configuration(_flag(2, hex"010101")), 0x0101ff, 0x010101);
        _unexpected(6, _configuration(_flag(2, hex"0201ff")), 0x0101ff, 0x0201ff);
        _refused(
            6,
            _configuration(bytes.concat(_flag(2, yes), _flag(2, yes))),
            abi.encodeWithSelector(SgxExtension.FieldTwice.selector, 2)
        );
    }

    /// Another field in the place of one.
    function _refused(uint256 index, bytes memory field, bytes memory reason) private {
        bytes[] memory fields = _fields();
        fields[index] = field;
        bytes memory value = _value(fields);
        vm.expectRevert(reason);
        _der.sgx(value);
    }

    function _unexpected(uint256 index, bytes memory field, uint256 expected, uint256 actual) private {
        _refused(
            index, field, abi.encodeWithSelector(SgxExtension.UnexpectedField.selector, expected, actual)
        );
    }
}
