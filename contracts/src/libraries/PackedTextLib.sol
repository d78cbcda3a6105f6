// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Short text in few slots
/// @notice The length stands in the first byte of the first word, so that a text of up to 31 bytes costs one slot and of up to
/// 63 bytes two: one less than a `string` of Solidity beyond 31 bytes.
library PackedTextLib {
    struct PackedText {
        mapping(uint256 index => bytes32 word) words;
    }

    /// @notice Bytes.
    uint256 internal constant MAX_LENGTH = 255;

    uint256 private constant FIRST_WORD_BYTES = 31;

    /// @notice Replaces the text; words of a longer one before stay behind it, unread.
    /// @param packed where
    /// @param text at most MAX_LENGTH bytes, which the caller checks
    function store(PackedText storage packed, string calldata text) internal {
        bytes calldata data = bytes(text);
        packed.words[0] = bytes32((data.length << 248) | (uint256(bytes32(data)) >> 8));
        for (uint256 i = FIRST_WORD_BYTES; i < data.length; i += 32) {
            packed.words[i / 32 + 1] = bytes32(data[i:]);
        }
    }

    /// @notice The text; empty where none was stored.
    /// @param packed where
    /// @return text as it was stored
    function load(PackedText storage packed) internal view returns (string memory text) {
        bytes32 first = packed.words[0];
        uint256 count = ((uint256(first) >> 248) + 32) / 32;
        // Room for all words, then the length: words are written one byte before the text begins, the first one's length
        // byte upon the last byte of the length.
        text = new string(count * 32);
        // solhint-disable-next-line no-inline-assembly
        assembly ("memory-safe") {
            mstore(text, 0)
            mstore(add(text, 31), first)
        }
        for (uint256 i = 1; i < count; ++i) {
            bytes32 word = packed.words[i];
            // solhint-disable-next-line no-inline-assembly
            assembly ("memory-safe") {
                mstore(add(text, add(31, mul(i, 32))), word)
            }
        }
    }
}
