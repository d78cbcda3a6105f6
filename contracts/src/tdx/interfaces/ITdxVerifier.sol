// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IIntelPki} from "./IIntelPki.sol";
import {ITdxCollateral} from "./ITdxCollateral.sol";

/// @title Intel TDX quotes, verified on chain
/// @notice Quotes of version 4 and 5 with TD reports of TDX 1.0 and 1.5, against collateral that anyone brought. Says whether
/// a quote is genuine and what Intel thinks of its platform; which software is acceptable is for the caller to judge.
/// No owner and nothing to set: no power can make an invalid quote pass.
/// A quote comes trimmed: cut just before the inner certification data, so that it ends with the auth data. The two
/// length fields of the untrimmed form are covered by no signature and not read. Signatures count in both forms of s, so
/// that the bytes of a quote are not its identity; header and body are.
interface ITdxVerifier is IIntelPki, ITdxCollateral {
    /// @notice What a genuine quote shows.
    struct Verdict {
        /// See TcbStatus; never REVOKED or UNRECOGNISED. 8 and 9 count as 4 and 5 for whoever needs an up-to-date platform.
        uint8 tcbStatus;
        /// The earliest end of what it rests on, that second included.
        uint40 validUntil;
        /// For `reevaluate`: the platform's key, TEE_TCB_SVN and ISVSVN of the quoting enclave.
        uint24 pckNumber;
        uint16 qeIsvSvn;
        bytes16 teeTcbSvn;
    }

    /// @notice What no passing of time can mend.
    enum Fault {
        NONE,
        /// The attestation key did not sign header and body.
        QUOTE_SIGNATURE,
        /// The QE report does not name the attestation key.
        QE_BINDING,
        /// The platform's key did not sign the QE report.
        QE_SIGNATURE,
        QE_DEBUG,
        /// Debug or profiling.
        TD_DEBUG,
        /// Bits of TDATTRIBUTES that nobody here knows.
        TD_ATTRIBUTES,
        /// Bits of XFAM that nobody here knows.
        TD_XFAM
    }

    /// @notice Reports of this attestation key can be checked alone.
    event AttestationKeyCached(bytes32 indexed attestationKeyHash, uint24 pckNumber, uint16 qeIsvSvn);

    error QuoteRefused(Fault fault);
    error PckUnknown(bytes32 keyHash);
    error PckKeyRevoked(bytes32 keyHash);
    error PckCaRevoked(Authority ca);
    error PckExpired(uint256 notAfter, uint256 time);
    error RevocationListExpired(Authority issuer, uint256 until, uint256 time);
    error EvaluationNumbersExpired(uint256 until, uint256 time);
    error QeIdentityExpired(uint256 evaluationNumber, uint256 until, uint256 time);
    error TcbInfoExpired(bytes6 fmspc, uint256 evaluationNumber, uint256 until, uint256 time);
    error CollateralSignerRevoked();
    error QeIdentityMismatch(uint256 expected, uint256 actual);
    error QeTcbNotSupported(uint256 isvSvn);
    error AttestationKeyUnknown(bytes32 attestationKeyHash);
    /// @notice Its quoting enclave matched another identity than the one in force: bringing it again mends that.
    error AttestationKeyStale(uint256 expected, uint256 actual);

    /// @notice Remembers of a quote that `verify` accepts whose attestation key it shows, so that `verifyWithCachedKey` takes later
    /// reports of that key on that platform without the part that certifies it; and which TCB status platform and module have
    /// under the levels of now, so that reports of the same TCB are not matched again. An older quote changes nothing and
    /// does not revert: the highest ISVSVN of the quoting enclave counts, then the newest module, then what came last.
    /// @return isNewer whether anything was remembered that was not before
    function cacheAttestationKey(bytes calldata quote, bytes32 x, bytes32 y) external returns (bool isNewer);

    /// @notice What is known of an attestation key on a platform, both by keccak256(x ‖ y). `isCurrent`: matched against the same
    /// identity of the quoting enclave as is standard now; else it is unknown, or must be brought again.
    function attestationKeyOf(bytes32 attestationKeyHash, bytes32 keyHash)
        external
        view
        returns (uint16 qeIsvSvn, bool isCurrent);

    /// @notice Against the collateral of the standard evaluation number. Reverts with the reason where the quote does not hold.
    /// @param quote trimmed
    /// @param x of the platform's key, whose certificate was cached
    /// @param y of the platform's key
    function verify(bytes calldata quote, bytes32 x, bytes32 y) external view returns (Verdict memory);

    /// @notice Against collateral of these numbers, whichever is standard: for whoever knows what they ask for.
    function verifyAt(
        bytes calldata quote,
        bytes32 x,
        bytes32 y,
        uint256 tcbInfoNumber,
        uint256 qeIdentityNumber
    ) external view returns (Verdict memory);

    /// @notice The same as `verify` of a quote whose attestation key was cached. Nothing is taken from then but which
    /// quoting enclave of the platform holds the key, and, where report, platform and levels say the same as then, what the
    /// levels said of them; all else is checked against the collateral of now.
    /// @param report a quote up to and including its attestation key: 764 bytes for version 4, 770 or 834 for version 5
    /// @param keyHash keccak256(x ‖ y) of the platform's key
    function verifyWithCachedKey(bytes calldata report, bytes32 keyHash)
        external
        view
        returns (Verdict memory);

    /// @notice What today's collateral says of a quote that was verified before. Reverts where it no longer holds, and where
    /// collateral has run out: bringing newer mends the latter. The status is that of the SVNs at launch.
    function reevaluate(uint256 pckNumber, bytes16 teeTcbSvn, uint256 qeIsvSvn)
        external
        view
        returns (uint8 tcbStatus, uint40 validUntil);

    /// @notice What is wrong with a quote for good, under the platform's key it is said to have; no collateral is asked.
    /// Reverts for what is no trimmed quote.
    function faultOf(bytes calldata quote, bytes32 x, bytes32 y) external view returns (Fault);

    /// @notice The same for a quote up to and including its attestation key, under that key: whoever has it signed this.
    /// Never a fault of the quoting enclave.
    function faultOfReport(bytes calldata report) external view returns (Fault);
}
