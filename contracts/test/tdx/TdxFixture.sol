// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {TdxVerifier} from "../../src/tdx/TdxVerifier.sol";
import {ITdxVerifier} from "../../src/tdx/interfaces/ITdxVerifier.sol";
import {Case, CaseFile} from "./CaseFile.sol";

/// @title A verifier under a simulated root, with everything a genuine quote needs
abstract contract TdxFixture is CaseFile {
    uint256 internal constant P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551;
    uint256 internal constant EVALUATION_NUMBER = 19;
    /// Places in a trimmed quote of version 4.
    uint256 internal constant BODY = 48;
    uint256 internal constant SIGNATURE = 636;
    uint256 internal constant QE_REPORT = SIGNATURE + 134;

    TdxVerifier internal verifier;
    Case internal genuine;

    /// Private keys of the simulated PKI.
    uint256 internal rootKey;
    uint256 internal caKey;
    uint256 internal leafKey;
    uint256 internal signerKey;
    uint256 internal attestationKey;

    function setUp() public virtual {
        uint256[5] memory keys = abi.decode(vm.readFileBinary("test/tdx/vectors/keys.abi"), (uint256[5]));
        (rootKey, caKey, leafKey, signerKey, attestationKey) = (keys[0], keys[1], keys[2], keys[3], keys[4]);
        genuine = _stored("genuine-v4");
        vm.warp(genuine.time);
        verifier = new TdxVerifier(genuine.rootHash, false);
        _bring(verifier, genuine);
    }

    function _stored(string memory id) internal view returns (Case memory) {
        return _case(STORED, id);
    }

    function _bring(TdxVerifier to, Case memory c) internal {
        _bringPki(to, c);
        to.cachePck(c.pck);
        to.upsertEvaluationNumbers(c.numbers, c.numbersSignature);
        to.upsertTcbInfo(c.tcbInfo, c.tcbInfoSignature);
        to.upsertQeIdentity(c.qeIdentity, c.qeIdentitySignature);
    }

    function _bringPki(TdxVerifier to, Case memory c) internal {
        to.setRoot(c.roots[0]);
        _bringAuthorities(to, c);
        to.upsertRevocationList(c.rootCrl);
        to.upsertRevocationList(c.pckCrl);
    }

    function _bringAuthorities(TdxVerifier to, Case memory c) internal {
        for (uint256 i = 0; i < c.authorities.length; ++i) {
            to.upsertAuthority(c.authorities[i]);
        }
    }

    function _verify(bytes memory quote) internal view returns (ITdxVerifier.Verdict memory) {
        return verifier.verify(quote, genuine.x, genuine.y);
    }

    function _fault(bytes memory quote, ITdxVerifier.Fault expected) internal view {
        ITdxVerifier.Fault actual = verifier.faultOf(quote, genuine.x, genuine.y);
        vm.assertEq(uint256(actual), uint256(expected));
    }

    /// r ‖ s over a document by the TCB signing key.
    function _signDocument(bytes memory document) internal view returns (bytes memory) {
        (bytes32 r, bytes32 s) = vm.signP256(signerKey, sha256(document));
        return abi.encodePacked(r, s);
    }

    /// Signs header and body of a quote of version 4 again.
    function _resign(bytes memory quote) internal view returns (bytes memory) {
        return _resign(quote, 632);
    }

    function _resign(bytes memory quote, uint256 signed) internal view returns (bytes memory) {
        (bytes32 r, bytes32 s) = vm.signP256(attestationKey, sha256(_slice(quote, 0, signed)));
        return _put(_put(quote, signed + 4, r), signed + 36, s);
    }

    /// Signs the QE report of a quote of version 4 again.
    function _resignReport(bytes memory quote) internal view returns (bytes memory) {
        (bytes32 r, bytes32 s) = vm.signP256(leafKey, sha256(_slice(quote, 770, 384)));
        return _put(_put(quote, 1154, r), 1186, s);
    }

    /// What a certificate or a list signs.
    function _signedPart(bytes memory der) internal pure returns (bytes memory) {
        // Heads of one length byte, or of 0x81 or 0x82 and so many.
        uint256 start = der[1] == 0x82 ? 4 : der[1] == 0x81 ? 3 : 2;
        uint256 first = uint8(der[start + 1]);
        uint256 length = first == 0x82
            ? 4 + (uint256(uint8(der[start + 2])) << 8 | uint8(der[start + 3]))
            : first == 0x81 ? 3 + uint256(uint8(der[start + 2])) : 2 + first;
        return _slice(der, start, length);
    }

    /// A certificate or a list of at least 256 bytes again, from what its issuer signs.
    function _sealed(bytes memory signed, uint256 issuerKey) internal pure returns (bytes memory) {
        (bytes32 r, bytes32 s) = vm.signP256(issuerKey, sha256(signed));
        bytes memory pair = bytes.concat(_derInteger(r), _derInteger(s));
        pair = bytes.concat(hex"0030", bytes1(uint8(pair.length)), pair);
        pair = bytes.concat(hex"03", bytes1(uint8(pair.length)), pair);
        bytes memory whole = bytes.concat(signed, hex"300a06082a8648ce3d040302", pair);
        return bytes.concat(hex"3082", bytes2(uint16(whole.length)), whole);
    }

    function _derInteger(bytes32 word) private pure returns (bytes memory) {
        uint256 first = 0;
        while (word[first] == 0) ++first;
        bytes memory padding = uint8(word[first]) >= 0x80 ? bytes(hex"00") : bytes("");
        bytes memory content = bytes.concat(padding, _slice(abi.encodePacked(word), first, 32 - first));
        return bytes.concat(hex"02", bytes1(uint8(content.length)), content);
    }

    function _slice(bytes memory data, uint256 start, uint256 length)
        internal
        pure
        returns (bytes memory part)
    {
        part = new bytes(length);
        for (uint256 i = 0; i < length; ++i) {
            part[i] = data[start + i];
        }
    }

    /// A copy with 32 other bytes.
    function _put(bytes memory data, uint256 index, bytes32 word) internal pure returns (bytes memory copy) {
        copy = bytes.concat(data);
        assembly ("memory-safe") {
            mstore(add(add(copy, 0x20), index), word)
        }
    }

    /// A copy with another byte.
    function _with(bytes memory data, uint256 index, uint8 value) internal pure returns (bytes memory copy) {
        copy = bytes.concat(data);
        copy[index] = bytes1(value);
    }

    function _word(bytes memory data, uint256 index) internal pure returns (bytes32 word) {
        assembly ("memory-safe") {
            word := mload(add(add(data, 0x20), index))
        }
    }

    /// A copy in which the first occurrence of a text is another one.
    function _replace(bytes memory text, string memory from, string memory to)
        internal
        pure
        returns (bytes memory)
    {
        return _swap(text, bytes(from), bytes(to));
    }

    /// The same for bytes.
    function _swap(bytes memory data, bytes memory from, bytes memory to)
        internal
        pure
        returns (bytes memory)
    {
        for (uint256 i = 0; i + from.length <= data.length; ++i) {
            if (data[i] != from[0] || keccak256(_slice(data, i, from.length)) != keccak256(from)) continue;
            uint256 rest = i + from.length;
            return bytes.concat(_slice(data, 0, i), to, _slice(data, rest, data.length - rest));
        }
        revert(string.concat("not there: ", vm.toString(from)));
    }
}
