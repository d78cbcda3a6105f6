// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice One slot of what Intel certified of a platform's key: SGX component SVNs (16 bytes), FMSPC (48 bits), PCESVN
/// (16), end of validity of leaf and CA (32), number (24), edition of the CA (4), revoked (1), Processor CA (1).
type Pck is uint256;

using PckLib for Pck global;

/// @title Fields of `Pck`
/// @notice Shifts and masks.
library PckLib {
    uint256 private constant REVOKED = 1 << 4;
    uint256 private constant PROCESSOR = 1 << 5;

    uint256 internal constant MAX_NUMBER = 0xffffff;

    /// @notice Everything in its place.
    /// @param ofCa 1 Platform CA, 2 Processor CA
    function pack(
        uint256 componentSvns,
        uint256 family,
        uint256 pce,
        uint256 end,
        uint256 index,
        uint256 caEdition,
        uint256 ofCa
    ) internal pure returns (Pck) {
        unchecked {
            if (end > type(uint32).max) end = type(uint32).max;
            return Pck.wrap(
                componentSvns << 128 | family << 80 | pce << 64 | end << 32 | index << 8
                    | (ofCa == 2 ? PROCESSOR : 0) | caEdition
            );
        }
    }

    /// @notice In the upper half of the word, component 1 first.
    function svns(Pck p) internal pure returns (uint256) {
        return Pck.unwrap(p) >> 128 << 128;
    }

    function fmspc(Pck p) internal pure returns (uint256) {
        return (Pck.unwrap(p) >> 80) & 0xffffffffffff;
    }

    function pceSvn(Pck p) internal pure returns (uint256) {
        return (Pck.unwrap(p) >> 64) & 0xffff;
    }

    /// @notice All that a TCB status follows from: SVNs, FMSPC, PCESVN.
    function tcb(Pck p) internal pure returns (uint256) {
        return Pck.unwrap(p) >> 64;
    }

    function notAfter(Pck p) internal pure returns (uint256) {
        return (Pck.unwrap(p) >> 32) & 0xffffffff;
    }

    /// @notice From 1; zero for a key that nobody brought.
    function number(Pck p) internal pure returns (uint256) {
        return (Pck.unwrap(p) >> 8) & 0xffffff;
    }

    function edition(Pck p) internal pure returns (uint256) {
        return Pck.unwrap(p) & 0xf;
    }

    function isRevoked(Pck p) internal pure returns (bool) {
        return Pck.unwrap(p) & REVOKED != 0;
    }

    function revoked(Pck p) internal pure returns (Pck) {
        return Pck.wrap(Pck.unwrap(p) | REVOKED);
    }

    /// @notice 1 Platform CA, 2 Processor CA.
    function ca(Pck p) internal pure returns (uint256) {
        return Pck.unwrap(p) & PROCESSOR == 0 ? 1 : 2;
    }
}
