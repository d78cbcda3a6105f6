// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {PckLib} from "../../src/tdx/Pck.sol";
import {TdxVerifier} from "../../src/tdx/TdxVerifier.sol";
import {IIntelPki} from "../../src/tdx/interfaces/IIntelPki.sol";
import {CertificateParts, ListParts} from "./DerMaker.sol";
import {SgxMaker} from "./SgxMaker.sol";

/// @title A PKI that says what Intel's does not
/// @notice Every certificate and list here is signed by the key that its issuer has.
contract IntelPkiBoundsTest is SgxMaker {
    string private constant ROOT = "Intel SGX Root CA";
    string private constant PLATFORM_CA = "Intel SGX PCK Platform CA";
    string private constant TCB_SIGNING = "Intel SGX TCB Signing";
    string private constant PCK = "Intel SGX PCK Certificate";

    uint256 private constant ROOT_KEY = 1;
    uint256 private constant CA_KEY = 2;
    uint256 private constant SIGNER_KEY = 3;
    uint256 private constant LEAF_KEY = 4;
    uint256 private constant MAX_EDITIONS = 8;
    /// 2026-06-15T12:00:00Z.
    uint256 private constant NOW = 1_781_524_800;
    /// Behind freshness, the authorities by name and by serial, and the platforms' keys by hash.
    bytes32 private constant COUNT_OF_PCKS = bytes32(uint256(4));

    TdxVerifier private _verifier;

    function setUp() public {
        vm.warp(NOW);
        bytes memory root = _certificate(_root());
        _verifier = new TdxVerifier(sha256(root), false);
        _verifier.setRoot(root);
        _verifier.upsertAuthority(_certificate(_ca()));
    }

    /* ROOT */

    /// Whoever deploys with the hash of something else gets a verifier without a root.
    function test_setRoot_by_name() public {
        CertificateParts memory p = _root();
        (p.subject, p.issuer) = (_name("Another Root CA"), _name("Another Root CA"));
        _refusedRoot(p, abi.encodeWithSelector(IIntelPki.UnknownSubject.selector, bytes32("Another Root CA")));
    }

    function test_setRoot_issued_by_itself() public {
        CertificateParts memory p = _root();
        p.issuer = _name("Another Root CA");
        _refusedRoot(
            p,
            abi.encodeWithSelector(
                IIntelPki.IssuerMismatch.selector, keccak256(_name(ROOT)), keccak256(_name("Another Root CA"))
            )
        );
    }

    function test_setRoot_signed_by_itself() public {
        CertificateParts memory p = _root();
        p.issuerKey = CA_KEY;
        _refusedRoot(p, abi.encodeWithSelector(IIntelPki.SignatureInvalid.selector));
    }

    /* AUTHORITIES */

    /// Each key of an authority has a bit of its own, so that no two are revoked by one.
    function test_too_many_editions() public {
        CertificateParts memory p = _ca();
        for (uint256 i = 1; i < MAX_EDITIONS; ++i) {
            _next(p, i);
            _verifier.upsertAuthority(_certificate(p));
        }
        _next(p, MAX_EDITIONS);
        bytes memory der = _certificate(p);
        vm.expectRevert(
            abi.encodeWithSelector(IIntelPki.TooManyEditions.selector, IIntelPki.Authority.PLATFORM_CA)
        );
        _verifier.upsertAuthority(der);
        // The same key still is renewed.
        p.key = CA_KEY + 100 * (MAX_EDITIONS - 1);
        _verifier.upsertAuthority(_certificate(p));
    }

    /// The key that signs collateral revokes nothing and certifies no platform.
    function test_signer_is_no_ca() public {
        _verifier.upsertAuthority(_certificate(_signer()));
        ListParts memory list = _crl(TCB_SIGNING, SIGNER_KEY, "");
        bytes memory der = _list(list);
        bytes memory reason =
            abi.encodeWithSelector(IIntelPki.UnknownIssuer.selector, bytes32(bytes(TCB_SIGNING)));
        vm.expectRevert(reason);
        _verifier.upsertRevocationList(der);
        CertificateParts memory p = _leaf();
        (p.issuer, p.issuerKey) = (_name(TCB_SIGNING), SIGNER_KEY);
        der = _certificate(p);
        vm.expectRevert(reason);
        _verifier.cachePck(der);
    }

    /* LISTS */

    /// A serial that every list repeats is revoked once.
    function test_authority_is_revoked_once() public {
        bytes memory entries = _entry(2, "");
        _bringList(ROOT, ROOT_KEY, entries, 1);
        vm.assertTrue(_verifier.isAuthorityRevoked(2));
        _bringList(ROOT, ROOT_KEY, bytes.concat(entries, _entry(0x77, ""), entries), 1);
        vm.assertTrue(_verifier.isAuthorityRevoked(2) && _verifier.isAuthorityRevoked(0x77));
    }

    function test_pck_is_revoked_once() public {
        bytes memory entries = _entry(4, "");
        _bringList(PLATFORM_CA, CA_KEY, entries, 1);
        _bringList(PLATFORM_CA, CA_KEY, bytes.concat(_entry(0x77, ""), entries, entries), 1);
        vm.assertTrue(_verifier.isPckRevoked(IIntelPki.Authority.PLATFORM_CA, 4));
        vm.assertTrue(_verifier.isPckRevoked(IIntelPki.Authority.PLATFORM_CA, 0x77));
    }

    /// Reasons of entries, as Intel's lists have them.
    function test_reason_of_an_entry() public {
        bytes memory reason = _sequence(_extension(hex"0603551d15", false, hex"0a0101"));
        _bringList(PLATFORM_CA, CA_KEY, _entry(4, reason), 1);
        vm.assertTrue(_verifier.isPckRevoked(IIntelPki.Authority.PLATFORM_CA, 4));
    }

    /* PLATFORMS */

    /// Two keys under one serial: revoking it would end one of them only.
    function test_serial_of_another_key() public {
        CertificateParts memory p = _leaf();
        _verifier.cachePck(_certificate(p));
        p.key = 5;
        bytes memory der = _certificate(p);
        vm.expectRevert(abi.encodeWithSelector(IIntelPki.SerialTaken.selector, 4));
        _verifier.cachePck(der);
    }

    /// Numbers of platforms have three bytes, of which none is given twice.
    function test_too_many_pcks() public {
        _verifier.cachePck(_certificate(_leaf()));
        vm.assertEq(uint256(vm.load(address(_verifier), COUNT_OF_PCKS)), 1);
        vm.store(address(_verifier), COUNT_OF_PCKS, bytes32(PckLib.MAX_NUMBER - 1));
        CertificateParts memory p = _leaf();
        (p.key, p.serial) = (5, 5);
        vm.assertEq(_verifier.cachePck(_certificate(p)), PckLib.MAX_NUMBER);
        (p.key, p.serial) = (6, 6);
        bytes memory der = _certificate(p);
        vm.expectRevert(IIntelPki.TooManyPcks.selector);
        _verifier.cachePck(der);
    }

    /// Ends are kept in 32 bits: what ends later than 2106 ends then, not at the start of time.
    function test_end_beyond_32_bits() public {
        (uint256 x, uint256 y) = vm.publicKeyP256(LEAF_KEY);
        _verifier.cachePck(_certificate(_leaf()));
        (uint256 number,,, uint256 pceSvn, uint256 notAfter,) = _verifier.pckOf(keccak256(abi.encode(x, y)));
        vm.assertEq(number, 1);
        vm.assertEq(pceSvn, 0x0102);
        vm.assertEq(notAfter, type(uint32).max);
        (,,,, notAfter,) = _verifier.authorityOf(IIntelPki.Authority.PLATFORM_CA);
        vm.assertEq(notAfter, 253_402_300_799);
    }

    function _refusedRoot(CertificateParts memory p, bytes memory reason) private {
        bytes memory der = _certificate(p);
        TdxVerifier other = new TdxVerifier(sha256(der), false);
        vm.expectRevert(reason);
        other.setRoot(der);
    }

    function _bringList(string memory issuer, uint256 key, bytes memory entries, uint256 added) private {
        bytes memory der = _list(_crl(issuer, key, _sequence(entries)));
        vm.expectEmit(address(_verifier));
        emit IIntelPki.RevocationListUpserted(
            key == ROOT_KEY ? IIntelPki.Authority.ROOT : IIntelPki.Authority.PLATFORM_CA,
            1_767_225_600,
            1_798_761_600,
            added
        );
        _verifier.upsertRevocationList(der);
    }

    /// Another key, a day later.
    function _next(CertificateParts memory p, uint256 edition) private pure {
        (p.key, p.serial) = (CA_KEY + 100 * edition, 0x100 + edition);
        p.notBefore = string.concat("2026010", vm.toString(1 + edition), "000000Z");
    }

    function _root() private pure returns (CertificateParts memory) {
        return CertificateParts({
            serial: 1,
            issuer: _name(ROOT),
            notBefore: "20260101000000Z",
            notAfter: "99991231235959Z",
            subject: _name(ROOT),
            key: ROOT_KEY,
            issuerKey: ROOT_KEY,
            extensions: _roles(hex"03020106", hex"30060101ff020101")
        });
    }

    function _ca() private pure returns (CertificateParts memory p) {
        p = _root();
        (p.serial, p.subject, p.key) = (2, _name(PLATFORM_CA), CA_KEY);
        p.extensions = _roles(hex"03020106", hex"30060101ff020100");
    }

    function _signer() private pure returns (CertificateParts memory p) {
        p = _root();
        (p.serial, p.subject, p.key) = (3, _name(TCB_SIGNING), SIGNER_KEY);
        p.extensions = _roles(hex"030206c0", hex"3000");
    }

    function _leaf() private pure returns (CertificateParts memory p) {
        p = _root();
        (p.serial, p.subject, p.key) = (4, _name(PCK), LEAF_KEY);
        (p.issuer, p.issuerKey) = (_name(PLATFORM_CA), CA_KEY);
        p.extensions =
            bytes.concat(_roles(hex"030206c0", hex"3000"), _extension(SGX, false, _value(_fields())));
    }

    function _crl(string memory issuer, uint256 key, bytes memory entries)
        private
        pure
        returns (ListParts memory)
    {
        return ListParts({
            issuer: _name(issuer),
            thisUpdate: "20260101000000Z",
            nextUpdate: "20270101000000Z",
            entries: entries,
            extensions: _extension(LIST_NUMBER, false, hex"020101"),
            issuerKey: key
        });
    }

    function _roles(bytes memory usage, bytes memory constraints) private pure returns (bytes memory) {
        return
            bytes.concat(_extension(KEY_USAGE, true, usage), _extension(BASIC_CONSTRAINTS, true, constraints));
    }
}
