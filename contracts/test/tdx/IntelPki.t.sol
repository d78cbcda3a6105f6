// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {P256} from "../../src/tdx/P256.sol";
import {SgxExtension} from "../../src/tdx/SgxExtension.sol";
import {TdxVerifier} from "../../src/tdx/TdxVerifier.sol";
import {X509} from "../../src/tdx/X509.sol";
import {IIntelPki} from "../../src/tdx/interfaces/IIntelPki.sol";
import {ITdxVerifier} from "../../src/tdx/interfaces/ITdxVerifier.sol";
import {Case} from "./CaseFile.sol";
import {TdxFixture} from "./TdxFixture.sol";

/// @title Certificates and revocation lists as anyone brings them
contract IntelPkiTest is TdxFixture {
    bytes32 private constant INTEL = 0x44a0196b2b99f889b8e149e95b807a350e7424964399e885a7cbb8ccfab674d3;

    function test_constructor_refuses_simulated_8453() public {
        vm.chainId(8453);
        vm.expectRevert(abi.encodeWithSelector(IIntelPki.SimulatedRootRefused.selector, 8453));
        new TdxVerifier(genuine.rootHash, true);
        vm.assertFalse(new TdxVerifier(INTEL, false).isSimulated());
    }

    function test_constructor_refuses_simulated_84532_without_flag() public {
        vm.chainId(84_532);
        vm.expectRevert(abi.encodeWithSelector(IIntelPki.SimulatedRootRefused.selector, 84_532));
        new TdxVerifier(genuine.rootHash, false);
        vm.assertTrue(new TdxVerifier(genuine.rootHash, true).isSimulated());
        vm.assertFalse(new TdxVerifier(INTEL, true).isSimulated());
    }

    function test_setRoot_only_the_named_one() public {
        TdxVerifier other = new TdxVerifier(INTEL, false);
        vm.expectRevert(abi.encodeWithSelector(IIntelPki.RootMismatch.selector, INTEL, genuine.rootHash));
        other.setRoot(genuine.roots[0]);
        vm.expectRevert(IIntelPki.RootUnknown.selector);
        other.upsertAuthority(genuine.authorities[0]);
    }

    function test_setRoot_announces() public {
        TdxVerifier other = new TdxVerifier(genuine.rootHash, false);
        (,,,, uint256 notAfter,) = verifier.authorityOf(IIntelPki.Authority.ROOT);
        vm.expectEmit(address(other));
        emit IIntelPki.RootSet(genuine.rootHash, notAfter);
        other.setRoot(genuine.roots[0]);
    }

    /// Every part of a bundle twice, in whatever order somebody else has sent it before.
    function test_upsert_twice_is_noop() public {
        uint256 before = uint256(vm.load(address(verifier), 0));
        _bring(verifier, genuine);
        vm.assertEq(uint256(vm.load(address(verifier), 0)), before);
        vm.assertEq(verifier.cachePck(genuine.pck), 1);
        vm.assertEq(verifier.pckKeyHash(1), keccak256(abi.encode(genuine.x, genuine.y)));
        vm.assertEq(verifier.pckKeyHash(2), 0);
        vm.assertEq(verifier.pckKeyHash(0), 0);
    }

    /// The role follows from name and constraints, whoever sends the certificate.
    function test_role_confusion() public {
        TdxVerifier other = new TdxVerifier(genuine.rootHash, false);
        other.setRoot(genuine.roots[0]);
        _bringAuthorities(other, genuine);
        (,, uint256 ca,,,) = other.authorityOf(IIntelPki.Authority.PLATFORM_CA);
        (,, uint256 signer,,,) = other.authorityOf(IIntelPki.Authority.TCB_SIGNING);
        (,, uint256 processor,,,) = other.authorityOf(IIntelPki.Authority.PROCESSOR_CA);
        vm.assertTrue(ca != signer && ca != 0 && signer != 0 && processor == 0);
        vm.expectPartialRevert(IIntelPki.UnknownSubject.selector);
        other.upsertAuthority(genuine.pck);
        vm.expectPartialRevert(IIntelPki.UnknownSubject.selector);
        other.upsertAuthority(genuine.roots[0]);
        vm.expectPartialRevert(IIntelPki.UnknownSubject.selector);
        other.cachePck(genuine.authorities[0]);
    }

    /// An authority's name does not help without the constraints: 03 02 01 06 becomes digitalSignature.
    function test_constraints_follow_the_role() public {
        TdxVerifier other = _empty();
        bytes memory der = _platformCa(genuine);
        bytes memory changed = _swap(der, hex"03020106", hex"030206c0");
        vm.expectRevert(
            abi.encodeWithSelector(IIntelPki.ConstraintsMismatch.selector, 0x03020106, 0x030206c0)
        );
        other.upsertAuthority(changed);
        changed = _swap(der, hex"30060101ff020100", hex"30060101ff020101");
        vm.expectRevert(
            abi.encodeWithSelector(
                IIntelPki.ConstraintsMismatch.selector, 0x30060101ff020100, 0x30060101ff020101
            )
        );
        other.upsertAuthority(changed);
    }

    function test_ca_downgrade() public {
        Case memory renewed = _stored("renewed-a-day-later");
        _bringAuthorities(verifier, renewed);
        (,,, uint256 notBefore,,) = verifier.authorityOf(IIntelPki.Authority.TCB_SIGNING);
        vm.assertEq(notBefore, genuine.time - 1 days);
        vm.expectRevert(
            abi.encodeWithSelector(IIntelPki.OlderCertificate.selector, notBefore, genuine.time - 30 days)
        );
        verifier.upsertAuthority(genuine.authorities[0]);
        // The same key: everything that hung on it still does.
        vm.assertEq(_verify(genuine.quote).tcbStatus, 0);
    }

    function test_other_key_replaces_and_old_leaves_stay() public {
        Case memory other = _stored("other-keys-a-day-later");
        _bringAuthorities(verifier, other);
        vm.assertEq(_verify(genuine.quote).tcbStatus, 0);
        // Lists are now those of the new key.
        vm.expectRevert(IIntelPki.SignatureInvalid.selector);
        verifier.upsertRevocationList(_stored("pck-crl-later").pckCrl);
        verifier.upsertRevocationList(other.pckCrl);
        vm.assertEq(_verify(genuine.quote).tcbStatus, 0);
        // Revoking the old CA ends what it issued, and nothing else.
        verifier.upsertRevocationList(_stored("ca-revoked").rootCrl);
        (,,,,, bool revoked) = verifier.authorityOf(IIntelPki.Authority.PLATFORM_CA);
        vm.assertFalse(revoked);
        vm.expectRevert(
            abi.encodeWithSelector(ITdxVerifier.PckCaRevoked.selector, IIntelPki.Authority.PLATFORM_CA)
        );
        _verify(genuine.quote);
    }

    function test_expired_ca() public {
        TdxVerifier other = _empty();
        Case memory c = _stored("ca-ends-early");
        vm.warp(genuine.time + 2 days + 1);
        vm.expectPartialRevert(IIntelPki.CertificateNotValid.selector);
        other.upsertAuthority(_platformCa(c));
        vm.warp(genuine.time + 2 days);
        other.upsertAuthority(_platformCa(c));
        other.cachePck(c.pck);
        (,,,, uint256 notAfter,) = other.pckOf(keccak256(abi.encode(c.x, c.y)));
        // What hangs on a CA ends with it.
        vm.assertEq(notAfter, genuine.time + 2 days);
    }

    function test_validity_bounds_are_inclusive() public {
        (,,, uint256 notBefore, uint256 notAfter,) = verifier.authorityOf(IIntelPki.Authority.PLATFORM_CA);
        uint256[2] memory inside = [notBefore, notAfter];
        uint256[2] memory outside = [notBefore - 1, notAfter + 1];
        for (uint256 i = 0; i < 2; ++i) {
            TdxVerifier other = new TdxVerifier(genuine.rootHash, false);
            vm.warp(inside[i]);
            other.setRoot(genuine.roots[0]);
            vm.warp(outside[i]);
            vm.expectPartialRevert(IIntelPki.CertificateNotValid.selector);
            other.upsertAuthority(_platformCa(genuine));
            vm.warp(inside[i]);
            other.upsertAuthority(_platformCa(genuine));
        }
    }

    function test_crl_rollback() public {
        Case memory later = _stored("pck-crl-later");
        vm.expectEmit(address(verifier));
        emit IIntelPki.RevocationListUpserted(
            IIntelPki.Authority.PLATFORM_CA, genuine.time - 60, genuine.time + 30 days, 0
        );
        verifier.upsertRevocationList(later.pckCrl);
        vm.expectRevert(
            abi.encodeWithSelector(IIntelPki.OlderList.selector, genuine.time - 60, genuine.time - 1 days)
        );
        verifier.upsertRevocationList(genuine.pckCrl);
        (uint256 thisUpdate, uint256 until) = verifier.revocationListOf(IIntelPki.Authority.PLATFORM_CA);
        vm.assertEq(thisUpdate, genuine.time - 60);
        vm.assertEq(until, genuine.time + 30 days - 1);
        (thisUpdate, until) = verifier.revocationListOf(IIntelPki.Authority.TCB_SIGNING);
        vm.assertEq(thisUpdate + until, 0);
    }

    function test_crl_in_force() public {
        TdxVerifier other = _empty();
        other.upsertAuthority(_platformCa(genuine));
        uint256 from = genuine.time - 1 days;
        uint256 to = from + 30 days;
        vm.warp(from - 1);
        vm.expectRevert(abi.encodeWithSelector(IIntelPki.ListNotInForce.selector, from, to, from - 1));
        other.upsertRevocationList(genuine.pckCrl);
        vm.warp(to);
        vm.expectRevert(abi.encodeWithSelector(IIntelPki.ListNotInForce.selector, from, to, to));
        other.upsertRevocationList(genuine.pckCrl);
        vm.warp(to - 1);
        other.upsertRevocationList(genuine.pckCrl);
    }

    /// Cached before the list came: the quote stops, and no later list brings it back.
    function test_revocation_is_permanent() public {
        (uint256 serial, bytes32 keyHash) = _leaf();
        vm.expectEmit(address(verifier));
        emit IIntelPki.PckRevoked(IIntelPki.Authority.PLATFORM_CA, serial);
        verifier.upsertRevocationList(_stored("pck-revoked").pckCrl);
        vm.assertTrue(verifier.isPckRevoked(IIntelPki.Authority.PLATFORM_CA, serial));
        vm.assertTrue(verifier.isPckRevoked(IIntelPki.Authority.PLATFORM_CA, 0x11));
        vm.assertFalse(verifier.isPckRevoked(IIntelPki.Authority.PROCESSOR_CA, serial));
        vm.expectRevert(abi.encodeWithSelector(ITdxVerifier.PckKeyRevoked.selector, keyHash));
        _verify(genuine.quote);

        verifier.upsertRevocationList(_stored("pck-crl-later").pckCrl);
        vm.expectRevert(abi.encodeWithSelector(ITdxVerifier.PckKeyRevoked.selector, keyHash));
        _verify(genuine.quote);
        // Nor does bringing it again, or a renewal under the same serial.
        verifier.cachePck(genuine.pck);
        verifier.cachePck(_stored("renewed-a-day-later").pck);
        vm.expectRevert(abi.encodeWithSelector(ITdxVerifier.PckKeyRevoked.selector, keyHash));
        _verify(genuine.quote);
    }

    /// Revoked before anybody brought it: bringing it ends its key, and nothing else.
    function test_revoked_serial_cannot_be_cached() public {
        TdxVerifier other = _empty();
        _bringAuthorities(other, genuine);
        other.upsertRevocationList(_stored("pck-revoked").pckCrl);
        (uint256 serial, bytes32 keyHash) = _leaf();
        // Forged, it ends nobody's key.
        bytes memory forged = _with(genuine.pck, 600, uint8(genuine.pck[600]) ^ 1);
        vm.expectRevert(IIntelPki.SignatureInvalid.selector);
        other.cachePck(forged);
        vm.expectEmit(address(other));
        emit IIntelPki.PckRevoked(IIntelPki.Authority.PLATFORM_CA, serial);
        other.cachePck(genuine.pck);
        (uint256 number,,,,, bool revoked) = other.pckOf(keyHash);
        vm.assertEq(number, 1);
        vm.assertTrue(revoked);
    }

    /// A leaf that was issued again under another serial: list, first and second certificate in every order.
    function test_reissued_leaf_is_revoked_in_any_order() public {
        bytes memory again = _reissued(genuine.pck);
        bytes[3] memory calls = [
            abi.encodeCall(IIntelPki.cachePck, (genuine.pck)),
            abi.encodeCall(IIntelPki.cachePck, (again)),
            abi.encodeCall(IIntelPki.upsertRevocationList, (_stored("pck-revoked").pckCrl))
        ];
        uint8[3][6] memory orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
        (, bytes32 keyHash) = _leaf();
        for (uint256 i = 0; i < orders.length; ++i) {
            TdxVerifier other = _empty();
            _bringAuthorities(other, genuine);
            for (uint256 j = 0; j < 3; ++j) {
                (bool ok,) = address(other).call(calls[orders[i][j]]);
                vm.assertTrue(ok);
            }
            (uint256 number,,,,, bool revoked) = other.pckOf(keyHash);
            vm.assertEq(number, 1);
            vm.assertTrue(revoked, vm.toString(i));
        }
        // Without the list both are one good key.
        verifier.cachePck(again);
        (,,,,, bool ended) = verifier.pckOf(keyHash);
        vm.assertFalse(ended);
    }

    /// A root list that came before the certificate bites all the same.
    function test_root_crl_before_the_ca() public {
        TdxVerifier other = _empty();
        other.upsertRevocationList(_stored("ca-revoked").rootCrl);
        vm.expectPartialRevert(IIntelPki.AuthorityIsRevoked.selector);
        other.upsertAuthority(_platformCa(genuine));
    }

    function test_root_crl_revokes_the_ca() public {
        (,, uint256 serial,,,) = verifier.authorityOf(IIntelPki.Authority.PLATFORM_CA);
        vm.expectEmit(address(verifier));
        emit IIntelPki.AuthorityRevoked(serial);
        verifier.upsertRevocationList(_stored("ca-revoked").rootCrl);
        vm.assertTrue(verifier.isAuthorityRevoked(serial));
        vm.expectRevert(
            abi.encodeWithSelector(ITdxVerifier.PckCaRevoked.selector, IIntelPki.Authority.PLATFORM_CA)
        );
        _verify(genuine.quote);
        vm.expectRevert(abi.encodeWithSelector(IIntelPki.AuthorityIsRevoked.selector, serial));
        verifier.upsertRevocationList(_stored("pck-crl-later").pckCrl);
        // For good: a later list without it, and a renewal, change nothing.
        verifier.upsertRevocationList(_stored("root-crl-later").rootCrl);
        vm.expectRevert(abi.encodeWithSelector(IIntelPki.AuthorityIsRevoked.selector, serial));
        verifier.upsertAuthority(_platformCa(_stored("renewed-a-day-later")));
        (,,,,, bool revoked) = verifier.pckOf(keccak256(abi.encode(genuine.x, genuine.y)));
        vm.assertTrue(revoked);
    }

    /// What a revoked key signed stops to count, numbers included.
    function test_root_crl_revokes_the_signer() public {
        verifier.upsertRevocationList(_stored("signer-revoked").rootCrl);
        vm.expectRevert(
            abi.encodeWithSelector(ITdxVerifier.EvaluationNumbersExpired.selector, 0, genuine.time)
        );
        _verify(genuine.quote);
        vm.expectRevert(ITdxVerifier.CollateralSignerRevoked.selector);
        verifier.verifyAt(genuine.quote, genuine.x, genuine.y, EVALUATION_NUMBER, EVALUATION_NUMBER);
        vm.expectPartialRevert(IIntelPki.AuthorityIsRevoked.selector);
        verifier.upsertTcbInfo(genuine.tcbInfo, genuine.tcbInfoSignature);
        (,, bool revoked) = verifier.qeIdentityOf(EVALUATION_NUMBER);
        vm.assertTrue(revoked);
        // Another key, and everything comes back with new documents.
        Case memory other = _stored("other-keys-a-day-later");
        _bringAuthorities(verifier, other);
        verifier.upsertTcbInfo(other.tcbInfo, other.tcbInfoSignature);
        verifier.upsertQeIdentity(other.qeIdentity, other.qeIdentitySignature);
        vm.assertEq(
            verifier.verifyAt(genuine.quote, genuine.x, genuine.y, EVALUATION_NUMBER, EVALUATION_NUMBER)
            .tcbStatus,
            0
        );
    }

    function test_processor_ca() public {
        Case memory c = _stored("processor-ca");
        TdxVerifier other = new TdxVerifier(c.rootHash, false);
        other.setRoot(c.roots[0]);
        _bringAuthorities(other, c);
        other.upsertRevocationList(c.rootCrl);
        other.cachePck(c.pck);
        other.upsertEvaluationNumbers(c.numbers, c.numbersSignature);
        other.upsertTcbInfo(c.tcbInfo, c.tcbInfoSignature);
        other.upsertQeIdentity(c.qeIdentity, c.qeIdentitySignature);
        // Its own list is missing; that of the other CA does not count for it.
        other.upsertAuthority(_platformCa(genuine));
        other.upsertRevocationList(genuine.pckCrl);
        vm.expectRevert(
            abi.encodeWithSelector(
                ITdxVerifier.RevocationListExpired.selector, IIntelPki.Authority.PROCESSOR_CA, 0, c.time
            )
        );
        other.verify(c.quote, c.x, c.y);
        other.upsertRevocationList(c.pckCrl);
        vm.assertEq(other.verify(c.quote, c.x, c.y).tcbStatus, 0);
    }

    function test_leaf_under_the_wrong_ca() public {
        Case memory c = _stored("processor-ca");
        vm.expectRevert(
            abi.encodeWithSelector(IIntelPki.AuthorityUnknown.selector, IIntelPki.Authority.PROCESSOR_CA)
        );
        verifier.cachePck(c.pck);
        // The name is right, the signature is another key's.
        TdxVerifier other = _empty();
        _bringAuthorities(other, _stored("other-keys-a-day-later"));
        vm.expectRevert(IIntelPki.SignatureInvalid.selector);
        other.cachePck(genuine.pck);
    }

    function test_pck_renewal_extends() public {
        Case memory renewed = _stored("renewed-a-day-later");
        (,,,, uint256 first,) = verifier.pckOf(keccak256(abi.encode(genuine.x, genuine.y)));
        vm.assertEq(verifier.cachePck(renewed.pck), 1);
        (uint256 number, bytes6 fmspc,, uint256 pceSvn, uint256 second, bool revoked) =
            verifier.pckOf(keccak256(abi.encode(genuine.x, genuine.y)));
        // No further than its CA.
        vm.assertTrue(second >= first);
        vm.assertEq(number, 1);
        vm.assertEq(pceSvn, 13);
        vm.assertEq(bytes32(fmspc), bytes32(bytes6(0xfa4e00000001)));
        vm.assertFalse(revoked);
    }

    function test_pck_announces() public {
        TdxVerifier other = _empty();
        _bringAuthorities(other, genuine);
        (uint256 serial, bytes32 keyHash) = _leaf();
        vm.expectEmit(address(other));
        emit IIntelPki.PckCached(keyHash, IIntelPki.Authority.PLATFORM_CA, serial, bytes6(0xfa4e00000001), 1);
        other.cachePck(genuine.pck);
    }

    /// No bit of a certificate or of a list can be another one; where AKI or SKI differ, the signature still decides.
    function test_every_flip_of_certificates_and_lists() public {
        TdxVerifier other = _empty();
        _flips(other, abi.encodeCall(IIntelPki.upsertAuthority, (_platformCa(genuine))));
        other.upsertAuthority(_platformCa(genuine));
        _flips(other, abi.encodeCall(IIntelPki.upsertRevocationList, (genuine.rootCrl)));
        _flips(other, abi.encodeCall(IIntelPki.upsertRevocationList, (genuine.pckCrl)));
        _flips(other, abi.encodeCall(IIntelPki.cachePck, (genuine.pck)));
    }

    /// The payload of a call with one `bytes`, one bit at a time.
    function _flips(TdxVerifier to, bytes memory call) private {
        uint256 length = uint256(_word(call, 36));
        for (uint256 i = 0; i < length; ++i) {
            for (uint256 bit = 0; bit < 8; ++bit) {
                call[68 + i] ^= bytes1(uint8(1 << bit));
                (bool ok,) = address(to).call(call);
                vm.assertFalse(ok, vm.toString(i));
                call[68 + i] ^= bytes1(uint8(1 << bit));
            }
        }
        uint256 id = vm.snapshotState();
        (bool whole,) = address(to).call(call);
        vm.assertTrue(whole);
        vm.revertToState(id);
    }

    /// The same leaf under a serial that is one higher, signed by the CA again.
    function _reissued(bytes memory leaf) private view returns (bytes memory) {
        bytes memory signed = _signedPart(leaf);
        // Serial of 20 bytes behind its own head, as in `_leaf`.
        signed[30] = bytes1(uint8(signed[30]) ^ 1);
        return _sealed(signed, caKey);
    }

    /// The root and nothing else.
    function _empty() private returns (TdxVerifier other) {
        other = new TdxVerifier(genuine.rootHash, false);
        other.setRoot(genuine.roots[0]);
    }

    /// CA and signer are of one day; the order of their bytes decides which is first.
    function _platformCa(Case memory c) private pure returns (bytes memory) {
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
    function _leaf() private view returns (uint256 serial, bytes32 keyHash) {
        serial = uint256(_word(genuine.pck, 15)) >> 96;
        keyHash = keccak256(abi.encode(genuine.x, genuine.y));
    }
}
