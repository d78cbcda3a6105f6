// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {DerReader} from "./DerReader.sol";
import {Pck} from "./Pck.sol";
import {TcbStatus} from "./TcbStatus.sol";

/// @title TCB levels and TDX module identities of a stored TCB info
/// @notice Intel's algorithm over the packed form of TcbInfoReader, which lies in memory at `blob`.
library TcbMatch {
    /// Every second byte, and a guard above it that a borrow would eat.
    uint256 private constant LANES = 0x00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff;
    uint256 private constant GUARDS = 0x0100010001000100010001000100010001000100010001000100010001000100;
    /// All components but the first two of TDX, which say the module's version.
    uint256 private constant WITHOUT_MODULE = ~(uint256(0xffff) << 112);
    uint256 private constant LEVEL_BYTES = 35;
    uint256 private constant MODULE_BYTES = 64;
    uint256 private constant SVN_LEVEL_BYTES = 3;

    error TcbNotSupported();
    error ModuleUnknown(uint256 version);
    error ModuleTcbNotSupported(uint256 isvSvn);
    error ModuleMismatch();
    error TcbRevoked();

    /// @notice Where the TDX module of these SVNs is described: by the identity of its version, or as that of TDX 1.0.
    /// @param tdxSvns in the lower half of the word
    function moduleOf(uint256 blob, uint256 tdxSvns) internal pure returns (uint256 module) {
        unchecked {
            uint256 version = (tdxSvns >> 112) & 0xff;
            module = blob + 2 + LEVEL_BYTES * _byte(blob);
            if (version == 0) return module;
            module += MODULE_BYTES + 2;
            for (uint256 left = _byte(blob + 1); left != 0; --left) {
                if (_byte(module - 2) == version) return module;
                module += 2 + MODULE_BYTES + SVN_LEVEL_BYTES * _byte(module - 1);
            }
            revert ModuleUnknown(version);
        }
    }

    /// @notice The TDX module of a TD report is one that Intel signed, without attributes: that of its version at launch, or
    /// of TDX 1.0. No attribute is defined; Intel's library demands zeros whatever the mask says.
    function requireModule(uint256 module, uint256 body) internal pure {
        unchecked {
            uint256 wrong = _load(module) ^ DerReader.load(body + 64);
            // Last 16 bytes of MRSIGNERSEAM, then the attributes: zero in the report, and expected to be.
            wrong |= (_load(module + 32) ^ DerReader.load(body + 96)) >> 64;
            wrong |= (DerReader.load(body + 112) >> 192);
            require(wrong == 0, ModuleMismatch());
        }
    }

    /// @notice Status of platform and module together, for these SVNs of TDX.
    /// @param module of `moduleOf` for these SVNs
    /// @param tdxSvns in the lower half of the word
    function evaluate(uint256 blob, uint256 module, Pck pck, uint256 tdxSvns)
        internal
        pure
        returns (uint256 status)
    {
        unchecked {
            bool hasIdentity = (tdxSvns >> 112) & 0xff != 0;
            // With an identity of its own, the module is judged by it and not by components 0 and 1.
            status = _platform(
                blob, pck.svns() | tdxSvns, pck.pceSvn(), hasIdentity ? WITHOUT_MODULE : type(uint256).max
            );
            require(status != TcbStatus.REVOKED, TcbRevoked());
            if (!hasIdentity) return status;
            uint256 moduleStatus = _module(module, (tdxSvns >> 120) & 0xff);
            require(moduleStatus != TcbStatus.REVOKED, TcbRevoked());
            return withPart(status, moduleStatus);
        }
    }

    /// @notice Hash of all that `requireModule` and `evaluate` ask at launch: the start of the TD report (TEE_TCB_SVN, MRSEAM,
    /// MRSIGNERSEAM, SEAMATTRIBUTES), what is stored of the TCB info, and the platform's own TCB. 156 bits of it.
    /// @param stored address of the blob, which is a hash of what it holds
    function fingerprint(uint256 body, uint256 stored, Pck pck) internal pure returns (uint256 hash) {
        uint256 platform = pck.tcb();
        assembly ("memory-safe") {
            let free := mload(0x40)
            calldatacopy(free, body, 120)
            mstore(add(free, 120), stored)
            mstore(add(free, 152), platform)
            hash := shr(100, keccak256(free, 184))
        }
    }

    /// @notice Version and ISVSVN of the module, the one that replaces the other being the higher number.
    function moduleSvn(uint256 tdxSvns) internal pure returns (uint256) {
        unchecked {
            return ((tdxSvns >> 112) & 0xff) << 8 | (tdxSvns >> 120) & 0xff;
        }
    }

    /// @notice A status with that of one more part: an old part makes the whole old, and nothing ever improves a status.
    /// @param part not revoked
    function withPart(uint256 status, uint256 part) internal pure returns (uint256) {
        if (part != TcbStatus.OUT_OF_DATE || status >= TcbStatus.OUT_OF_DATE) return status;
        return status <= TcbStatus.SW_HARDENING_NEEDED
            ? TcbStatus.OUT_OF_DATE
            : TcbStatus.OUT_OF_DATE_CONFIGURATION_NEEDED;
    }

    /// @notice A TD launched under an old module, which is new by now: launching it again would mend it.
    function withRelaunch(uint256 launch, uint256 current) internal pure returns (uint256) {
        if (launch < TcbStatus.OUT_OF_DATE || current >= TcbStatus.OUT_OF_DATE) return launch;
        bool needsConfiguration = launch == TcbStatus.OUT_OF_DATE_CONFIGURATION_NEEDED
            || current >= TcbStatus.CONFIGURATION_AND_SW_HARDENING_NEEDED;
        return needsConfiguration
            ? TcbStatus.TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED
            : TcbStatus.TD_RELAUNCH_ADVISED;
    }

    /// First level that the platform reaches with every component and its PCESVN.
    function _platform(uint256 blob, uint256 svns, uint256 pceSvn, uint256 mask)
        private
        pure
        returns (uint256)
    {
        unchecked {
            uint256 even = (svns & LANES) | GUARDS;
            uint256 odd = ((svns >> 8) & LANES) | GUARDS;
            uint256 pos = blob + 2;
            uint256 end = pos + LEVEL_BYTES * _byte(blob);
            for (; pos < end; pos += LEVEL_BYTES) {
                uint256 level = _load(pos) & mask;
                uint256 reached = (even - (level & LANES)) & (odd - ((level >> 8) & LANES));
                if (reached & GUARDS != GUARDS) continue;
                level = _load(pos + 32);
                if (level >> 240 <= pceSvn) return (level >> 232) & 0xff;
            }
            revert TcbNotSupported();
        }
    }

    /// First level of an identity that the module's ISVSVN reaches.
    function _module(uint256 module, uint256 isvSvn) private pure returns (uint256) {
        unchecked {
            uint256 pos = module + MODULE_BYTES;
            uint256 end = pos + SVN_LEVEL_BYTES * _byte(module - 1);
            for (; pos < end; pos += SVN_LEVEL_BYTES) {
                uint256 level = _load(pos) >> 232;
                if (level >> 8 <= isvSvn) return level & 0xff;
            }
            revert ModuleTcbNotSupported(isvSvn);
        }
    }

    function _byte(uint256 pos) private pure returns (uint256) {
        return _load(pos) >> 248;
    }

    function _load(uint256 pos) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := mload(pos)
        }
    }
}
