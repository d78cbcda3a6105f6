// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice One slot of what every check needs: until when the lists of root, Platform CA and Processor CA and of evaluation
/// numbers count (40 bits each), which editions of an authority are revoked (8 bits each for Platform CA, Processor CA
/// and TCB signing), and the standard evaluation number, now (16) and from a time (40) on (16).
type Freshness is uint256;

using FreshnessLib for Freshness global;

/// @title Fields of `Freshness`
/// @notice Shifts and masks.
library FreshnessLib {
    uint256 private constant REVOKED_SHIFT = 160;
    uint256 private constant STANDARD_SHIFT = 184;
    uint256 private constant MASK_40 = 0xffffffffff;

    /// Index of the list of evaluation numbers, behind root (0), Platform CA (1) and Processor CA (2).
    uint256 internal constant NUMBERS = 3;

    /// @notice Until when a list counts, that second included.
    function until(Freshness f, uint256 list) internal pure returns (uint256) {
        unchecked {
            return (Freshness.unwrap(f) >> (40 * list)) & MASK_40;
        }
    }

    function withUntil(Freshness f, uint256 list, uint256 time) internal pure returns (Freshness) {
        unchecked {
            uint256 shift = 40 * list;
            return Freshness.wrap((Freshness.unwrap(f) & ~(MASK_40 << shift)) | (time << shift));
        }
    }

    /// @notice Whether an edition of an authority is revoked.
    /// @param authority 1 Platform CA, 2 Processor CA, 3 TCB signing
    function isRevoked(Freshness f, uint256 authority, uint256 edition) internal pure returns (bool) {
        unchecked {
            return (Freshness.unwrap(f) >> (REVOKED_SHIFT + 8 * (authority - 1) + edition)) & 1 != 0;
        }
    }

    function withRevoked(Freshness f, uint256 authority, uint256 edition) internal pure returns (Freshness) {
        unchecked {
            return
                Freshness.wrap(Freshness.unwrap(f) | (1 << (REVOKED_SHIFT + 8 * (authority - 1) + edition)));
        }
    }

    /// @notice The standard evaluation number at that time; zero without a list.
    function standard(Freshness f, uint256 time) internal pure returns (uint256) {
        unchecked {
            uint256 word = Freshness.unwrap(f) >> STANDARD_SHIFT;
            uint256 nextFrom = word >> 32;
            return (nextFrom != 0 && time >= nextFrom ? word >> 16 : word) & 0xffff;
        }
    }

    function withStandard(Freshness f, uint256 now_, uint256 next, uint256 nextFrom)
        internal
        pure
        returns (Freshness)
    {
        unchecked {
            uint256 kept = Freshness.unwrap(f) & ((1 << STANDARD_SHIFT) - 1);
            return Freshness.wrap(kept | ((nextFrom << 32 | next << 16 | now_) << STANDARD_SHIFT));
        }
    }
}
