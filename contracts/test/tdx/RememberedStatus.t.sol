// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Create2} from "@openzeppelin/contracts/utils/Create2.sol";
import {CollateralReader} from "../../src/tdx/CollateralReader.sol";
import {TcbMatch} from "../../src/tdx/TcbMatch.sol";
import {TcbStatus} from "../../src/tdx/TcbStatus.sol";
import {TdxVerifier} from "../../src/tdx/TdxVerifier.sol";
import {ITdxVerifier} from "../../src/tdx/interfaces/ITdxVerifier.sol";
import {AttestationKeyFixture} from "./AttestationKeyFixture.sol";

/// @title A TCB status that was remembered with an attestation key, and what must not be answered from it
/// @notice What is stored of the levels is swapped for levels that call the platform old, which nobody could bring about:
/// whoever still says up to date has not asked them.
contract RememberedStatusTest is AttestationKeyFixture {
    uint256 private constant TCB_BYTES = 120;
    string private constant LEVEL = '{"svn":0}]},"tcbDate":"2025-05-14T00:00:00Z","tcbStatus":"';

    /* WHAT IS REMEMBERED */

    function test_levels_are_not_asked_again() public {
        string[5] memory ids =
            ["genuine-v4", "genuine-v5", "genuine-v5-td10", "no-auth-data", "renewed-a-day-later"];
        _cache(genuine.quote);
        _swapLevels();
        vm.assertEq(_verify(genuine.quote).tcbStatus, TcbStatus.OUT_OF_DATE);
        for (uint256 i = 0; i < ids.length; ++i) {
            vm.assertEq(_check(_stored(ids[i]).quote).tcbStatus, TcbStatus.UP_TO_DATE);
        }
    }

    /// The monthly issue of the same levels: stored once, and what was remembered of them holds on.
    function test_levels_issued_again() public {
        _cache(genuine.quote);
        uint64 stored = vm.getNonce(address(verifier));
        _bringTcbInfo(genuine.tcbInfo);
        vm.assertEq(vm.getNonce(address(verifier)), stored);
        _swapLevels();
        vm.assertEq(_check(genuine.quote).tcbStatus, TcbStatus.UP_TO_DATE);
        vm.assertFalse(_cache(_stored("qe-out-of-date").quote));
    }

    /// Back to levels of before: the blob of then is still there.
    function test_levels_that_come_back() public {
        bytes memory document = genuine.tcbInfo;
        uint64 stored = vm.getNonce(address(verifier));
        _bringTcbInfo(_old(document));
        vm.assertEq(vm.getNonce(address(verifier)), stored + 1);
        document = _replace(document, "2026-06-14T12:00:00Z", "2026-06-14T12:00:02Z");
        verifier.upsertTcbInfo(document, _signDocument(document));
        vm.assertEq(vm.getNonce(address(verifier)), stored + 1);
        vm.assertEq(_verify(genuine.quote).tcbStatus, TcbStatus.UP_TO_DATE);
    }

    /// Dates, numbers, the enclave's levels and its own ISVSVN are judged anew all the same.
    function test_old_enclave_makes_the_remembered_status_old() public {
        _cache(genuine.quote);
        _bringIdentity(_replace(genuine.qeIdentity, '"isvsvn":4', '"isvsvn":5'));
        vm.assertEq(_check(genuine.quote).tcbStatus, TcbStatus.OUT_OF_DATE);
        _requireSame(genuine.quote);
    }

    /* WHAT IS NOT ANSWERED FROM IT */

    /// TEE_TCB_SVN, MRSEAM, MRSIGNERSEAM and SEAMATTRIBUTES, each byte of them.
    function test_every_byte_of_the_tcb_counts() public {
        _cache(genuine.quote);
        _swapLevels();
        for (uint256 i = 0; i < TCB_BYTES; ++i) {
            uint8 value = uint8(genuine.quote[BODY + i]);
            _requireAsked(_resign(_with(genuine.quote, BODY + i, value ^ 1)));
            _requireAsked(_resign(_with(genuine.quote, BODY + i, value ^ 0x80)));
        }
    }

    function testFuzz_same_answer_for_any_tcb(uint256 cachedSeed, uint256 seed, bool isTd15) public {
        (bytes memory cached,) = _mutated(cachedSeed, false);
        (bytes memory quote,) = _mutated(seed, isTd15);
        bytes memory call = abi.encodeCall(ITdxVerifier.cacheAttestationKey, (cached, genuine.x, genuine.y));
        (bool known,) = address(verifier).call(call);
        if (!known) _cache(genuine.quote);
        _requireSameAnswer(quote);
        _requireSameAnswer(genuine.quote);
        if (known) _requireSameAnswer(cached);
    }

    /// The module of now beside the one at launch.
    function test_module_of_now_counts() public {
        _cache(genuine.quote);
        _swapLevels();
        bytes memory quote = _stored("genuine-v5").quote;
        for (uint256 i = 0; i < 16; ++i) {
            uint256 place = 54 + 584 + i;
            _requireAsked(_resign(_with(quote, place, uint8(quote[place]) ^ 1), 702));
        }
    }

    function test_other_levels_count_at_once() public {
        _cache(genuine.quote);
        _bringTcbInfo(_old(genuine.tcbInfo));
        vm.assertEq(_check(genuine.quote).tcbStatus, TcbStatus.OUT_OF_DATE);
        _requireSame(genuine.quote);
        // Remembered anew, and once.
        vm.assertTrue(_cache(genuine.quote));
        vm.assertFalse(_cache(genuine.quote));
        _requireSame(genuine.quote);
    }

    function test_revoked_level_is_never_remembered() public {
        _bringTcbInfo(_replace(genuine.tcbInfo, _level("UpToDate"), _level("Revoked")));
        vm.expectRevert(TcbMatch.TcbRevoked.selector);
        _cache(genuine.quote);
        _isKept(0, false);
    }

    function test_level_revoked_after_caching() public {
        _cache(genuine.quote);
        _bringTcbInfo(_replace(genuine.tcbInfo, _level("UpToDate"), _level("Revoked")));
        _refuse(_reportOf(genuine.quote), TcbMatch.TcbRevoked.selector);
        vm.expectRevert(TcbMatch.TcbRevoked.selector);
        _cache(genuine.quote);
    }

    function test_no_level_is_never_remembered() public {
        bytes memory quote = _resign(_with(genuine.quote, BODY + 2, 1));
        vm.expectRevert(TcbMatch.TcbNotSupported.selector);
        _cache(quote);
        _isKept(0, false);
    }

    /// The number that becomes standard brings its own levels, the same or others.
    function test_next_evaluation_number() public {
        _cache(genuine.quote);
        vm.warp(genuine.time + 11 days);
        bytes memory next = _ofTwenty(genuine.qeIdentity);
        verifier.upsertQeIdentity(next, _signDocument(next));
        next = _ofTwenty(genuine.tcbInfo);
        uint256 id = vm.snapshotState();
        verifier.upsertTcbInfo(next, _signDocument(next));
        _requireSame(genuine.quote);
        _swapLevels();
        vm.assertEq(_check(genuine.quote).tcbStatus, TcbStatus.UP_TO_DATE);
        vm.revertToState(id);
        next = _old(next);
        verifier.upsertTcbInfo(next, _signDocument(next));
        _requireSame(genuine.quote);
        vm.assertEq(_check(genuine.quote).tcbStatus, TcbStatus.OUT_OF_DATE);
    }

    /// A later certificate of the same key may say another TCB.
    function test_platform_certified_anew() public {
        verifier = new TdxVerifier(genuine.rootHash, false);
        _bring(verifier, _stored("ca-ends-early"));
        _cache(genuine.quote);
        (,,, uint256 pceSvn,,) = verifier.pckOf(keyHash);
        // Its OID, then an integer of one byte.
        bytes memory oid = hex"060b2a864886f84d010d0102110201";
        _bringAuthorities(verifier, _stored("renewed-a-day-later"));
        bytes memory signed = _signedPart(genuine.pck);
        bytes memory lower = bytes.concat(oid, bytes1(uint8(pceSvn) - 1));
        signed = _swap(signed, bytes.concat(oid, bytes1(uint8(pceSvn))), lower);
        verifier.cachePck(_sealed(signed, caKey));
        (,,, uint256 later,,) = verifier.pckOf(keyHash);
        vm.assertEq(later, pceSvn - 1);
        _requireSameAnswer(genuine.quote);
        _swapLevels();
        _requireAsked(genuine.quote);
    }

    /* WHAT COMES LATER */

    /// Quotes of before an update of the module stay genuine: whoever kept one changes nothing with it.
    function test_older_module_displaces_nothing() public {
        bytes memory older = _resign(_with(genuine.quote, BODY, uint8(genuine.quote[BODY]) - 1));
        bytes memory newer = _resign(_with(genuine.quote, BODY, uint8(genuine.quote[BODY]) + 1));
        _cache(genuine.quote);
        vm.assertFalse(_cache(older));
        _swapLevels();
        vm.assertEq(_check(genuine.quote).tcbStatus, TcbStatus.UP_TO_DATE);
        _requireAsked(older);
        vm.assertTrue(_cache(newer));
        vm.assertFalse(_cache(genuine.quote));
        _requireAsked(genuine.quote);
    }

    /* HELPERS */

    function _requireSameAnswer(bytes memory quote) private view {
        (bool ok, bytes memory said) = address(verifier).staticcall(_call(_reportOf(quote)));
        (bool expectedOk, bytes memory expected) = _whole(quote);
        vm.assertEq(ok, expectedOk);
        vm.assertEq(keccak256(said), keccak256(expected));
    }

    /// The same answer by swapped levels, which is not the one that was remembered.
    function _requireAsked(bytes memory quote) private view {
        _requireSameAnswer(quote);
        (bool ok, bytes memory said) = _whole(quote);
        if (ok) vm.assertTrue(abi.decode(said, (ITdxVerifier.Verdict)).tcbStatus != TcbStatus.UP_TO_DATE);
    }

    function _whole(bytes memory quote) private view returns (bool, bytes memory) {
        return
            address(verifier).staticcall(abi.encodeCall(ITdxVerifier.verify, (quote, genuine.x, genuine.y)));
    }

    /// Any SVNs that a platform near the genuine one may have, at launch and now.
    function _mutated(uint256 seed, bool isTd15) private view returns (bytes memory quote, uint256 body) {
        body = isTd15 ? 54 : BODY;
        quote = isTd15 ? _stored("genuine-v5").quote : genuine.quote;
        for (uint256 i = 0; i < 3; ++i) {
            quote = _with(quote, body + i, uint8((seed >> (8 * i)) % 8));
            if (isTd15) quote = _with(quote, body + 584 + i, uint8((seed >> (8 * i + 32)) % 8));
        }
        quote = _resign(quote, isTd15 ? 702 : 632);
    }

    function _swapLevels() private {
        bytes memory code = _code(genuine.tcbInfo);
        address stored = Create2.computeAddress(
            0, keccak256(bytes.concat(hex"600b5981380380925939f3", code)), address(verifier)
        );
        vm.assertEq(keccak256(stored.code), keccak256(code));
        vm.etch(stored, _code(_old(genuine.tcbInfo)));
    }

    function _code(bytes memory document) private view returns (bytes memory) {
        (,, bytes memory blob) = CollateralReader(verifier.collateralReader()).tcbInfo(document);
        return bytes.concat(hex"00", blob);
    }

    function _old(bytes memory document) private pure returns (bytes memory) {
        return _replace(document, _level("UpToDate"), _level("OutOfDate"));
    }

    function _level(string memory status) private pure returns (string memory) {
        return string.concat(LEVEL, status, '"');
    }

    function _ofTwenty(bytes memory document) private pure returns (bytes memory) {
        return _replace(document, '"tcbEvaluationDataNumber":19', '"tcbEvaluationDataNumber":20');
    }
}
