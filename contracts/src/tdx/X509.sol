// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {DerReader} from "./DerReader.sol";
import {Sha256} from "./Sha256.sol";

/// @title Certificates and revocation lists of Intel's PKI
/// @notice RFC 5280 in the one form that Intel's profiles use: version 3 with P-256 keys, version 2 lists, both signed with
/// ecdsa-with-SHA256. Nothing here is trusted: the caller verifies signature, names, roles and dates.
library X509 {
    /// @notice What is signed, and the signature.
    struct Signed {
        bytes32 hash;
        bytes32 r;
        bytes32 s;
    }

    struct Certificate {
        Signed signed;
        uint256 serial;
        /// Both ends belong to the validity.
        uint256 notBefore;
        uint256 notAfter;
        /// keccak256 of the DER of the names.
        bytes32 issuer;
        bytes32 subject;
        /// The one common name, left-aligned.
        bytes32 issuerName;
        bytes32 subjectName;
        bytes32 x;
        bytes32 y;
        /// Values of the two critical extensions, right-aligned.
        uint256 keyUsage;
        uint256 basicConstraints;
        /// Last arcs of the extensions under 2.5.29 that were met, as bits.
        uint256 extensions;
        /// Content of the SGX extension's value; zero without one.
        uint256 sgxStart;
        uint256 sgxEnd;
    }

    struct RevocationList {
        Signed signed;
        bytes32 issuer;
        bytes32 issuerName;
        uint256 thisUpdate;
        /// The list is in force until the second before.
        uint256 nextUpdate;
        /// Calldata of the entries; both zero where there are none.
        uint256 entriesStart;
        uint256 entriesEnd;
    }

    uint256 private constant MAX_SERIAL_BITS = 160;
    /// SEQUENCE { OID ecdsa-with-SHA256 }.
    uint256 private constant ALGORITHM = 0x300a06082a8648ce3d040302;
    /// [0] { INTEGER 2 }: version 3.
    uint256 private constant VERSION_3 = 0xa003020102;
    /// INTEGER 1: version 2.
    uint256 private constant VERSION_2 = 0x020101;
    /// SubjectPublicKeyInfo of an uncompressed P-256 point, up to the point (RFC 5480 §2).
    uint256 private constant KEY_INFO = 0x3059301306072a8648ce3d020106082a8648ce3d03010703420004;
    uint256 private constant KEY_INFO_LENGTH = 91;

    uint256 private constant OID_COMMON_NAME = 0x0603550403;
    /// 2.5.29, then one arc.
    uint256 private constant OID_2_5_29 = 0x0603551d;
    uint256 private constant OID_KEY_USAGE = 0x0603551d0f;
    uint256 private constant OID_BASIC_CONSTRAINTS = 0x0603551d13;
    /// 1.2.840.113741.1.13.1.
    uint256 private constant OID_SGX = 0x06092a864886f84d010d01;
    uint256 private constant CRITICAL = 0x0101ff;
    /// Extensions of an entry that are nothing but a reason code, up to the code itself.
    uint256 private constant REASON_CODE = 0x300c300a0603551d1504030a01;

    error UnexpectedBytes(uint256 expected, uint256 actual);
    error SerialTooLong();
    error BadName();
    error UnknownCriticalExtension();
    error ExtensionTwice();
    error ExtensionNotCritical();
    error EmptyEntries();

    /// @notice Reads a certificate that fills `der`.
    function certificate(bytes calldata der) internal view returns (Certificate memory c) {
        (uint256 pos, uint256 end) = _signed(der, c.signed);

        pos = _expect(pos, VERSION_3, 5);
        (c.serial, pos) = serial(pos, end);
        pos = _expect(pos, ALGORITHM, 12);
        (c.issuer, c.issuerName, pos) = _name(pos, end);
        pos = _validity(c, pos, end);
        (c.subject, c.subjectName, pos) = _name(pos, end);
        pos = _key(c, pos, end);
        (uint256 start, uint256 stop) = DerReader.enter(pos, end, DerReader.EXPLICIT_3);
        DerReader.requireEnd(stop, end);
        (pos, end) = DerReader.enter(start, stop, DerReader.SEQUENCE);
        DerReader.requireEnd(end, stop);
        while (pos < end) pos = _extension(c, pos, end);
    }

    /// @notice Reads a revocation list that fills `der`, but for its entries.
    function revocationList(bytes calldata der) internal view returns (RevocationList memory list) {
        (uint256 pos, uint256 end) = _signed(der, list.signed);

        pos = _expect(pos, VERSION_2, 3);
        pos = _expect(pos, ALGORITHM, 12);
        (list.issuer, list.issuerName, pos) = _name(pos, end);
        (list.thisUpdate, pos) = DerReader.time(pos, end);
        (list.nextUpdate, pos) = DerReader.time(pos, end);
        (uint256 tag, uint256 start, uint256 stop) = DerReader.read(pos, end);
        if (tag == DerReader.SEQUENCE) {
            // An empty list is left out (RFC 5280 §5.1.2.6).
            require(start != stop, EmptyEntries());
            (list.entriesStart, list.entriesEnd) = (start, stop);
            pos = stop;
        }
        (start, stop) = DerReader.enter(pos, end, DerReader.EXPLICIT_0);
        DerReader.requireEnd(stop, end);
        (pos, end) = DerReader.enter(start, stop, DerReader.SEQUENCE);
        DerReader.requireEnd(end, stop);
        pos = _requireNoneCritical(pos, end);
    }

    /// @notice Serial number of the entry at `pos`. It counts whatever its date and its reason.
    function entry(uint256 pos, uint256 end) internal pure returns (uint256 revoked, uint256 next) {
        unchecked {
            uint256 start;
            (start, next) = DerReader.enter(pos, end, DerReader.SEQUENCE);
            (revoked, start) = serial(start, next);
            (, start) = DerReader.time(start, next);
            if (start == next) return (revoked, next);
            if (next - start == 14 && DerReader.load(start) >> 152 == REASON_CODE) return (revoked, next);
            uint256 stop;
            (start, stop) = DerReader.enter(start, next, DerReader.SEQUENCE);
            DerReader.requireEnd(stop, next);
            _requireNoneCritical(start, stop);
        }
    }

    /// @notice A serial number, of 20 bytes at most (RFC 5280 §4.1.2.2).
    function serial(uint256 pos, uint256 end) internal pure returns (uint256 value, uint256 next) {
        (value, next) = DerReader.integer(pos, end);
        require(value >> MAX_SERIAL_BITS == 0, SerialTooLong());
    }

    /// Outer SEQUENCE, hash of the first element in it, and the signature behind; gives the content of that element.
    function _signed(bytes calldata der, Signed memory signed)
        private
        view
        returns (uint256 start, uint256 stop)
    {
        unchecked {
            uint256 pos;
            assembly ("memory-safe") {
                pos := der.offset
            }
            uint256 end = pos + der.length;
            uint256 inner;
            (pos, inner) = DerReader.enter(pos, end, DerReader.SEQUENCE);
            DerReader.requireEnd(inner, end);
            (start, stop) = DerReader.enter(pos, end, DerReader.SEQUENCE);
            signed.hash = Sha256.ofCalldata(pos, stop - pos);

            pos = _expect(stop, ALGORITHM, 12);
            (pos, inner) = DerReader.enter(pos, end, DerReader.BIT_STRING);
            DerReader.requireEnd(inner, end);
            pos = _expect(pos, 0, 1);
            (pos, inner) = DerReader.enter(pos, end, DerReader.SEQUENCE);
            DerReader.requireEnd(inner, end);
            uint256 value;
            (value, pos) = DerReader.integer(pos, end);
            signed.r = bytes32(value);
            (value, pos) = DerReader.integer(pos, end);
            signed.s = bytes32(value);
            DerReader.requireEnd(pos, end);
        }
    }

    function _validity(Certificate memory c, uint256 pos, uint256 end) private pure returns (uint256) {
        uint256 start;
        uint256 stop;
        (start, stop) = DerReader.enter(pos, end, DerReader.SEQUENCE);
        (c.notBefore, start) = DerReader.time(start, stop);
        (c.notAfter, start) = DerReader.time(start, stop);
        DerReader.requireEnd(start, stop);
        return stop;
    }

    function _key(Certificate memory c, uint256 pos, uint256 end) private pure returns (uint256 next) {
        unchecked {
            (, next) = DerReader.enter(pos, end, DerReader.SEQUENCE);
            require(next - pos == KEY_INFO_LENGTH, DerReader.TrailingBytes(pos + KEY_INFO_LENGTH, next));
            pos = _expect(pos, KEY_INFO, 27);
            c.x = bytes32(DerReader.load(pos));
            c.y = bytes32(DerReader.load(pos + 32));
        }
    }

    /// A name that begins with its common name and has no other.
    function _name(uint256 pos, uint256 end)
        private
        pure
        returns (bytes32 hash, bytes32 commonName, uint256 next)
    {
        unchecked {
            uint256 start;
            (start, next) = DerReader.enter(pos, end, DerReader.SEQUENCE);
            assembly ("memory-safe") {
                let free := mload(0x40)
                calldatacopy(free, pos, sub(next, pos))
                hash := keccak256(free, sub(next, pos))
            }
            while (start < next) {
                uint256 stop;
                (start, stop) = DerReader.enter(start, next, 0x31);
                uint256 inner;
                (start, inner) = DerReader.enter(start, stop, DerReader.SEQUENCE);
                // Names here have one attribute in each set.
                DerReader.requireEnd(inner, stop);
                if (DerReader.load(start) >> 216 == OID_COMMON_NAME) {
                    require(commonName == 0, BadName());
                    commonName = _text(start + 5, stop);
                } else {
                    require(commonName != 0, BadName());
                }
                start = stop;
            }
            require(commonName != 0, BadName());
        }
    }

    /// A UTF8String or PrintableString of 1 to 32 bytes that fills [at, end).
    function _text(uint256 pos, uint256 end) private pure returns (bytes32 text) {
        unchecked {
            (uint256 tag, uint256 start, uint256 stop) = DerReader.read(pos, end);
            require(tag == 0x0c || tag == 0x13, BadName());
            DerReader.requireEnd(stop, end);
            uint256 length = stop - start;
            require(length - 1 < 32, BadName());
            uint256 shift = 256 - 8 * length;
            uint256 value = DerReader.load(start) >> shift;
            require(value & 0xff != 0, BadName());
            text = bytes32(value << shift);
        }
    }

    function _extension(Certificate memory c, uint256 pos, uint256 end) private pure returns (uint256 next) {
        unchecked {
            uint256 start;
            uint256 stop;
            bool critical;
            (pos, next) = DerReader.enter(pos, end, DerReader.SEQUENCE);
            uint256 word = DerReader.load(pos);
            c.extensions = _met(word, c.extensions);
            (critical, start, stop) = _extensionValue(pos, next);
            if (word >> 216 == OID_KEY_USAGE) {
                require(critical, ExtensionNotCritical());
                c.keyUsage = _short(start, stop);
            } else if (word >> 216 == OID_BASIC_CONSTRAINTS) {
                require(critical, ExtensionNotCritical());
                c.basicConstraints = _short(start, stop);
            } else {
                require(!critical, UnknownCriticalExtension());
                if (word >> 168 == OID_SGX) {
                    require(c.sgxEnd == 0, ExtensionTwice());
                    (c.sgxStart, c.sgxEnd) = (start, stop);
                }
            }
        }
    }

    /// Adds an extension to those that were met, each of which comes once.
    function _met(uint256 word, uint256 met) private pure returns (uint256) {
        unchecked {
            if (word >> 224 != OID_2_5_29) return met;
            uint256 bit = 1 << ((word >> 216) & 0xff);
            require(met & bit == 0, ExtensionTwice());
            return met | bit;
        }
    }

    /// Whether it is critical, and the content of its value, which must end at `end`.
    function _extensionValue(uint256 pos, uint256 end)
        private
        pure
        returns (bool critical, uint256 start, uint256 stop)
    {
        unchecked {
            (, pos) = DerReader.enter(pos, end, 0x06);
            // BOOLEAN; FALSE is the default, and not written.
            if (DerReader.load(pos) >> 248 == 0x01) {
                pos = _expect(pos, CRITICAL, 3);
                critical = true;
            }
            (start, stop) = DerReader.enter(pos, end, DerReader.OCTET_STRING);
            DerReader.requireEnd(stop, end);
        }
    }

    /// A value of 1 to 31 bytes, right-aligned; its first byte is a tag, so that none begins with zero.
    function _short(uint256 start, uint256 stop) private pure returns (uint256) {
        unchecked {
            uint256 length = stop - start;
            require(length - 1 < 31, DerReader.BadLength(length));
            return DerReader.load(start) >> (256 - 8 * length);
        }
    }

    function _requireNoneCritical(uint256 pos, uint256 end) private pure returns (uint256) {
        uint256 met;
        while (pos < end) {
            uint256 next;
            (pos, next) = DerReader.enter(pos, end, DerReader.SEQUENCE);
            met = _met(DerReader.load(pos), met);
            (bool critical,,) = _extensionValue(pos, next);
            require(!critical, UnknownCriticalExtension());
            pos = next;
        }
        return pos;
    }

    /// Exactly these bytes.
    function _expect(uint256 pos, uint256 expected, uint256 length) private pure returns (uint256) {
        unchecked {
            uint256 actual = DerReader.load(pos) >> (256 - 8 * length);
            require(actual == expected, UnexpectedBytes(expected, actual));
            return pos + length;
        }
    }
}
