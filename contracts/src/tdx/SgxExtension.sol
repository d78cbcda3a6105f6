// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {DerReader} from "./DerReader.sol";

/// @title What Intel certifies of a platform
/// @notice The SGX extension of a PCK certificate (Intel, PCK Certificate and CRL Profile Specification §1.3.5): TCB and
/// FMSPC exactly once each, PCE-ID 0000, everything else skipped by length.
library SgxExtension {
    /// OID 1.2.840.113741.1.13.1, then one arc.
    uint256 private constant FIELD = 0x060a2a864886f84d010d01;
    /// The same with arc 2, then one arc.
    uint256 private constant TCB_FIELD = 0x060b2a864886f84d010d0102;
    /// The same with arc 7, then one arc.
    uint256 private constant CONFIGURATION_FIELD = 0x060b2a864886f84d010d0107;
    uint256 private constant PCE_ID_0 = 0x04020000;
    uint256 private constant COMPONENTS = 16;

    error NoSgxExtension();
    error FieldTwice(uint256 arc);
    error FieldMissing(uint256 arc);
    error UnexpectedField(uint256 expected, uint256 actual);
    error SvnTooLarge(uint256 max, uint256 actual);
    error PceIdUnknown(uint256 actual);
    error CpuSvnDiffers(uint256 components, uint256 cpuSvn);

    /// @notice SVNs, PCESVN and FMSPC.
    /// @param start content of the extension's value, up to `end`
    /// @return svns the 16 component SVNs, one byte each, component 1 first
    function read(uint256 start, uint256 end)
        internal
        pure
        returns (uint256 svns, uint256 pceSvn, uint256 fmspc)
    {
        unchecked {
            require(end != 0, NoSgxExtension());
            (uint256 pos, uint256 stop) = DerReader.enter(start, end, DerReader.SEQUENCE);
            DerReader.requireEnd(stop, end);
            uint256 seen;
            while (pos < stop) {
                uint256 next;
                (pos, next) = DerReader.enter(pos, stop, DerReader.SEQUENCE);
                uint256 word = DerReader.load(pos);
                require(word >> 168 == FIELD, UnexpectedField(FIELD, word >> 168));
                uint256 arc = (word >> 160) & 0xff;
                require(arc - 1 < 7, UnexpectedField(7, arc));
                require(seen & (1 << arc) == 0, FieldTwice(arc));
                seen |= 1 << arc;
                pos += 12;
                if (arc == 2) {
                    (svns, pceSvn) = _tcb(pos, next);
                } else if (arc == 3) {
                    uint256 actual = DerReader.load(pos) >> 224;
                    require(actual == PCE_ID_0 && next - pos == 4, PceIdUnknown(actual));
                } else if (arc == 4) {
                    word = DerReader.load(pos);
                    require(word >> 240 == 0x0406 && next - pos == 8, UnexpectedField(0x0406, word >> 240));
                    fmspc = (word >> 192) & 0xffffffffffff;
                } else {
                    _skip(arc, pos, next);
                }
                pos = next;
            }
            for (uint256 arc = 1; arc < 6; ++arc) {
                require(seen & (1 << arc) != 0, FieldMissing(arc));
            }
        }
    }

    /// PPID (1), SGX type (5), platform instance id (6) and configuration (7) have their form and say nothing here.
    function _skip(uint256 arc, uint256 pos, uint256 end) private pure {
        unchecked {
            if (arc == 7) {
                _configuration(pos, end);
            } else if (arc == 5) {
                uint256 actual = DerReader.load(pos) >> 232;
                require(actual - 0x0a0100 < 3 && end - pos == 3, UnexpectedField(0x0a0100, actual));
            } else {
                uint256 actual = DerReader.load(pos) >> 240;
                require(actual == 0x0410 && end - pos == 18, UnexpectedField(0x0410, actual));
            }
        }
    }

    /// Dynamic platform, cached keys, SMT: flags, each once at most.
    function _configuration(uint256 pos, uint256 end) private pure {
        unchecked {
            uint256 stop;
            (pos, stop) = DerReader.enter(pos, end, DerReader.SEQUENCE);
            DerReader.requireEnd(stop, end);
            uint256 seen;
            while (pos < stop) {
                uint256 next;
                (pos, next) = DerReader.enter(pos, stop, DerReader.SEQUENCE);
                uint256 word = DerReader.load(pos);
                require(word >> 160 == CONFIGURATION_FIELD, UnexpectedField(CONFIGURATION_FIELD, word >> 160));
                uint256 arc = (word >> 152) & 0xff;
                require(arc - 1 < 3, UnexpectedField(3, arc));
                require(seen & (1 << arc) == 0, FieldTwice(arc));
                seen |= 1 << arc;
                // BOOLEAN, in DER all zeros or all ones.
                uint256 flag = (word >> 128) & 0xffffff;
                require(flag == 0x010100 || flag == 0x0101ff, UnexpectedField(0x0101ff, flag));
                DerReader.requireEnd(pos + 16, next);
                pos = next;
            }
        }
    }

    /// Components 1 to 16, PCESVN and CPUSVN in this order.
    function _tcb(uint256 pos, uint256 end) private pure returns (uint256 svns, uint256 pceSvn) {
        unchecked {
            uint256 stop;
            (pos, stop) = DerReader.enter(pos, end, DerReader.SEQUENCE);
            DerReader.requireEnd(stop, end);
            for (uint256 arc = 1; arc <= COMPONENTS; ++arc) {
                uint256 svn;
                (svn, pos) = _svn(pos, stop, arc, 0xff);
                svns = svns << 8 | svn;
            }
            (pceSvn, pos) = _svn(pos, stop, COMPONENTS + 1, 0xffff);
            uint256 next;
            (pos, next) = DerReader.enter(pos, stop, DerReader.SEQUENCE);
            pos = _field(pos, COMPONENTS + 2);
            (pos, end) = DerReader.enter(pos, next, DerReader.OCTET_STRING);
            // Levels are matched on the components; the octets must say the same.
            uint256 cpuSvn = DerReader.load(pos) >> 128;
            require(end - pos == COMPONENTS && cpuSvn == svns, CpuSvnDiffers(svns, cpuSvn));
            DerReader.requireEnd(end, next);
            DerReader.requireEnd(next, stop);
        }
    }

    function _svn(uint256 pos, uint256 end, uint256 arc, uint256 max)
        private
        pure
        returns (uint256 svn, uint256 next)
    {
        (pos, next) = DerReader.enter(pos, end, DerReader.SEQUENCE);
        (svn, pos) = DerReader.integer(_field(pos, arc), next);
        require(svn <= max, SvnTooLarge(max, svn));
        DerReader.requireEnd(pos, next);
    }

    function _field(uint256 pos, uint256 arc) private pure returns (uint256) {
        unchecked {
            uint256 actual = DerReader.load(pos) >> 152;
            uint256 expected = TCB_FIELD << 8 | arc;
            require(actual == expected, UnexpectedField(expected, actual));
            return pos + 13;
        }
    }
}
