// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice One slot of what a full check showed of an attestation key: number of the platform's key (24 bits), ISVSVN of the
/// quoting enclave that named it (16), and the fingerprint (64) of the identity that this enclave matched.
type AttestationKey is uint256;

using AttestationKeyLib for AttestationKey global;

/// @title Fields of `AttestationKey`
/// @notice Shifts and masks. Zero is a key that nobody brought: numbers start from 1.
library AttestationKeyLib {
    function pack(uint256 platform, uint256 isvSvn, uint256 identity) internal pure returns (AttestationKey) {
        unchecked {
            return AttestationKey.wrap(platform << 80 | isvSvn << 64 | identity);
        }
    }

    /// @notice Of the platform's key.
    function number(AttestationKey k) internal pure returns (uint256) {
        return AttestationKey.unwrap(k) >> 80;
    }

    function qeIsvSvn(AttestationKey k) internal pure returns (uint256) {
        return (AttestationKey.unwrap(k) >> 64) & 0xffff;
    }

    function fingerprint(AttestationKey k) internal pure returns (uint256) {
        return AttestationKey.unwrap(k) & type(uint64).max;
    }

    /// @notice A later key of the platform, or the same and a higher ISVSVN; for keys of one identity.
    function isNewerThan(AttestationKey k, AttestationKey other) internal pure returns (bool) {
        return AttestationKey.unwrap(k) > AttestationKey.unwrap(other);
    }
}
