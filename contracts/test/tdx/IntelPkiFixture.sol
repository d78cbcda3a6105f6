// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {TdxVerifier} from "../../src/tdx/TdxVerifier.sol";
import {Case} from "./CaseFile.sol";
import {TdxFixture} from "./TdxFixture.sol";

/// @title Verifiers that know less than all of a genuine quote's PKI, and the parts they lack
abstract contract IntelPkiFixture is TdxFixture {
    /// The root and nothing else.
    function _empty() internal returns (TdxVerifier other) {
        other = new TdxVerifier(genuine.rootHash, false);
        other.setRoot(genuine.roots[0]);
    }

    /// CA and signer are of one day; the order of their bytes decides which is first.
    function _platformCa(Case memory c) internal pure returns (bytes memory) {
        for (uint256 i = 0; i < c.authorities.length; ++i) {
            if (_contains(c.authorities[i], "PCK Platform CA")) return c.authorities[i];
        }
        revert("no Platform CA");
    }

    function _contains(bytes memory data, bytes memory wanted) private pure returns (bool) {
        for (uint256 i = 0; i + wanted.length <= data.length; ++i) {
            if (keccak256(_slice(data, i, wanted.length)) == keccak256(wanted)) return true;
        }
        return false;
    }

    /// A serial number of 20 bytes stands behind version and its own head.
    function _leaf() internal view returns (uint256 serial, bytes32 keyHash) {
        serial = uint256(_word(genuine.pck, 15)) >> 96;
        keyHash = keccak256(abi.encode(genuine.x, genuine.y));
    }
}
