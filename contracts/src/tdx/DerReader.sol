// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Strict DER over calldata
/// @notice Reads ITU-T X.690 where it lies: positions are offsets into calldata, nothing is copied. One encoding a value:
/// definite lengths in their shortest form, positive integers without padding. Whatever else comes reverts.
library DerReader {
    uint256 internal constant INTEGER = 0x02;
    uint256 internal constant BIT_STRING = 0x03;
    uint256 internal constant OCTET_STRING = 0x04;
    uint256 internal constant SEQUENCE = 0x30;
    uint256 internal constant EXPLICIT_0 = 0xa0;
    uint256 internal constant EXPLICIT_3 = 0xa3;

    uint256 private constant UTC_TIME = 0x17;
    uint256 private constant GENERALIZED_TIME = 0x18;
    /// Two-digit years below are of this century (RFC 5280 §4.1.2.5.1).
    uint256 private constant CENTURY_PIVOT = 50;

    error UnexpectedTag(uint256 expected, uint256 actual);
    error BadLength(uint256 first);
    error Overrun(uint256 end, uint256 actual);
    error TrailingBytes(uint256 expected, uint256 actual);
    error BadInteger();
    error BadTime();

    /// @notice Tag and content of the element at `pos`, which must lie within `end`.
    function read(uint256 pos, uint256 end) internal pure returns (uint256 tag, uint256 start, uint256 stop) {
        unchecked {
            uint256 word = load(pos);
            tag = word >> 248;
            uint256 length = (word >> 240) & 0xff;
            start = pos + 2;
            if (length >= 0x80) {
                if (length == 0x81) {
                    length = (word >> 232) & 0xff;
                    require(length >= 0x80, BadLength(0x81));
                    start = pos + 3;
                } else {
                    require(length == 0x82, BadLength(length));
                    length = (word >> 224) & 0xffff;
                    require(length >= 0x100, BadLength(0x82));
                    start = pos + 4;
                }
            }
            stop = start + length;
            require(stop <= end, Overrun(end, stop));
        }
    }

    /// @notice Content of the element at `pos`, of that tag.
    function enter(uint256 pos, uint256 end, uint256 expected)
        internal
        pure
        returns (uint256 start, uint256 stop)
    {
        uint256 tag;
        (tag, start, stop) = read(pos, end);
        require(tag == expected, UnexpectedTag(expected, tag));
    }

    /// @notice Nothing between the last element and the end of what holds it.
    function requireEnd(uint256 pos, uint256 end) internal pure {
        require(pos == end, TrailingBytes(end, pos));
    }

    /// @notice A positive INTEGER of 32 bytes at most; the sign octet does not count.
    function integer(uint256 pos, uint256 end) internal pure returns (uint256 value, uint256 next) {
        unchecked {
            uint256 start;
            (start, next) = enter(pos, end, INTEGER);
            uint256 length = next - start;
            require(length != 0, BadInteger());
            value = load(start);
            uint256 first = value >> 248;
            require(first < 0x80, BadInteger());
            if (first == 0 && length > 1) {
                require((value >> 240) & 0xff >= 0x80, BadInteger());
                ++start;
                --length;
                value = load(start);
            }
            require(length <= 32, BadInteger());
            value >>= 256 - 8 * length;
        }
    }

    /// @notice UTCTime or GeneralizedTime of RFC 5280 §4.1.2.5 in Unix seconds.
    function time(uint256 pos, uint256 end) internal pure returns (uint256 seconds_, uint256 next) {
        unchecked {
            uint256 tag;
            uint256 start;
            (tag, start, next) = read(pos, end);
            uint256 word = load(start);
            uint256 year;
            if (tag == UTC_TIME) {
                require(next - start == 13, BadTime());
                year = _pair(word, 0);
                year += year < CENTURY_PIVOT ? 2000 : 1900;
                start = 2;
            } else {
                require(tag == GENERALIZED_TIME, UnexpectedTag(GENERALIZED_TIME, tag));
                require(next - start == 15, BadTime());
                year = _pair(word, 0) * 100 + _pair(word, 2);
                start = 4;
            }
            require(byteAt(word, start + 10) == 0x5a, BadTime());
            uint256 month = _pair(word, start);
            uint256 day = _pair(word, start + 2);
            uint256 hour = _pair(word, start + 4);
            uint256 minute = _pair(word, start + 6);
            uint256 second = _pair(word, start + 8);
            require(month - 1 < 12 && hour < 24 && minute < 60 && second < 60, BadTime());
            // 1950 is the earliest a UTCTime can say; Unix time here starts with 1970.
            require(year >= 1970 && day - 1 < daysOf(year, month), BadTime());
            seconds_ = daysSinceEpoch(year, month, day) * 1 days + hour * 3600 + minute * 60 + second;
        }
    }

    /// @notice Days of a month.
    function daysOf(uint256 year, uint256 month) internal pure returns (uint256) {
        unchecked {
            if (month != 2) return 30 + ((month + month / 8) & 1);
            bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            return leap ? 29 : 28;
        }
    }

    /// @notice Days from 1970-01-01 to a day of the Gregorian calendar; a day past the end of its month runs on.
    function daysSinceEpoch(uint256 year, uint256 month, uint256 day) internal pure returns (uint256) {
        unchecked {
            // Years that begin in March have their leap day last.
            if (month < 3) {
                --year;
                month += 12;
            }
            uint256 ofYear = (153 * (month - 3) + 2) / 5 + day - 1;
            return 365 * year + year / 4 - year / 100 + year / 400 + ofYear - 719_468;
        }
    }

    /// @notice The 32 bytes at a calldata offset.
    function load(uint256 pos) internal pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := calldataload(pos)
        }
    }

    /// @notice Byte `index` of a word, the first being 0.
    function byteAt(uint256 word, uint256 index) internal pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := byte(index, word)
        }
    }

    function _pair(uint256 word, uint256 index) private pure returns (uint256) {
        unchecked {
            uint256 tens = byteAt(word, index) - 0x30;
            uint256 ones = byteAt(word, index + 1) - 0x30;
            require(tens < 10 && ones < 10, BadTime());
            return tens * 10 + ones;
        }
    }
}
