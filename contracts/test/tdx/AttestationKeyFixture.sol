// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ITdxVerifier} from "../../src/tdx/interfaces/ITdxVerifier.sol";
import {TdxFixture} from "./TdxFixture.sol";

/// @title Reports of the simulated attestation key, and a second key of its platform
abstract contract AttestationKeyFixture is TdxFixture {
    /// When 20 becomes standard.
    string internal constant NINETEEN_STAYS = "2026-06-12T00:00:00Z";

    uint256 private constant SECOND_LEAF = 11;

    /// Of the platform's key.
    bytes32 internal keyHash;

    function setUp() public virtual override {
        super.setUp();
        keyHash = keccak256(abi.encode(genuine.x, genuine.y));
    }

    function _cache(bytes memory quote) internal returns (bool) {
        return verifier.cacheAttestationKey(quote, genuine.x, genuine.y);
    }

    function _check(bytes memory quote) internal view returns (ITdxVerifier.Verdict memory) {
        return verifier.verifyWithCachedKey(_reportOf(quote), keyHash);
    }

    function _call(bytes memory report) internal view returns (bytes memory) {
        return abi.encodeCall(ITdxVerifier.verifyWithCachedKey, (report, keyHash));
    }

    /// Each field of a verdict is that of the whole quote.
    function _requireSame(bytes memory quote) internal view {
        vm.assertEq(abi.encode(_check(quote)), abi.encode(_verify(quote)));
    }

    function _attestationKeyHash() internal view returns (bytes32) {
        return keccak256(_slice(genuine.quote, SIGNATURE + 64, 64));
    }

    function _isKept(uint256 isvSvn, bool isCurrent) internal view {
        _isKept(keyHash, isvSvn, isCurrent);
    }

    function _isKept(bytes32 platform, uint256 isvSvn, bool isCurrent) internal view {
        (uint16 keptSvn, bool current) = verifier.attestationKeyOf(_attestationKeyHash(), platform);
        vm.assertEq(keptSvn, isvSvn);
        vm.assertEq(current, isCurrent);
    }

    function _refuse(bytes memory report, bytes4 reason) internal {
        vm.expectPartialRevert(reason);
        verifier.verifyWithCachedKey(report, keyHash);
    }

    function _refuse(bytes memory report, ITdxVerifier.Fault fault) internal {
        vm.expectRevert(abi.encodeWithSelector(ITdxVerifier.QuoteRefused.selector, fault));
        verifier.verifyWithCachedKey(report, keyHash);
    }

    function _refuseKey(bytes memory quote, ITdxVerifier.Fault fault) internal {
        vm.expectRevert(abi.encodeWithSelector(ITdxVerifier.QuoteRefused.selector, fault));
        _cache(quote);
    }

    function _faultOf(bytes memory report, ITdxVerifier.Fault expected) internal view {
        vm.assertEq(uint256(verifier.faultOfReport(report)), uint256(expected));
    }

    /// A report of version 4 by another key, which stands beside its signature.
    function _signedWith(bytes memory report, uint256 key) internal pure returns (bytes memory) {
        (bytes32 r, bytes32 s) = vm.signP256(key, sha256(_slice(report, 0, 632)));
        (uint256 x, uint256 y) = vm.publicKeyP256(key);
        return bytes.concat(_slice(report, 0, SIGNATURE), r, s, bytes32(x), bytes32(y));
    }

    /// The same quote by another key that the CA certified, under a serial that is one higher.
    function _ofSecondPlatform(bytes memory quote) internal returns (bytes memory, bytes32, bytes32) {
        (uint256 x, uint256 y) = vm.publicKeyP256(SECOND_LEAF);
        bytes memory signed = _signedPart(genuine.pck);
        signed = _swap(signed, abi.encode(genuine.x, genuine.y), abi.encode(x, y));
        verifier.cachePck(_sealed(_swap(signed, _serial(0), _serial(1)), caKey));
        (bytes32 r, bytes32 s) = vm.signP256(SECOND_LEAF, sha256(_slice(quote, QE_REPORT, 384)));
        uint256 place = SIGNATURE + 518;
        return (_put(_put(quote, place, r), place + 32, s), bytes32(x), bytes32(y));
    }

    /// On the list that revoked the first.
    function _revokeSecondPlatform() internal {
        bytes memory signed = _signedPart(_stored("pck-revoked").pckCrl);
        verifier.upsertRevocationList(_sealed(_swap(signed, _serial(0), _serial(1)), caKey));
    }

    function _bringNumbers(string memory since, string memory until) internal {
        bytes memory list = _replace(genuine.numbers, "2025-06-25T00:00:00Z", since);
        list = _replace(list, "2026-07-14T12:00:00Z", until);
        list = _replace(list, "2026-06-14T12:00:00Z", "2026-06-14T12:00:01Z");
        verifier.upsertEvaluationNumbers(list, _signDocument(list));
    }

    function _bringIdentity(bytes memory document) internal {
        document = _replace(document, "2026-06-14T12:00:00Z", "2026-06-14T12:00:01Z");
        verifier.upsertQeIdentity(document, _signDocument(document));
    }

    function _bringTcbInfo(bytes memory document) internal {
        document = _replace(document, "2026-06-14T12:00:00Z", "2026-06-14T12:00:01Z");
        verifier.upsertTcbInfo(document, _signDocument(document));
    }

    /// Of the platform's certificate: 20 bytes behind version and its own head.
    function _serial(uint8 flip) private view returns (bytes memory serial) {
        serial = _slice(genuine.pck, 15, 20);
        serial[19] ^= bytes1(flip);
    }
}
