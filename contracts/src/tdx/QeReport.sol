// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {DerReader} from "./DerReader.sol";
import {P256} from "./P256.sol";
import {QeIdentityReader} from "./QeIdentityReader.sol";
import {Sha256} from "./Sha256.sol";
import {TdxQuote} from "./TdxQuote.sol";
import {ITdxVerifier} from "./interfaces/ITdxVerifier.sol";

/// @title The quoting enclave's report in the signature data of a quote
/// @notice By it the platform's key vouches for the attestation key. `signature` is where the signature data starts.
library QeReport {
    /// Places in the signature data.
    uint256 private constant REPORT = 134;
    uint256 private constant REPORT_SIGNATURE = 518;
    uint256 private constant AUTH_DATA = 584;
    /// Places in the report.
    uint256 private constant MISC_SELECT = 16;
    uint256 private constant ATTRIBUTES = 48;
    uint256 private constant MR_SIGNER = 128;
    uint256 private constant ISV_PROD_ID = 256;
    uint256 private constant ISV_SVN = 258;
    uint256 private constant REPORT_DATA = 320;
    uint256 private constant REPORT_BYTES = 384;
    uint256 private constant SGX_DEBUG = 0x02;

    /// @notice The chain from the platform's key to the attestation key.
    function faultOf(uint256 signature, uint256 authLength, bytes32 x, bytes32 y, address backend)
        internal
        view
        returns (ITdxVerifier.Fault)
    {
        unchecked {
            uint256 report = signature + REPORT;
            bytes32 hash = Sha256.ofCalldata(
                signature + TdxQuote.ATTESTATION_KEY, 64, signature + AUTH_DATA, authLength
            );
            uint256 wrong = uint256(hash) ^ DerReader.load(report + REPORT_DATA);
            if (wrong | DerReader.load(report + REPORT_DATA + 32) != 0) return ITdxVerifier.Fault.QE_BINDING;
            hash = Sha256.ofCalldata(report, REPORT_BYTES);
            bytes32 r = bytes32(DerReader.load(signature + REPORT_SIGNATURE));
            bytes32 s = bytes32(DerReader.load(signature + REPORT_SIGNATURE + 32));
            if (!P256.verify(backend, hash, r, s, x, y)) return ITdxVerifier.Fault.QE_SIGNATURE;
            return (DerReader.load(report + ATTRIBUTES) >> 248) & SGX_DEBUG == 0
                ? ITdxVerifier.Fault.NONE
                : ITdxVerifier.Fault.QE_DEBUG;
        }
    }

    /// @notice Hash of what the enclave is under the masks of an identity, as QeIdentityReader stores it.
    /// @param masks in the upper 160 bits
    function enclaveHash(uint256 signature, uint256 masks) internal pure returns (uint256) {
        unchecked {
            uint256 report = signature + REPORT;
            return QeIdentityReader.hashEnclave(
                (DerReader.load(report + MISC_SELECT) & (masks << 128)) >> 224,
                (DerReader.load(report + ATTRIBUTES) & masks) >> 128,
                DerReader.load(report + MR_SIGNER),
                TdxQuote.littleEndian16(report + ISV_PROD_ID),
                masks >> 96
            );
        }
    }

    /// @notice Its security version.
    function isvSvn(uint256 signature) internal pure returns (uint256) {
        unchecked {
            return TdxQuote.littleEndian16(signature + REPORT + ISV_SVN);
        }
    }
}
