// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice One slot of what a full check showed of an attestation key on a platform: ISVSVN of the quoting enclave that named it
/// (16 bits), version and ISVSVN of the TDX module that the TD was launched under (8 each), TCB status of platform and
/// module (4), a fingerprint (156) of all that this status follows from, and one (64) of the identity that the enclave matched.
type AttestationKey is uint256;

using AttestationKeyLib for AttestationKey global;

/// @title Fields of `AttestationKey`
/// @notice Shifts and masks. Zero is a key that nobody brought.
library AttestationKeyLib {
    uint256 private constant SVNS_SHIFT = 224;
    uint256 private constant STATUS_SHIFT = 220;
    uint256 private constant TCB_SHIFT = 64;
    uint256 private constant MASK_156 = (1 << 156) - 1;

    /// @notice Everything in its place.
    /// @param isvSvn of the quoting enclave
    /// @param module version, then ISVSVN
    /// @param status of TcbMatch.evaluate
    /// @param tcb of TcbMatch.fingerprint
    /// @param identity of QeIdentityReader.fingerprint
    function pack(uint256 isvSvn, uint256 module, uint256 status, uint256 tcb, uint256 identity)
        internal
        pure
        returns (AttestationKey)
    {
        unchecked {
            return AttestationKey.wrap(
                (isvSvn << 16 | module) << SVNS_SHIFT | status << STATUS_SHIFT | tcb << TCB_SHIFT | identity
            );
        }
    }

    function isKnown(AttestationKey k) internal pure returns (bool) {
        return AttestationKey.unwrap(k) != 0;
    }

    function qeIsvSvn(AttestationKey k) internal pure returns (uint256) {
        return AttestationKey.unwrap(k) >> 240;
    }

    function tcbStatus(AttestationKey k) internal pure returns (uint256) {
        return (AttestationKey.unwrap(k) >> STATUS_SHIFT) & 0xf;
    }

    function tcbFingerprint(AttestationKey k) internal pure returns (uint256) {
        return (AttestationKey.unwrap(k) >> TCB_SHIFT) & MASK_156;
    }

    function identityFingerprint(AttestationKey k) internal pure returns (uint256) {
        return AttestationKey.unwrap(k) & type(uint64).max;
    }

    /// @notice Old quotes stay genuine and anyone may bring them: of one identity the highest ISVSVN of the quoting enclave counts,
    /// then the newest module; of quotes alike in both the one brought last, under the levels of then.
    function isNewerThan(AttestationKey k, AttestationKey other) internal pure returns (bool) {
        uint256 ours = AttestationKey.unwrap(k) >> SVNS_SHIFT;
        uint256 theirs = AttestationKey.unwrap(other) >> SVNS_SHIFT;
        return ours > theirs || (ours == theirs && AttestationKey.unwrap(k) != AttestationKey.unwrap(other));
    }
}
