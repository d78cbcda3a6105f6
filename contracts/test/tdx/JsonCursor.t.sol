// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {JsonCursor} from "../../src/tdx/JsonCursor.sol";
import {Test} from "../Test.sol";

/// @title The cursor as calls of its own, so that its reverts can be met
contract JsonHarness {
    function number(bytes calldata text, uint256 max) external pure returns (uint256 value, uint256 length) {
        uint256 start = _start(text);
        (value, length) = JsonCursor.number(start, max);
        length -= start;
    }

    function hexNumber(bytes calldata text, uint256 digits) external pure returns (uint256 value) {
        (value,) = JsonCursor.hexNumber(_start(text), digits);
    }

    function date(bytes calldata text, uint256 yearsLater) external pure returns (uint256 seconds_) {
        (seconds_,) = JsonCursor.date(_start(text), yearsLater);
    }

    function find(bytes calldata text, uint256 wanted) external pure returns (uint256) {
        uint256 start = _start(text);
        uint256 found = JsonCursor.find(start, wanted);
        return found == type(uint256).max ? found : found - start;
    }

    function skipString(bytes calldata text) external pure returns (uint256) {
        uint256 start = _start(text);
        // Behind the opening quote.
        return JsonCursor.skipString(start + 1) - start;
    }

    function expect(bytes calldata text, bytes32 literal, uint256 length) external pure returns (uint256) {
        uint256 start = _start(text);
        return JsonCursor.expect(start, literal, length) - start;
    }

    function _start(bytes calldata text) private pure returns (uint256 pos) {
        assembly ("memory-safe") {
            pos := text.offset
        }
    }
}

/// @title Strict JSON
contract JsonCursorTest is Test {
    JsonHarness private _json;

    function setUp() public {
        _json = new JsonHarness();
    }

    function testFuzz_number_round_trip(uint256 value) public view {
        value = _bound(value, 0, 999_999);
        string memory text = vm.toString(value);
        (uint256 actual, uint256 length) = _json.number(bytes(string.concat(text, "}")), 999_999);
        vm.assertEq(actual, value);
        vm.assertEq(length, bytes(text).length);
    }

    function test_numbers() public {
        string[6] memory bad = ["00}", "01}", "}", "-1}", "+1}", "1234567}"];
        for (uint256 i = 0; i < bad.length; ++i) {
            vm.expectPartialRevert(JsonCursor.BadNumber.selector);
            _json.number(bytes(bad[i]), 0xffff);
        }
        vm.expectRevert(abi.encodeWithSelector(JsonCursor.NumberTooLarge.selector, 255, 256));
        _json.number("256}", 255);
        (uint256 value,) = _json.number("0}", 255);
        vm.assertEq(value, 0);
    }

    function testFuzz_hex_round_trip(uint128 value, bool upper) public view {
        bytes memory digits = upper ? bytes("0123456789ABCDEF") : bytes("0123456789abcdef");
        bytes memory text = new bytes(32);
        for (uint256 i = 0; i < 32; ++i) {
            text[i] = digits[(value >> (4 * (31 - i))) & 0xf];
        }
        vm.assertEq(_json.hexNumber(text, 32), value);
        for (uint256 length = 2; length < 32; length += 2) {
            vm.assertEq(_json.hexNumber(text, length), value >> (4 * (32 - length)));
        }
    }

    /// Every byte in every place: digits and letters of both cases, and nothing else.
    function test_every_byte_of_hex() public view {
        for (uint256 place = 0; place < 32; place += 5) {
            bytes memory text = bytes("00000000000000000000000000000000");
            for (uint256 value = 0; value < 256; ++value) {
                text[place] = bytes1(uint8(value));
                bool isHex = (value >= 0x30 && value <= 0x39) || (value >= 0x41 && value <= 0x46)
                    || (value >= 0x61 && value <= 0x66);
                (bool ok,) = address(_json).staticcall(abi.encodeCall(_json.hexNumber, (text, 32)));
                vm.assertEq(ok, isHex);
            }
        }
    }

    function test_dates() public {
        vm.assertEq(_json.date("1970-01-01T00:00:00Z", 0), 0);
        vm.assertEq(_json.date("2026-06-15T12:00:00Z", 0), 1_781_524_800);
        vm.assertEq(_json.date("2024-02-29T23:59:59Z", 0), 1_709_251_199);
        // Twelve months after a leap day is the first of March.
        vm.assertEq(_json.date("2024-02-29T00:00:00Z", 1), _json.date("2025-03-01T00:00:00Z", 0));
        vm.assertEq(_json.date("2024-11-12T00:00:00Z", 1), _json.date("2025-11-12T00:00:00Z", 0));
        string[13] memory bad = [
            "2026-06-15T12:00:00z",
            "2026-06-15 12:00:00Z",
            "2026/06/15T12:00:00Z",
            "2026-00-15T12:00:00Z",
            "2026-13-15T12:00:00Z",
            "2026-06-00T12:00:00Z",
            "2026-06-31T12:00:00Z",
            "2026-02-29T12:00:00Z",
            "2026-06-15T24:00:00Z",
            "2026-06-15T12:60:00Z",
            "2026-06-15T12:00:60Z",
            "1969-12-31T23:59:59Z",
            "2026-06-15T12:00:0aZ"
        ];
        for (uint256 i = 0; i < bad.length; ++i) {
            vm.expectPartialRevert(JsonCursor.BadDate.selector);
            _json.date(bytes(bad[i]), 0);
        }
    }

    function testFuzz_date_is_that_of_the_calendar(uint256 day) public view {
        // 1970 to 2399.
        day = _bound(day, 0, 157_053);
        (uint256 year, uint256 month, uint256 ofMonth) = _civil(day);
        string memory text =
            string.concat(vm.toString(year), "-", _two(month), "-", _two(ofMonth), "T00:00:00Z");
        vm.assertEq(_json.date(bytes(text), 0), day * 1 days);
    }

    function testFuzz_find_is_the_first(bytes calldata text, uint8 wanted) public view {
        uint256 expected = type(uint256).max;
        for (uint256 i = 0; i < text.length && expected == type(uint256).max; ++i) {
            if (uint8(text[i]) == wanted) expected = i;
        }
        uint256 actual = _json.find(text, wanted);
        // Behind the text, calldata is padded with zeros.
        if (expected != type(uint256).max) vm.assertEq(actual, expected);
        else vm.assertTrue(actual >= text.length);
    }

    function test_strings() public {
        vm.assertEq(_json.skipString('"OS/VMM",'), 8);
        vm.assertEq(_json.skipString('"",'), 2);
        vm.expectRevert(JsonCursor.Unterminated.selector);
        _json.skipString('"a\\"b"');
        vm.expectRevert(JsonCursor.Unterminated.selector);
        _json.skipString('"no end');
    }

    function testFuzz_literals_are_whole(bytes32 literal, uint256 length, uint256 place) public {
        length = _bound(length, 1, 32);
        place = _bound(place, 0, 31);
        bytes memory text = abi.encodePacked(literal);
        vm.assertEq(_json.expect(text, literal, length), length);
        text[place] ^= 0x01;
        (bool ok,) = address(_json).staticcall(abi.encodeCall(_json.expect, (text, literal, length)));
        vm.assertEq(ok, place >= length);
    }

    /// Day by day, the slow way.
    function _civil(uint256 day) private pure returns (uint256 year, uint256 month, uint256 ofMonth) {
        year = 1970;
        while (day >= _yearDays(year)) {
            day -= _yearDays(year);
            ++year;
        }
        uint8[12] memory lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        if (_yearDays(year) == 366) lengths[1] = 29;
        while (day >= lengths[month]) {
            day -= lengths[month];
            ++month;
        }
        return (year, month + 1, day + 1);
    }

    function _yearDays(uint256 year) private pure returns (uint256) {
        return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 366 : 365;
    }

    function _two(uint256 value) private pure returns (string memory) {
        return string.concat(value < 10 ? "0" : "", vm.toString(value));
    }
}
