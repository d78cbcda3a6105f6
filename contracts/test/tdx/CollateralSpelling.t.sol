// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {DocumentReader} from "../../src/tdx/DocumentReader.sol";
import {JsonCursor} from "../../src/tdx/JsonCursor.sol";
import {TcbInfoReader} from "../../src/tdx/TcbInfoReader.sol";
import {CollateralFixture} from "./CollateralFixture.sol";

/// @title A signed document has one spelling
contract CollateralSpellingTest is CollateralFixture {
    /// Whatever byte of a document is another one, it is not read as the same document: it is refused, or it says
    /// something else.
    function test_every_byte_of_tcb_info() public {
        _sweep(abi.encodeCall(_reader.tcbInfo, (genuine.tcbInfo)));
    }

    function test_every_byte_of_qe_identity() public {
        _sweep(abi.encodeCall(_reader.qeIdentity, (genuine.qeIdentity)));
    }

    function test_every_byte_of_evaluation_numbers() public {
        _sweep(abi.encodeCall(_reader.evaluationNumbers, (genuine.numbers, genuine.time)));
    }

    function test_spellings_that_are_refused() public {
        string[2][23] memory changes = [
            ['"id":"TDX"', '"id":"SGX"'],
            ['"version":3', '"version":2'],
            ['"version":3', '"version":03'],
            ['"version":3', '"version": 3'],
            ['"tcbType":0', '"tcbType":1'],
            ['"pceId":"0000"', '"pceId":"0001"'],
            ['"fmspc":"', '"fmspc":"0'],
            ['{"id"', ' {"id"'],
            ['{"svn":3}', '{"svn":03}'],
            ['{"svn":3}', '{"svn":65536}'],
            ['{"svn":3}', '{"svn":-3}'],
            ['{"svn":3}', '{"svn":"3"}'],
            ['{"svn":3}', '{"svn":3,"other":1}'],
            ['{"svn":3}', '{"svn":3,"type":"x","category":"y"}'],
            ['{"svn":3},', ""],
            ['"pcesvn":13', '"pcesvn":1000000'],
            ['"tcbStatus":"UpToDate"', '"tcbStatus":"Uptodate"'],
            ['"tcbStatus":"UpToDate"', '"tcbStatus":"UpToDateX"'],
            ['"tcbStatus":"OutOfDate","advisoryIDs":["', '"tcbStatus":"OutOfDate","advisoryIDs":[1,"'],
            ["T00:00:00Z", " 00:00:00Z"],
            ["T00:00:00Z", "T00:00:00z"],
            ["T00:00:00Z", "T24:00:00Z"],
            ['"TDX_', '"TDY_']
        ];
        for (uint256 i = 0; i < changes.length; ++i) {
            vm.assertFalse(_accepted(_replace(genuine.tcbInfo, changes[i][0], changes[i][1])), changes[i][1]);
        }
        vm.assertFalse(_accepted(bytes.concat(genuine.tcbInfo, "}")));
        vm.assertFalse(_accepted(bytes.concat(genuine.tcbInfo, " ")));
        vm.assertFalse(_accepted(_slice(genuine.tcbInfo, 0, genuine.tcbInfo.length - 1)));
    }

    function test_spellings_that_are_the_same() public {
        string[2][5] memory changes = [
            ['{"svn":3}', '{"svn":3,"category":"BIOS"}'],
            ['{"svn":3}', '{"svn":3,"category":"OS/VMM","type":"TXT SINIT"}'],
            ['{"svn":3}', '{"svn":3,"type":"Early Microcode Update"}'],
            ['"FA4E00000001"', '"fa4e00000001"'],
            ['"tcbStatus":"UpToDate"', '"tcbStatus":"UpToDate","advisoryIDs":[]']
        ];
        (,, bytes memory blob) = _reader.tcbInfo(genuine.tcbInfo);
        for (uint256 i = 0; i < changes.length; ++i) {
            (, uint256 fmspc, bytes memory other) =
                _reader.tcbInfo(_replace(genuine.tcbInfo, changes[i][0], changes[i][1]));
            vm.assertEq(other, blob);
            vm.assertEq(fmspc, uint48(FMSPC));
        }
    }

    /// What Intel signs for SGX is refused by its own id, and each document in the place of another.
    function test_wrong_kind() public {
        vm.expectPartialRevert(JsonCursor.UnexpectedText.selector);
        verifier.upsertQeIdentity(genuine.tcbInfo, genuine.tcbInfoSignature);
        vm.expectPartialRevert(JsonCursor.UnexpectedText.selector);
        verifier.upsertTcbInfo(genuine.qeIdentity, genuine.qeIdentitySignature);
        vm.expectPartialRevert(JsonCursor.UnexpectedText.selector);
        verifier.upsertTcbInfo(genuine.numbers, genuine.numbersSignature);
        bytes memory document = _replace(genuine.qeIdentity, '"TD_QE"', '"QE"');
        bytes memory signature = _signDocument(document);
        vm.expectPartialRevert(JsonCursor.UnexpectedText.selector);
        verifier.upsertQeIdentity(document, signature);
    }

    function test_module_levels_and_identities() public {
        vm.expectPartialRevert(TcbInfoReader.VersionNotUpperCase.selector);
        _reader.tcbInfo(_replace(genuine.tcbInfo, '"TDX_01"', '"TDX_0a"'));
        _reader.tcbInfo(_replace(genuine.tcbInfo, '"TDX_01"', '"TDX_0A"'));
        vm.expectPartialRevert(DocumentReader.UnknownStatus.selector);
        _reader.qeIdentity(_replace(genuine.qeIdentity, '"UpToDate"', '"ConfigurationNeeded"'));
        bytes memory identity = _identity(genuine.tcbInfo);
        bytes memory twice =
            _replace(genuine.tcbInfo, string(identity), string(bytes.concat(identity, ",", identity)));
        vm.expectRevert(abi.encodeWithSelector(TcbInfoReader.IdentityTwice.selector, 3));
        _reader.tcbInfo(twice);
    }

    /// More levels than fit one word.
    function test_many_qe_levels() public {
        string memory levels = "";
        for (uint256 svn = 30; svn > 3; --svn) {
            string memory level = string.concat(
                '{"tcb":{"isvsvn":',
                vm.toString(svn),
                '},"tcbDate":"2025-05-14T00:00:00Z","tcbStatus":"',
                svn > 4 ? "UpToDate" : "OutOfDate",
                '"}'
            );
            levels = string.concat(levels, bytes(levels).length == 0 ? "" : ",", level);
        }
        bytes memory document = _replace(
            _replace(genuine.qeIdentity, "2026-06-14T12:00:00Z", "2026-06-14T12:00:01Z"),
            '"tcbLevels":[',
            string.concat('"tcbLevels":[', levels, ",")
        );
        verifier.upsertQeIdentity(document, _signDocument(document));
        // ISVSVN 4 is the 27th level of the list.
        vm.assertEq(_verify(genuine.quote).tcbStatus, 4);
        bytes memory quote = _resignReport(_with(genuine.quote, 770 + 258, 2));
        vm.assertEq(_verify(quote).tcbStatus, 4);
    }

    function test_sorted_whatever_the_order() public {
        (, uint256[] memory words) = _reader.qeIdentity(genuine.qeIdentity);
        bytes memory swapped = _replace(genuine.qeIdentity, '"isvsvn":4', '"isvsvn":9');
        swapped = _replace(swapped, '"isvsvn":2', '"isvsvn":4');
        swapped = _replace(swapped, '"isvsvn":9', '"isvsvn":2');
        (, uint256[] memory others) = _reader.qeIdentity(swapped);
        // 4 first in both; which status it has is what differs.
        vm.assertEq((words[0] >> 240) & 0xffff, 4);
        vm.assertEq((others[0] >> 240) & 0xffff, 4);
        vm.assertNotEq(bytes32(words[0]), bytes32(others[0]));
    }

    /// A read that runs past the document is never accepted, whatever follows it in calldata.
    function testFuzz_truncated_documents(uint256 length) public view {
        length = _bound(length, 0, genuine.tcbInfo.length - 1);
        bytes memory payload = abi.encodeCall(_reader.tcbInfo, (genuine.tcbInfo));
        payload = _put(payload, 0x24, bytes32(length));
        (bool ok,) = address(_reader).staticcall(payload);
        vm.assertFalse(ok);
    }

    function testFuzz_noise_is_no_document(bytes calldata noise) public view {
        (bool ok,) = address(_reader).staticcall(abi.encodeCall(_reader.tcbInfo, (noise)));
        vm.assertFalse(ok);
        (ok,) = address(_reader).staticcall(abi.encodeCall(_reader.qeIdentity, (noise)));
        vm.assertFalse(ok);
        (ok,) = address(_reader).staticcall(abi.encodeCall(_reader.evaluationNumbers, (noise, genuine.time)));
        vm.assertFalse(ok);
    }

    /// Every bit of the document in a call.
    function _sweep(bytes memory call) private view {
        (bool whole, bytes memory said) = address(_reader).staticcall(call);
        vm.assertTrue(whole);
        bytes32 expected = keccak256(said);
        uint256 start = 4 + uint256(_word(call, 4)) + 32;
        uint256 length = uint256(_word(call, start - 32));
        uint256 same;
        for (uint256 i = 0; i < length; ++i) {
            for (uint256 bit = 0; bit < 8; ++bit) {
                call[start + i] ^= bytes1(uint8(1 << bit));
                (bool ok, bytes memory other) = address(_reader).staticcall(call);
                if (ok && keccak256(other) == expected) ++same;
                call[start + i] ^= bytes1(uint8(1 << bit));
            }
        }
        // Dates of levels, texts of advisories and the case of hex digits are checked and not kept.
        vm.assertLt(same, length * 2);
    }

    /// The first identity with its braces.
    function _identity(bytes memory document) private pure returns (bytes memory) {
        uint256 start = _find(document, '{"id":"TDX_03"');
        return _slice(document, start, _find(document, ',{"id":"TDX_01"') - start);
    }

    function _find(bytes memory document, bytes memory wanted) private pure returns (uint256) {
        for (uint256 i = 0; i + wanted.length <= document.length; ++i) {
            if (keccak256(_slice(document, i, wanted.length)) == keccak256(wanted)) return i;
        }
        revert("not there");
    }
}
