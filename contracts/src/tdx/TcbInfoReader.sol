// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {CollateralReader} from "./CollateralReader.sol";
import {DerReader} from "./DerReader.sol";
import {DocumentReader} from "./DocumentReader.sol";
import {JsonCursor} from "./JsonCursor.sol";

/// @title TCB info of TDX, version 3 (Intel PCS API v4)
/// @notice Stored packed: number of levels (1 byte), number of identities (1); each level {16 SGX SVNs, 16 TDX SVNs, PCESVN
/// (2), status (1)}; the module of TDX 1.0 {MRSIGNER (48), attributes (8), mask (8)}; each identity {version (1), number
/// of levels (1), MRSIGNER (48), attributes (8), mask (8), levels {ISVSVN (2), status (1)}}. Levels best first, as Intel's
/// library sorts them. PCE-ID is 0000 for every platform that Intel certified.
library TcbInfoReader {
    uint256 private constant COMPONENTS = 16;
    uint256 private constant MAX_LEVELS = 64;
    uint256 private constant MAX_IDENTITIES = 16;

    error IdentityTwice(uint256 version);
    error VersionNotUpperCase();

    function read(bytes calldata document)
        internal
        pure
        returns (CollateralReader.Head memory head, uint256 fmspc, bytes memory blob)
    {
        (uint256 pos, uint256 end) = DocumentReader.bounds(document);
        pos = JsonCursor.expect(pos, '{"id":"TDX","version":3,', 24);
        pos = DocumentReader.dates(pos, head);
        pos = JsonCursor.expect(pos, '"fmspc":"', 9);
        (fmspc, pos) = JsonCursor.hexNumber(pos, 12);
        pos = JsonCursor.expect(pos, '","pceId":"0000","tcbType":0,', 29);
        (head.evaluationNumber, pos) = DocumentReader.evaluationNumber(pos);

        bytes memory module;
        bytes memory identities = "";
        uint256 identityCount;
        bytes memory levels;
        uint256 levelCount;
        pos = JsonCursor.expect(pos, ',"tdxModule":{', 14);
        (module, pos) = _module(pos);
        pos = JsonCursor.expect(pos, "}", 1);
        if (JsonCursor.isNext(pos, ',"tdxModuleIdentities":[', 24)) {
            (identities, identityCount, pos) = _identities(pos + 24);
        }
        (levels, levelCount, pos) = _levels(pos);
        pos = JsonCursor.expect(pos, "}", 1);
        DerReader.requireEnd(pos, end);
        blob =
            bytes.concat(bytes1(uint8(levelCount)), bytes1(uint8(identityCount)), levels, module, identities);
    }

    /// `"mrsigner":"…","attributes":"…","attributesMask":"…"`
    function _module(uint256 pos) private pure returns (bytes memory module, uint256 next) {
        uint256 first;
        uint256 second;
        uint256 third;
        pos = JsonCursor.expect(pos, '"mrsigner":"', 12);
        (first, pos) = JsonCursor.hexNumber(pos, 32);
        (second, pos) = JsonCursor.hexNumber(pos, 32);
        (third, pos) = JsonCursor.hexNumber(pos, 32);
        uint256 attributes;
        uint256 mask;
        pos = JsonCursor.expect(pos, '","attributes":"', 16);
        (attributes, pos) = JsonCursor.hexNumber(pos, 16);
        pos = JsonCursor.expect(pos, '","attributesMask":"', 20);
        (mask, pos) = JsonCursor.hexNumber(pos, 16);
        next = JsonCursor.expect(pos, '"', 1);
        module = abi.encodePacked(first << 128 | second, third << 128 | attributes << 64 | mask);
    }

    function _identities(uint256 pos)
        private
        pure
        returns (bytes memory identities, uint256 count, uint256 next)
    {
        if (JsonCursor.isNext(pos, "]", 1)) return ("", 0, pos + 1);
        uint256 seen;
        while (true) {
            bytes memory identity;
            uint256 version;
            (identity, version, pos) = _identity(pos);
            require(seen & (1 << version) == 0, IdentityTwice(version));
            seen |= 1 << version;
            require(++count <= MAX_IDENTITIES, DocumentReader.TooMany(MAX_IDENTITIES));
            identities = bytes.concat(identities, identity);
            if (!JsonCursor.isNext(pos, ",", 1)) break;
            ++pos;
        }
        next = JsonCursor.expect(pos, "]", 1);
    }

    /// `{"id":"TDX_nn",<module>,"tcbLevels":[…]}`
    function _identity(uint256 pos)
        private
        pure
        returns (bytes memory identity, uint256 version, uint256 next)
    {
        pos = JsonCursor.expect(pos, '{"id":"TDX_', 11);
        uint256 digits = DerReader.load(pos) >> 240;
        // Compared as text elsewhere, where only upper case is the same.
        require(digits & 0x60 != 0x60 && (digits >> 8) & 0x60 != 0x60, VersionNotUpperCase());
        (version, pos) = JsonCursor.hexNumber(pos, 2);
        pos = JsonCursor.expect(pos, '",', 2);
        bytes memory module;
        (module, pos) = _module(pos);
        uint256[] memory levels;
        (levels, pos) = DocumentReader.svnLevels(JsonCursor.expect(pos, ',"tcbLevels":', 13), MAX_LEVELS);
        next = JsonCursor.expect(pos, "}", 1);
        identity = bytes.concat(bytes1(uint8(version)), bytes1(uint8(levels.length)), module);
        for (uint256 i = 0; i < levels.length; ++i) {
            identity = bytes.concat(identity, bytes3(uint24(levels[i])));
        }
    }

    /// `,"tcbLevels":[…]`
    function _levels(uint256 pos) private pure returns (bytes memory packed, uint256 count, uint256 next) {
        uint256[] memory svns = new uint256[](MAX_LEVELS);
        uint256[] memory rests = new uint256[](MAX_LEVELS);
        pos = JsonCursor.expect(pos, ',"tcbLevels":[', 14);
        while (true) {
            uint256 both;
            uint256 rest;
            bool possible;
            (both, rest, possible, pos) = _level(pos);
            if (possible) {
                require(count < MAX_LEVELS, DocumentReader.TooMany(MAX_LEVELS));
                uint256 place = count;
                while (place != 0 && _isBetter(both, rest, svns[place - 1], rests[place - 1])) {
                    svns[place] = svns[place - 1];
                    rests[place] = rests[place - 1];
                    --place;
                }
                (svns[place], rests[place]) = (both, rest);
                ++count;
            }
            if (!JsonCursor.isNext(pos, ",", 1)) break;
            ++pos;
        }
        next = JsonCursor.expect(pos, "]", 1);
        packed = new bytes(35 * count);
        for (uint256 i = 0; i < count; ++i) {
            (uint256 both, uint256 rest) = (svns[i], rests[i]);
            assembly ("memory-safe") {
                let to := add(add(packed, 0x20), mul(35, i))
                mstore8(add(to, 32), shr(16, rest))
                mstore8(add(to, 33), shr(8, rest))
                mstore8(add(to, 34), rest)
                mstore(to, both)
            }
        }
    }

    /// SGX components, then PCESVN, then TDX components.
    function _isBetter(uint256 both, uint256 rest, uint256 otherBoth, uint256 otherRest)
        private
        pure
        returns (bool)
    {
        if (both >> 128 != otherBoth >> 128) return both >> 128 > otherBoth >> 128;
        if (rest >> 8 != otherRest >> 8) return rest >> 8 > otherRest >> 8;
        return both > otherBoth;
    }

    /// @notice A level with its braces.
    /// @return both SVNs of SGX and TDX components, 16 bytes each
    /// @return rest PCESVN and status
    /// @return possible without an SVN above 255, which no platform has
    function _level(uint256 pos)
        private
        pure
        returns (uint256 both, uint256 rest, bool possible, uint256 next)
    {
        uint256 sgx;
        uint256 tdx;
        uint256 value;
        bool tdxPossible;
        pos = JsonCursor.expect(pos, '{"tcb":{"sgxtcbcomponents":[', 28);
        (sgx, possible, pos) = _components(pos);
        pos = JsonCursor.expect(pos, ',"pcesvn":', 10);
        (value, pos) = JsonCursor.number(pos, 0xffff);
        rest = value << 8;
        pos = JsonCursor.expect(pos, ',"tdxtcbcomponents":[', 21);
        (tdx, tdxPossible, pos) = _components(pos);
        pos = JsonCursor.expect(pos, "}", 1);
        (value, next) = DocumentReader.levelEnd(pos, false);
        rest |= value;
        both = sgx << 128 | tdx;
        possible = possible && tdxPossible;
    }

    /// `{"svn":n[,"category":"…"][,"type":"…"]},…]`, 16 of them.
    function _components(uint256 pos) private pure returns (uint256 svns, bool possible, uint256 next) {
        possible = true;
        unchecked {
            for (uint256 i = 0; i < COMPONENTS; ++i) {
                uint256 svn;
                pos = JsonCursor.expect(pos, '{"svn":', 7);
                (svn, pos) = JsonCursor.number(pos, 0xffff);
                if (svn > 0xff) possible = false;
                svns = svns << 8 | (svn & 0xff);
                if (JsonCursor.isNext(pos, ",", 1)) {
                    if (JsonCursor.isNext(pos, ',"category":"', 13)) pos = JsonCursor.skipString(pos + 13);
                    if (JsonCursor.isNext(pos, ',"type":"', 9)) pos = JsonCursor.skipString(pos + 9);
                }
                pos = JsonCursor.expect(pos, i == COMPONENTS - 1 ? bytes32("}]") : bytes32("},"), 2);
            }
        }
        next = pos;
    }
}
