// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {CollateralReader} from "./CollateralReader.sol";
import {DerReader} from "./DerReader.sol";
import {DocumentReader} from "./DocumentReader.sol";
import {JsonCursor} from "./JsonCursor.sol";

/// @title Identity of the TD quoting enclave, version 2 (Intel PCS API v4)
/// @notice Stored in words: first four levels and a fingerprint (64 bits), for the caller to add dates to, so that whoever
/// has matched an enclave before reads no more; then the masks, attributes (128) and miscselect (32), and the rest (96) of
/// the hash that starts with the fingerprint, of masks and what an enclave's report must say under them; then ten
/// levels a word. A level is 24 bits from the top: SVN (16), status (8), best first; an unused place is `NO_LEVEL`.
library QeIdentityReader {
    uint256 internal constant LEVELS_FIRST = 4;
    uint256 internal constant LEVELS_A_WORD = 10;
    /// SVN 65535 with a status that does not exist: an enclave with it would still be refused.
    uint256 internal constant NO_LEVEL = 0xffffff;
    uint256 private constant MAX_LEVELS = 54;
    /// In the first word.
    uint256 private constant LEVELS_SHIFT = 160;
    uint256 private constant FINGERPRINT_SHIFT = 96;
    /// Of the hash, in the second word.
    uint256 private constant REST_BITS = 96;

    function read(bytes calldata document)
        internal
        pure
        returns (CollateralReader.Head memory head, uint256[] memory words)
    {
        (uint256 pos, uint256 end) = DocumentReader.bounds(document);
        pos = JsonCursor.expect(pos, '{"id":"TD_QE","version":2,', 26);
        pos = DocumentReader.dates(pos, head);
        (head.evaluationNumber, pos) = DocumentReader.evaluationNumber(pos);
        uint256 masks;
        uint256 expected;
        (masks, expected, pos) = _enclave(pos);
        uint256[] memory levels;
        (levels, pos) = DocumentReader.svnLevels(JsonCursor.expect(pos, ',"tcbLevels":', 13), MAX_LEVELS);
        pos = JsonCursor.expect(pos, "}", 1);
        DerReader.requireEnd(pos, end);
        words = _words(masks, expected, levels);
    }

    /// @notice The first four levels of a first word.
    function firstLevels(uint256 head) internal pure returns (uint256) {
        return head >> LEVELS_SHIFT;
    }

    /// @notice Fingerprint of a first word. Documents by Intel are what it tells apart, not enclaves by anyone.
    function fingerprint(uint256 head) internal pure returns (uint256) {
        return (head >> FINGERPRINT_SHIFT) & type(uint64).max;
    }

    /// @notice The whole hash of first and second word.
    function expectedHash(uint256 head, uint256 second) internal pure returns (uint256) {
        return fingerprint(head) << REST_BITS | (second & type(uint96).max);
    }

    /// @notice Hash of what a report says: miscselect and attributes under their masks, MRSIGNER, ISVPRODID; and of the masks
    /// (160 bits). 160 bits of it.
    function hashEnclave(
        uint256 miscSelect,
        uint256 attributes,
        uint256 mrSigner,
        uint256 isvProdId,
        uint256 masks
    ) internal pure returns (uint256 hash) {
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, or(or(shl(128, attributes), shl(32, miscSelect)), isvProdId))
            mstore(add(free, 0x20), mrSigner)
            mstore(add(free, 0x40), masks)
            hash := shr(96, keccak256(free, 0x60))
        }
    }

    function _enclave(uint256 pos) private pure returns (uint256 masks, uint256 expected, uint256 next) {
        uint256 miscSelect;
        uint256 miscMask;
        uint256 attributes;
        uint256 mrSigner;
        uint256 value;
        pos = JsonCursor.expect(pos, ',"miscselect":"', 15);
        (miscSelect, pos) = JsonCursor.hexNumber(pos, 8);
        pos = JsonCursor.expect(pos, '","miscselectMask":"', 20);
        (miscMask, pos) = JsonCursor.hexNumber(pos, 8);
        pos = JsonCursor.expect(pos, '","attributes":"', 16);
        (attributes, pos) = JsonCursor.hexNumber(pos, 32);
        pos = JsonCursor.expect(pos, '","attributesMask":"', 20);
        (value, pos) = JsonCursor.hexNumber(pos, 32);
        masks = value << 32 | miscMask;
        pos = JsonCursor.expect(pos, '","mrsigner":"', 14);
        (mrSigner, pos) = JsonCursor.hexNumber(pos, 32);
        (value, pos) = JsonCursor.hexNumber(pos, 32);
        mrSigner = mrSigner << 128 | value;
        pos = JsonCursor.expect(pos, '","isvprodid":', 14);
        (value, next) = JsonCursor.number(pos, 0xffff);
        expected = hashEnclave(miscSelect, attributes, mrSigner, value, masks);
    }

    function _words(uint256 masks, uint256 expected, uint256[] memory levels)
        private
        pure
        returns (uint256[] memory words)
    {
        uint256 more = levels.length > LEVELS_FIRST ? levels.length - LEVELS_FIRST : 0;
        words = new uint256[](2 + (more + LEVELS_A_WORD - 1) / LEVELS_A_WORD);
        words[0] = _pack(levels, 0, LEVELS_FIRST) << LEVELS_SHIFT | expected >> REST_BITS << FINGERPRINT_SHIFT;
        words[1] = masks << REST_BITS | (expected & type(uint96).max);
        for (uint256 i = 2; i < words.length; ++i) {
            words[i] = _pack(levels, LEVELS_FIRST + (i - 2) * LEVELS_A_WORD, LEVELS_A_WORD);
        }
    }

    /// `count` levels from an index on, the last one in the lowest bits.
    function _pack(uint256[] memory levels, uint256 index, uint256 count)
        private
        pure
        returns (uint256 word)
    {
        for (uint256 i = index; i < index + count; ++i) {
            word = word << 24 | (i < levels.length ? levels[i] : NO_LEVEL);
        }
    }
}
