// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {CollateralReader} from "../../src/tdx/CollateralReader.sol";
import {DocumentReader} from "../../src/tdx/DocumentReader.sol";
import {Test} from "../Test.sol";

/// @title Order and number of levels and identities, whatever a document has
contract TcbInfoReaderTest is Test {
    string private constant DATES = '"issueDate":"2026-06-14T12:00:00Z","nextUpdate":"2026-07-14T12:00:00Z",';
    string private constant TCB_DATE = ',"tcbDate":"2025-05-14T00:00:00Z","tcbStatus":"';
    uint256 private constant MAX_LEVELS = 64;
    uint256 private constant MAX_QE_LEVELS = 54;
    uint256 private constant MAX_IDENTITIES = 16;
    uint256 private constant LEVEL_BYTES = 35;
    uint256 private constant IDENTITY_BYTES = 69;

    CollateralReader private _reader;

    function setUp() public {
        _reader = new CollateralReader();
    }

    /// SGX components count first, then PCESVN, then those of TDX: the order in which Intel's library looks for a match.
    function test_levels_best_first() public view {
        uint256[3][6] memory best = [
            [uint256(4), 1, 1],
            [uint256(3), 9, 2],
            [uint256(3), 9, 1],
            [uint256(3), 8, 7],
            [uint256(3), 8, 6],
            [uint256(2), 65_535, 255]
        ];
        bytes memory expected = _blob("", _join(best, [uint256(0), 1, 2, 3, 4, 5]));
        uint256[6][4] memory orders = [
            [uint256(5), 4, 3, 2, 1, 0],
            [uint256(2), 0, 4, 1, 5, 3],
            [uint256(1), 2, 3, 4, 5, 0],
            [uint256(3), 4, 1, 2, 0, 5]
        ];
        for (uint256 i = 0; i < orders.length; ++i) {
            vm.assertEq(_blob("", _join(best, orders[i])), expected);
        }
        for (uint256 i = 0; i < 6; ++i) {
            uint256 place = 2 + LEVEL_BYTES * i;
            vm.assertEq(uint256(uint8(expected[place])), best[i][0]);
            vm.assertEq(uint256(uint8(expected[place + 31])), best[i][2]);
            vm.assertEq(uint256(uint8(expected[place + 32])) << 8 | uint8(expected[place + 33]), best[i][1]);
        }
    }

    /// A level that no platform reaches is no level; cut to a byte, it would be one that every platform reaches.
    function test_level_beyond_every_platform() public view {
        string memory good = _level(3, 9, 2);
        bytes memory expected = _blob("", good);
        vm.assertEq(_blob("", string.concat(_level(256, 0, 0), ",", good)), expected);
        vm.assertEq(_blob("", string.concat(good, ",", _level(1, 0, 65_535))), expected);
        vm.assertEq(uint256(uint8(_blob("", _level(256, 0, 256))[0])), 0);
    }

    function test_too_many_levels() public {
        string memory levels = _level(1, 1, 1);
        for (uint256 i = 1; i < MAX_LEVELS; ++i) {
            levels = string.concat(levels, ",", _level(1, 1, 1));
        }
        vm.assertEq(uint256(uint8(_blob("", levels)[0])), MAX_LEVELS);
        // One that counts for nothing is not counted.
        vm.assertEq(uint256(uint8(_blob("", string.concat(levels, ",", _level(256, 1, 1)))[0])), MAX_LEVELS);
        bytes memory document = _document("", string.concat(levels, ",", _level(1, 1, 1)));
        vm.expectRevert(abi.encodeWithSelector(DocumentReader.TooMany.selector, MAX_LEVELS));
        _reader.tcbInfo(document);
    }

    /// Of TDX 1.0 only: no identities, or none in the list of them.
    function test_without_identities() public view {
        string memory level = _level(3, 9, 2);
        bytes memory blob = _blob("", level);
        vm.assertEq(uint256(uint8(blob[1])), 0);
        vm.assertEq(_blob(',"tdxModuleIdentities":[]', level), blob);
    }

    function test_too_many_identities() public {
        string memory identities = _identities(MAX_IDENTITIES);
        bytes memory blob = _blob(identities, _level(3, 9, 2));
        vm.assertEq(uint256(uint8(blob[1])), MAX_IDENTITIES);
        vm.assertEq(blob.length, 2 + LEVEL_BYTES + 64 + MAX_IDENTITIES * IDENTITY_BYTES);
        bytes memory document = _document(_identities(MAX_IDENTITIES + 1), _level(3, 9, 2));
        vm.expectRevert(abi.encodeWithSelector(DocumentReader.TooMany.selector, MAX_IDENTITIES));
        _reader.tcbInfo(document);
    }

    function test_too_many_levels_of_a_component() public {
        _reader.qeIdentity(_qeIdentity(MAX_QE_LEVELS));
        bytes memory document = _qeIdentity(MAX_QE_LEVELS + 1);
        vm.expectRevert(abi.encodeWithSelector(DocumentReader.TooMany.selector, MAX_QE_LEVELS));
        _reader.qeIdentity(document);
    }

    function _blob(string memory identities, string memory levels) private view returns (bytes memory blob) {
        (,, blob) = _reader.tcbInfo(_document(identities, levels));
    }

    function _document(string memory identities, string memory levels) private pure returns (bytes memory) {
        return bytes(
            string.concat(
                '{"id":"TDX","version":3,',
                DATES,
                '"fmspc":"FA4E00000001","pceId":"0000","tcbType":0,"tcbEvaluationDataNumber":19,"tdxModule":{',
                _module(),
                "}",
                identities,
                ',"tcbLevels":[',
                levels,
                "]}"
            )
        );
    }

    function _qeIdentity(uint256 count) private pure returns (bytes memory) {
        string memory zeros = "00000000000000000000000000000000";
        return bytes(
            string.concat(
                '{"id":"TD_QE","version":2,',
                DATES,
                '"tcbEvaluationDataNumber":19,"miscselect":"00000000","miscselectMask":"FFFFFFFF","attributes":"',
                zeros,
                '","attributesMask":"',
                zeros,
                '","mrsigner":"',
                zeros,
                zeros,
                '","isvprodid":2,"tcbLevels":[',
                _svnLevels(count),
                "]}"
            )
        );
    }

    function _identities(uint256 count) private pure returns (string memory identities) {
        for (uint256 i = 0; i < count; ++i) {
            identities = string.concat(
                identities,
                i == 0 ? "" : ",",
                '{"id":"TDX_',
                vm.toString(10 + i),
                '",',
                _module(),
                ',"tcbLevels":[',
                _svnLevels(1),
                "]}"
            );
        }
        return string.concat(',"tdxModuleIdentities":[', identities, "]");
    }

    function _module() private pure returns (string memory) {
        string memory zeros = "00000000000000000000000000000000";
        return string.concat(
            '"mrsigner":"',
            zeros,
            zeros,
            zeros,
            '","attributes":"0000000000000000","attributesMask":"FFFFFFFFFFFFFFFF"'
        );
    }

    function _svnLevels(uint256 count) private pure returns (string memory levels) {
        for (uint256 i = 0; i < count; ++i) {
            levels = string.concat(
                levels, i == 0 ? "" : ",", '{"tcb":{"isvsvn":', vm.toString(i), "}", TCB_DATE, 'UpToDate"}'
            );
        }
    }

    function _join(uint256[3][6] memory levels, uint256[6] memory order)
        private
        pure
        returns (string memory text)
    {
        for (uint256 i = 0; i < order.length; ++i) {
            uint256[3] memory level = levels[order[i]];
            text = string.concat(text, i == 0 ? "" : ",", _level(level[0], level[1], level[2]));
        }
    }

    /// First component of SGX, PCESVN, and last component of TDX; the others are zero.
    function _level(uint256 sgx, uint256 pceSvn, uint256 tdx) private pure returns (string memory) {
        string memory zeros = '{"svn":0}';
        for (uint256 i = 1; i < 15; ++i) {
            zeros = string.concat(zeros, ',{"svn":0}');
        }
        return string.concat(
            '{"tcb":{"sgxtcbcomponents":[{"svn":',
            vm.toString(sgx),
            "},",
            zeros,
            '],"pcesvn":',
            vm.toString(pceSvn),
            ',"tdxtcbcomponents":[',
            zeros,
            string.concat(',{"svn":', vm.toString(tdx), "}]}", TCB_DATE, 'UpToDate"}')
        );
    }
}
