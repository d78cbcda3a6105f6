// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {TdxVerifier} from "../../src/tdx/TdxVerifier.sol";
import {IIntelPki} from "../../src/tdx/interfaces/IIntelPki.sol";
import {ITdxVerifier} from "../../src/tdx/interfaces/ITdxVerifier.sol";
import {Case} from "./CaseFile.sol";
import {IntelPkiFixture} from "./IntelPkiFixture.sol";

/// @title Certificates as anyone brings them
contract IntelPkiTest is IntelPkiFixture {
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
}
