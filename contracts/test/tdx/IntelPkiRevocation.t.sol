// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {TdxVerifier} from "../../src/tdx/TdxVerifier.sol";
import {IIntelPki} from "../../src/tdx/interfaces/IIntelPki.sol";
import {ITdxVerifier} from "../../src/tdx/interfaces/ITdxVerifier.sol";
import {Case} from "./CaseFile.sol";
import {IntelPkiFixture} from "./IntelPkiFixture.sol";

/// @title Revocation lists as anyone brings them, and what they end
contract IntelPkiRevocationTest is IntelPkiFixture {
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

    /// The same leaf under a serial that is one higher, signed by the CA again.
    function _reissued(bytes memory leaf) private view returns (bytes memory) {
        bytes memory signed = _signedPart(leaf);
        // Serial of 20 bytes behind its own head, as in `_leaf`.
        signed[30] = bytes1(uint8(signed[30]) ^ 1);
        return _sealed(signed, caKey);
    }
}
