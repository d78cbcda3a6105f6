// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBindings} from "../interfaces/registry/IBindings.sol";

/// @notice What stands of a binding in one version of the endpoint: head of the chain of its grants (20 bytes), end (40 bits) and
/// evidence's block (40) of the latest, who judged it (8), whether the statement names GPUs (1), whether the owner approves
/// (1). The owner pays for the slot, and a renewal writes no other.
type GrantWord is uint256;

/// @notice How good the latest grant is: the verifier's note (25 bytes), TCB status (8 bits), tier (8), since when without a gap
/// (40).
type StandingWord is uint256;

using GrantWordLib for GrantWord global;
using StandingWordLib for StandingWord global;

/// @title Fields of `GrantWord`
/// @notice Shifts and masks.
library GrantWordLib {
    uint256 private constant APPROVED = 1;
    uint256 private constant NAMES_DEVICES = 2;
    uint256 private constant MARKS = APPROVED | NAMES_DEVICES;
    uint256 private constant MASK_40 = 0xffffffffff;

    /// @notice The word after one more grant; its marks stay.
    /// @param w before it
    /// @param head_ of the chain, this grant included
    /// @param until Unix seconds, 40 bits
    /// @param block_ number that the evidence names, 40 bits
    /// @param verifier index, 8 bits
    function granted(GrantWord w, bytes20 head_, uint256 until, uint256 block_, uint256 verifier)
        internal
        pure
        returns (GrantWord)
    {
        return GrantWord.wrap(
            uint256(bytes32(head_)) | (until & MASK_40) << 56 | (block_ & MASK_40) << 16 | (verifier & 0xff)
                << 8 | (GrantWord.unwrap(w) & MARKS)
        );
    }

    /// Approved, of a statement that names GPUs or none.
    function approved(GrantWord w, bool devices) internal pure returns (GrantWord) {
        uint256 rest = GrantWord.unwrap(w) & ~MARKS;
        return GrantWord.wrap(rest | (devices ? MARKS : APPROVED));
    }

    /// Approved no more.
    function withdrawn(GrantWord w) internal pure returns (GrantWord) {
        return GrantWord.wrap(GrantWord.unwrap(w) & ~APPROVED);
    }

    function isApproved(GrantWord w) internal pure returns (bool) {
        return GrantWord.unwrap(w) & APPROVED != 0;
    }

    function namesDevices(GrantWord w) internal pure returns (bool) {
        return GrantWord.unwrap(w) & NAMES_DEVICES != 0;
    }

    function verifierIndex(GrantWord w) internal pure returns (uint8) {
        return uint8(GrantWord.unwrap(w) >> 8);
    }

    /// @dev Zero while it was only approved.
    function blockNumber(GrantWord w) internal pure returns (uint40) {
        return uint40(GrantWord.unwrap(w) >> 16);
    }

    function validUntil(GrantWord w) internal pure returns (uint40) {
        return uint40(GrantWord.unwrap(w) >> 56);
    }

    function withValidUntil(GrantWord w, uint256 time) internal pure returns (GrantWord) {
        return GrantWord.wrap((GrantWord.unwrap(w) & ~(MASK_40 << 56)) | (time & MASK_40) << 56);
    }

    function head(GrantWord w) internal pure returns (bytes20) {
        return bytes20(bytes32(GrantWord.unwrap(w)));
    }
}

/// @title Fields of `StandingWord`
/// @notice Shifts and masks.
library StandingWordLib {
    /// @notice Everything in its place.
    /// @param record_ the verifier's own note
    /// @param tcb in the verifier's code
    /// @param tier_ that was shown
    /// @param from Unix seconds, 40 bits
    function pack(bytes25 record_, uint8 tcb, IBindings.Tier tier_, uint256 from)
        internal
        pure
        returns (StandingWord)
    {
        return StandingWord.wrap(
            uint256(bytes32(record_)) | uint256(tcb) << 48 | uint256(tier_) << 40 | uint256(uint40(from))
        );
    }

    function record(StandingWord w) internal pure returns (bytes25) {
        return bytes25(bytes32(StandingWord.unwrap(w)));
    }

    function tcbStatus(StandingWord w) internal pure returns (uint8) {
        return uint8(StandingWord.unwrap(w) >> 48);
    }

    function tier(StandingWord w) internal pure returns (IBindings.Tier) {
        return IBindings.Tier(uint8(StandingWord.unwrap(w) >> 40));
    }

    function validFrom(StandingWord w) internal pure returns (uint40) {
        return uint40(StandingWord.unwrap(w));
    }
}
