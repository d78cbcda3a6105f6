// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {TcbMatch} from "../../src/tdx/TcbMatch.sol";
import {TcbStatus} from "../../src/tdx/TcbStatus.sol";
import {IIntelPki} from "../../src/tdx/interfaces/IIntelPki.sol";
import {ITdxVerifier} from "../../src/tdx/interfaces/ITdxVerifier.sol";
import {AttestationKeyFixture} from "./AttestationKeyFixture.sol";

/// @title What time and new collateral do to attestation keys that were checked once
contract AttestationKeysLaterTest is AttestationKeyFixture {
    string private constant NEXT_UPDATE = "2026-07-14T12:00:00Z";
    string private constant SOON = "2026-06-16T12:00:00Z";

    function setUp() public override {
        super.setUp();
        _cache(genuine.quote);
    }

    /* ENDS */

    function test_numbers_expired_after_caching() public {
        _bringNumbers(NINETEEN_STAYS, SOON);
        _endsWith(genuine.time + 1 days, ITdxVerifier.EvaluationNumbersExpired.selector);
    }

    function test_qe_identity_expired_after_caching() public {
        _bringIdentity(_replace(genuine.qeIdentity, NEXT_UPDATE, SOON));
        _endsWith(genuine.time + 1 days, ITdxVerifier.QeIdentityExpired.selector);
    }

    function test_tcb_info_expired_after_caching() public {
        _bringTcbInfo(_replace(genuine.tcbInfo, NEXT_UPDATE, SOON));
        _endsWith(genuine.time + 1 days, ITdxVerifier.TcbInfoExpired.selector);
    }

    function test_lists_expired_after_caching() public {
        _bringNumbers(NINETEEN_STAYS, "2026-08-14T12:00:00Z");
        uint256 until = genuine.time + 29 days - 1;
        _endsWith(until, ITdxVerifier.RevocationListExpired.selector);
        verifier.upsertRevocationList(_stored("root-crl-later").rootCrl);
        vm.expectRevert(
            abi.encodeWithSelector(
                ITdxVerifier.RevocationListExpired.selector, IIntelPki.Authority.PLATFORM_CA, until, until + 1
            )
        );
        _check(genuine.quote);
        // Whoever refreshes mends it.
        verifier.upsertRevocationList(_stored("pck-crl-later").pckCrl);
        vm.assertEq(_check(genuine.quote).tcbStatus, TcbStatus.UP_TO_DATE);
    }

    /* ANOTHER IDENTITY OF THE QUOTING ENCLAVE */

    /// Its levels count anew for the ISVSVN that was kept.
    function test_quoting_enclave_becomes_old() public {
        _bringIdentity(_replace(genuine.qeIdentity, '"isvsvn":4', '"isvsvn":5'));
        _isKept(4, true);
        vm.assertEq(_check(genuine.quote).tcbStatus, TcbStatus.OUT_OF_DATE);
        _requireSame(genuine.quote);
    }

    function test_quoting_enclave_becomes_new() public {
        bytes memory lower = _replace(genuine.qeIdentity, '"isvsvn":2', '"isvsvn":1');
        lower = _replace(lower, '"isvsvn":4', '"isvsvn":2');
        _bringIdentity(lower);
        _requireSame(genuine.quote);
        vm.assertEq(_check(genuine.quote).tcbStatus, TcbStatus.UP_TO_DATE);
    }

    function test_quoting_enclave_becomes_revoked() public {
        _bringIdentity(_replace(genuine.qeIdentity, '"UpToDate"', '"Revoked"'));
        _refuse(_reportOf(genuine.quote), TcbMatch.TcbRevoked.selector);
    }

    function test_quoting_enclave_below_all_levels() public {
        bytes memory higher = _replace(genuine.qeIdentity, '"isvsvn":4', '"isvsvn":9');
        _bringIdentity(_replace(higher, '"isvsvn":2', '"isvsvn":8'));
        vm.expectRevert(abi.encodeWithSelector(ITdxVerifier.QeTcbNotSupported.selector, 4));
        _check(genuine.quote);
    }

    /// What describes the enclave itself is not judged anew: the key must be brought with a whole quote again.
    function test_other_enclave_makes_the_key_stale() public {
        string[2][5] memory changes = [
            ['"miscselectMask":"FFFFFFFF"', '"miscselectMask":"FFFFFFFE"'],
            ['"attributesMask":"FBFF', '"attributesMask":"F9FF'],
            ['"attributes":"11', '"attributes":"13'],
            ['"mrsigner":"44', '"mrsigner":"45'],
            ['"isvprodid":2', '"isvprodid":3']
        ];
        uint256 id = vm.snapshotState();
        for (uint256 i = 0; i < changes.length; ++i) {
            _bringIdentity(_replace(genuine.qeIdentity, changes[i][0], changes[i][1]));
            _isKept(4, false);
            _refuse(_reportOf(genuine.quote), ITdxVerifier.AttestationKeyStale.selector);
            // The enclave is the same under two of the masks.
            if (i < 2) {
                _cache(_stored("qe-out-of-date").quote);
                _isKept(2, true);
                _cache(genuine.quote);
                _isKept(4, true);
                _requireSame(genuine.quote);
            } else {
                vm.expectPartialRevert(ITdxVerifier.QeIdentityMismatch.selector);
                _cache(genuine.quote);
            }
            vm.revertToState(id);
            id = vm.snapshotState();
        }
    }

    /// The identity of the number that is standard now.
    function test_next_evaluation_number() public {
        vm.warp(genuine.time + 11 days);
        _isKept(4, false);
        _refuse(_reportOf(genuine.quote), ITdxVerifier.QeIdentityExpired.selector);
        bytes memory next =
            _replace(genuine.qeIdentity, '"tcbEvaluationDataNumber":19', '"tcbEvaluationDataNumber":20');
        verifier.upsertQeIdentity(next, _signDocument(next));
        _isKept(4, true);
        _refuse(_reportOf(genuine.quote), ITdxVerifier.TcbInfoExpired.selector);
        next = _replace(genuine.tcbInfo, '"tcbEvaluationDataNumber":19', '"tcbEvaluationDataNumber":20');
        verifier.upsertTcbInfo(next, _signDocument(next));
        _requireSame(genuine.quote);
    }

    /// The platform that the TCB info of now calls old is old, and one it revokes is refused.
    function test_platform_becomes_old() public {
        string memory first = '{"svn":0}]},"tcbDate":"2025-05-14T00:00:00Z","tcbStatus":"';
        string memory upToDate = string.concat(first, 'UpToDate"');
        uint256 id = vm.snapshotState();
        _bringTcbInfo(_replace(genuine.tcbInfo, upToDate, string.concat(first, 'OutOfDate"')));
        vm.assertEq(_check(genuine.quote).tcbStatus, TcbStatus.OUT_OF_DATE);
        _requireSame(genuine.quote);
        vm.revertToState(id);
        _bringTcbInfo(_replace(genuine.tcbInfo, upToDate, string.concat(first, 'Revoked"')));
        _refuse(_reportOf(genuine.quote), TcbMatch.TcbRevoked.selector);
    }

    /// Good until that second, and for that reason no longer.
    function _endsWith(uint256 until, bytes4 reason) private {
        vm.assertEq(_check(genuine.quote).validUntil, until);
        vm.warp(until);
        vm.assertEq(_check(genuine.quote).tcbStatus, TcbStatus.UP_TO_DATE);
        vm.warp(until + 1);
        _refuse(_reportOf(genuine.quote), reason);
    }
}
