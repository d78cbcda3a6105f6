// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {DerReader} from "./DerReader.sol";

/// @title Strict JSON over calldata
/// @notice Reads the one spelling in which Intel serves signed documents: fixed members in fixed order, no white space, no
/// escapes. The bytes were signed, so that strictness is about never misreading: another spelling reverts, and nothing is
/// skipped but the text of strings. Positions are offsets into calldata and only grow; a reader that ends exactly where
/// the document ends has read nothing behind it.
library JsonCursor {
    uint256 private constant HIGH_BITS = 0x8080808080808080808080808080808080808080808080808080808080808080;
    uint256 private constant LOW_BITS = 0x7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f;
    uint256 private constant EVERY_BYTE = 0x0101010101010101010101010101010101010101010101010101010101010101;
    /// `-`, `-`, `T`, `:`, `:` and `Z` in their places of YYYY-MM-DDTHH:MM:SSZ, then nothing.
    uint256 private constant DATE_FORM = 0x000000002d00002d00005400003a00003a00005a000000000000000000000000;
    uint256 private constant DATE_FORM_MASK =
        0x00000000ff0000ff0000ff0000ff0000ff0000ff000000000000000000000000;
    uint256 private constant MAX_DIGITS = 6;

    error UnexpectedText(bytes32 expected, bytes32 actual);
    error BadNumber(bytes32 actual);
    error NumberTooLarge(uint256 max, uint256 actual);
    error BadHex(bytes32 actual);
    error BadDate(bytes32 actual);
    error Unterminated();

    /// @notice Exactly this text, of 32 bytes at most.
    function expect(uint256 pos, bytes32 text, uint256 length) internal pure returns (uint256) {
        unchecked {
            uint256 word = DerReader.load(pos);
            require((word ^ uint256(text)) >> (256 - 8 * length) == 0, UnexpectedText(text, bytes32(word)));
            return pos + length;
        }
    }

    /// @notice Whether this text is next, of 32 bytes at most.
    function isNext(uint256 pos, bytes32 text, uint256 length) internal pure returns (bool) {
        unchecked {
            return (DerReader.load(pos) ^ uint256(text)) >> (256 - 8 * length) == 0;
        }
    }

    /// @notice A decimal number of at most six digits, without leading zeros.
    function number(uint256 pos, uint256 max) internal pure returns (uint256 value, uint256 next) {
        unchecked {
            uint256 word = DerReader.load(pos);
            uint256 digit = (word >> 248) - 0x30;
            require(digit < 10, BadNumber(bytes32(word)));
            value = digit;
            uint256 length = 1;
            while (true) {
                digit = DerReader.byteAt(word, length) - 0x30;
                if (digit > 9) break;
                require(value != 0 && length < MAX_DIGITS, BadNumber(bytes32(word)));
                value = value * 10 + digit;
                ++length;
            }
            require(value <= max, NumberTooLarge(max, value));
            next = pos + length;
        }
    }

    /// @notice The value of `length` (32 at most, even) hex digits of either case, right-aligned.
    function hexNumber(uint256 pos, uint256 length) internal pure returns (uint256 value, uint256 next) {
        unchecked {
            uint256 word = DerReader.load(pos);
            // Short texts get zeros in front.
            uint256 shift = 256 - 8 * length;
            uint256 text = shift == 0 ? word : (word >> shift) | (EVERY_BYTE * 0x30) << (256 - shift);
            // Bit 7 of each byte: at least '0' and not above '9'; with bit 5 cleared, at least 'A' and not above 'F'.
            uint256 low = text & LOW_BITS;
            uint256 digits = (low + EVERY_BYTE * 0x50) & ~(low + EVERY_BYTE * 0x46);
            uint256 upper = low & ~(EVERY_BYTE * 0x20);
            uint256 letters = (upper + EVERY_BYTE * 0x3f) & ~(upper + EVERY_BYTE * 0x39);
            require(
                text & HIGH_BITS == 0 && (digits | letters) & HIGH_BITS == HIGH_BITS, BadHex(bytes32(word))
            );
            // A nibble in each byte, packed by halves.
            value = (text & (EVERY_BYTE * 0x0f)) + ((letters & HIGH_BITS) >> 7) * 9;
            value = (value | value >> 4) & 0x00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff;
            value = (value | value >> 8) & 0x0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff;
            value = (value | value >> 16) & 0x00000000ffffffff00000000ffffffff00000000ffffffff00000000ffffffff;
            value = (value | value >> 32) & 0x0000000000000000ffffffffffffffff0000000000000000ffffffffffffffff;
            value = (value | value >> 64) & 0xffffffffffffffffffffffffffffffff;
            next = pos + length;
        }
    }

    /// @notice YYYY-MM-DDTHH:MM:SSZ in Unix seconds, some years later.
    function date(uint256 pos, uint256 yearsLater) internal pure returns (uint256 seconds_, uint256 next) {
        unchecked {
            uint256 word = DerReader.load(pos);
            uint256 year = _pair(word, 0) * 100 + _pair(word, 2);
            uint256 month = _pair(word, 5);
            uint256 day = _pair(word, 8);
            uint256 hour = _pair(word, 11);
            uint256 minute = _pair(word, 14);
            uint256 second = _pair(word, 17);
            require(word & DATE_FORM_MASK == DATE_FORM, BadDate(bytes32(word)));
            require(
                year >= 1970 && month - 1 < 12 && day - 1 < DerReader.daysOf(year, month) && hour < 24
                    && minute < 60 && second < 60,
                BadDate(bytes32(word))
            );
            seconds_ = DerReader.daysSinceEpoch(year + yearsLater, month, day) * 1 days + hour * 3600 + minute
                * 60 + second;
            next = pos + 20;
        }
    }

    /// @notice A string from behind its opening quote to behind its closing one. A quote that was escaped ends it too soon
    /// and is refused.
    function skipString(uint256 pos) internal pure returns (uint256) {
        uint256 end = find(pos, 0x22);
        require(end != type(uint256).max && DerReader.load(end - 1) >> 248 != 0x5c, Unterminated());
        unchecked {
            return end + 1;
        }
    }

    /// @notice Position of the next such byte.
    function find(uint256 pos, uint256 wanted) internal pure returns (uint256) {
        unchecked {
            uint256 pattern = EVERY_BYTE * wanted;
            uint256 end;
            assembly ("memory-safe") {
                end := calldatasize()
            }
            while (pos < end) {
                uint256 word = DerReader.load(pos) ^ pattern;
                // Bit 7 of each byte that is zero; no carry leaves its byte.
                uint256 zeros = ~(((word & LOW_BITS) + LOW_BITS) | word | LOW_BITS);
                if (zeros != 0) {
                    uint256 leading;
                    assembly ("memory-safe") {
                        leading := clz(zeros)
                    }
                    return pos + (leading >> 3);
                }
                pos += 32;
            }
            return type(uint256).max;
        }
    }

    function _pair(uint256 word, uint256 index) private pure returns (uint256) {
        unchecked {
            uint256 tens = DerReader.byteAt(word, index) - 0x30;
            uint256 ones = DerReader.byteAt(word, index + 1) - 0x30;
            require(tens < 10 && ones < 10, BadDate(bytes32(word)));
            return tens * 10 + ones;
        }
    }
}
