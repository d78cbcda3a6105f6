// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {DerReader} from "./DerReader.sol";

/// @title Where things are in a trimmed TDX quote
/// @notice Header and TD report of Intel's quotes of version 4 and 5 (Intel TDX DCAP Quoting Library API, A.3 and A.4), cut
/// just before the inner certification data: the PEM chain of 3.7 kB never comes here. Positions are offsets into calldata.
library TdxQuote {
    /// Version 4 or 5, ECDSA P-256, TDX.
    uint256 private constant HEADER_V4 = 0x0400020081000000;
    uint256 private constant HEADER_V5 = 0x0500020081000000;
    uint256 private constant INTEL_QE_VENDOR = 0x939a7233f79c4ca9940a0db3957f0607;
    /// Type and size of the body, little-endian.
    uint256 private constant BODY_TD10 = 0x020048020000;
    uint256 private constant BODY_TD15 = 0x030088020000;
    uint256 private constant HEADER_BYTES = 48;
    uint256 private constant TD10_BYTES = 584;
    uint256 private constant TD15_BYTES = 648;
    /// Place of the attestation key in the signature data, and the end of it.
    uint256 internal constant ATTESTATION_KEY = 64;
    uint256 private constant ATTESTATION_KEY_END = 128;
    /// The signature data up to the auth data.
    uint256 private constant SIGNATURE_BYTES = 584;
    uint256 private constant CERTIFICATION_QE_REPORT = 0x0600;
    uint256 internal constant MAX_AUTH_BYTES = 1024;

    error QuoteTooShort(uint256 min, uint256 actual);
    error QuoteUnsupported(uint256 actual);
    error QeVendorUnknown(uint256 actual);
    error BodyUnsupported(uint256 actual);
    error CertificationUnsupported(uint256 actual);
    error AuthDataTooLong(uint256 max, uint256 actual);
    error QuoteLength(uint256 expected, uint256 actual);

    /// @notice Reads the parts that are not covered by a signature, and exactly the whole length.
    /// @return body the TD report; ahead of it, from the first byte, header and for version 5 a descriptor
    /// @return signature the signature data; what comes 4 bytes earlier and before is signed
    /// @return authLength of the auth data that it ends with
    function parse(bytes calldata quote)
        internal
        pure
        returns (uint256 body, uint256 signature, uint256 authLength)
    {
        unchecked {
            (body, signature) = _layout(quote, SIGNATURE_BYTES);
            uint256 word = DerReader.load(signature + 128) >> 240;
            require(word == CERTIFICATION_QE_REPORT, CertificationUnsupported(word));
            authLength = littleEndian16(signature + 582);
            require(authLength <= MAX_AUTH_BYTES, AuthDataTooLong(MAX_AUTH_BYTES, authLength));
            _requireEnd(quote, signature + SIGNATURE_BYTES + authLength);
        }
    }

    /// @notice The same for a quote that ends with its attestation key.
    function parseReport(bytes calldata report) internal pure returns (uint256 body, uint256 signature) {
        unchecked {
            (body, signature) = _layout(report, ATTESTATION_KEY_END);
            _requireEnd(report, signature + ATTESTATION_KEY_END);
        }
    }

    /// @notice Whether the TD report is that of TDX 1.5, with the SVNs of now and MRSERVICETD.
    function isTd15(uint256 body, uint256 signature) internal pure returns (bool) {
        unchecked {
            return signature - body == TD15_BYTES + 4;
        }
    }

    /// @notice keccak256(x ‖ y) of the attestation key.
    function attestationKeyHash(uint256 signature) internal pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            calldatacopy(0x00, add(signature, ATTESTATION_KEY), 0x40)
            hash := keccak256(0x00, 0x40)
        }
    }

    /// @notice The TD report of a quote that was judged, and whether it is that of TDX 1.5.
    function bodyOf(bytes calldata quote) internal pure returns (uint256 body, bool is15) {
        unchecked {
            assembly ("memory-safe") {
                body := quote.offset
            }
            bool isV4 = DerReader.load(body) >> 248 == 0x04;
            body += HEADER_BYTES;
            if (isV4) return (body, false);
            is15 = DerReader.load(body) >> 208 == BODY_TD15;
            body += 6;
        }
    }

    /// @notice TEE_TCB_SVN in the lower half of the word.
    function teeTcbSvn(uint256 body) internal pure returns (uint256) {
        return DerReader.load(body) >> 128;
    }

    /// @notice TEE_TCB_SVN_2 of a body of TDX 1.5.
    function teeTcbSvn2(uint256 body) internal pure returns (uint256) {
        unchecked {
            return DerReader.load(body + 584) >> 128;
        }
    }

    /// @notice TDATTRIBUTES as a number, bit 0 being DEBUG.
    function tdAttributes(uint256 body) internal pure returns (uint256) {
        unchecked {
            return littleEndian64(body + 120);
        }
    }

    /// @notice TDATTRIBUTES and XFAM, 8 bytes each, as they lie there: least significant byte first.
    function tdBits(uint256 body) internal pure returns (uint256) {
        unchecked {
            return DerReader.load(body + 120) >> 128;
        }
    }

    /// @notice Both halves of REPORTDATA.
    function reportData(uint256 body) internal pure returns (bytes32 first, bytes32 second) {
        unchecked {
            return (bytes32(DerReader.load(body + 520)), bytes32(DerReader.load(body + 552)));
        }
    }

    /// @notice MRCONFIGID, 32 bytes and 16.
    function mrConfigId(uint256 body) internal pure returns (bytes32 first, bytes16 rest) {
        unchecked {
            return (bytes32(DerReader.load(body + 184)), bytes16(bytes32(DerReader.load(body + 216))));
        }
    }

    /// @notice keccak256 of RTMR3.
    function rtmr3Hash(uint256 body) internal pure returns (bytes32) {
        unchecked {
            return _keccak(body + 472, 48);
        }
    }

    /// @notice keccak256 of MRSERVICETD; zero where it is all zeros or the body is of TDX 1.0.
    function mrServiceTdHash(uint256 body, bool is15) internal pure returns (bytes32) {
        unchecked {
            if (!is15) return 0;
            uint256 rest = DerReader.load(body + 632) >> 128;
            if (DerReader.load(body + 600) | rest == 0) return 0;
            return _keccak(body + 600, 48);
        }
    }

    /// @notice One image on one shape of machine: TDATTRIBUTES to RTMR3 without MRCONFIGID and RTMR3.
    function imageId(uint256 body) internal pure returns (bytes32 id) {
        assembly ("memory-safe") {
            let free := mload(0x40)
            calldatacopy(free, add(body, 120), 64)
            calldatacopy(add(free, 64), add(body, 232), 240)
            id := keccak256(free, 304)
        }
    }

    /// @notice A number of two bytes.
    function littleEndian16(uint256 pos) internal pure returns (uint256) {
        unchecked {
            uint256 word = DerReader.load(pos) >> 240;
            return (word >> 8) | ((word & 0xff) << 8);
        }
    }

    /// @notice A number of eight bytes.
    function littleEndian64(uint256 pos) internal pure returns (uint256 value) {
        unchecked {
            value = DerReader.load(pos) >> 192;
            value = (value >> 32) | (value << 32);
            value = ((value & 0xffff0000ffff0000) >> 16) | ((value & 0x0000ffff0000ffff) << 16);
            value = ((value & 0xff00ff00ff00ff00) >> 8) | ((value & 0x00ff00ff00ff00ff) << 8);
            value &= 0xffffffffffffffff;
        }
    }

    /// Body and signature data of a quote that goes on for so many bytes of the latter at least.
    function _layout(bytes calldata quote, uint256 atLeast)
        private
        pure
        returns (uint256 body, uint256 signature)
    {
        unchecked {
            uint256 start;
            assembly ("memory-safe") {
                start := quote.offset
            }
            uint256 least = HEADER_BYTES + TD10_BYTES + 4 + atLeast;
            require(quote.length >= least, QuoteTooShort(least, quote.length));
            uint256 word = DerReader.load(start);
            uint256 vendor = (word >> 32) & type(uint128).max;
            require(vendor == INTEL_QE_VENDOR, QeVendorUnknown(vendor));
            word >>= 192;
            body = start + HEADER_BYTES;
            signature = body + TD10_BYTES + 4;
            if (word != HEADER_V4) {
                require(word == HEADER_V5, QuoteUnsupported(word));
                word = DerReader.load(body) >> 208;
                body += 6;
                signature += 6;
                if (word != BODY_TD10) {
                    require(word == BODY_TD15, BodyUnsupported(word));
                    signature += TD15_BYTES - TD10_BYTES;
                }
                least = signature + atLeast - start;
                require(quote.length >= least, QuoteTooShort(least, quote.length));
            }
        }
    }

    function _requireEnd(bytes calldata quote, uint256 end) private pure {
        unchecked {
            uint256 expected;
            assembly ("memory-safe") {
                expected := sub(end, quote.offset)
            }
            require(quote.length == expected, QuoteLength(expected, quote.length));
        }
    }

    function _keccak(uint256 pos, uint256 length) private pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            let free := mload(0x40)
            calldatacopy(free, pos, length)
            hash := keccak256(free, length)
        }
    }
}
