// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Pck, PckLib} from "../Pck.sol";
import {SgxExtension} from "../SgxExtension.sol";
import {X509} from "../X509.sol";
import {IIntelPki} from "../interfaces/IIntelPki.sol";
import {Authorities} from "./Authorities.sol";

/// @title PCK certificates, one key for each platform
/// @notice See IIntelPki.
abstract contract PckCertificates is Authorities {
    bytes32 private constant PCK_NAME = "Intel SGX PCK Certificate";
    /// In `_pckBySerial`, where no hash of a key can be.
    bytes32 internal constant REVOKED_PCK = bytes32(uint256(1));

    mapping(bytes32 keyHash => Pck pck) internal _pcks;
    bytes32[] private _pckKeys;
    mapping(bytes32 caAndSerial => bytes32 keyHash) internal _pckBySerial;

    /// @inheritdoc IIntelPki
    function cachePck(bytes calldata der) external returns (uint256 number) {
        X509.Certificate memory c = X509.certificate(der);
        require(c.subjectName == PCK_NAME, UnknownSubject(c.subjectName));
        Authority ca = _authorityNamed(c.issuerName);
        require(ca != Authority.TCB_SIGNING, UnknownIssuer(c.issuerName));
        StoredAuthority storage stored = _requireAuthority(ca);
        uint256 notAfter = c.notAfter < stored.notAfter ? c.notAfter : stored.notAfter;
        bytes32 keyHash = keccak256(abi.encode(c.x, c.y));
        bytes32 serialId = _serialId(ca, c.serial);
        bytes32 taken = _pckBySerial[serialId];
        bool onList = taken == REVOKED_PCK;
        require(taken == 0 || onList || taken == keyHash, SerialTaken(c.serial));
        Pck known = _pcks[keyHash];
        if (onList ? known.isRevoked() : taken != 0 && notAfter <= known.notAfter()) return known.number();

        require(c.issuer == stored.subject, IssuerMismatch(stored.subject, c.issuer));
        _requireConstraints(c, USAGE_SIGNER, NO_CA);
        // A certificate on the list does nothing but end its key, and does that after its own end as well.
        if (!onList) _requireValid(c.notBefore, notAfter);
        _requireSigned(c.signed, stored.x, stored.y);

        number = known.number();
        if (number == 0) {
            _pckKeys.push(keyHash);
            number = _pckKeys.length;
            require(number <= PckLib.MAX_NUMBER, TooManyPcks());
        }
        Pck pck = _certified(c, notAfter, number, stored.edition, ca);
        if (onList) {
            // Whichever of list, this certificate and another one for its key came first, the key is revoked.
            _pcks[keyHash] = (known.number() == 0 ? pck : known).revoked();
            emit PckRevoked(ca, c.serial);
            return number;
        }
        _pckBySerial[serialId] = keyHash;
        // Of two certificates for one key the one that ends later counts; a revocation of either stays.
        if (pck.notAfter() > known.notAfter()) _pcks[keyHash] = known.isRevoked() ? pck.revoked() : pck;

        emit PckCached(keyHash, ca, c.serial, bytes6(uint48(pck.fmspc())), number);
    }

    /// @inheritdoc IIntelPki
    function isPckRevoked(Authority ca, uint256 serial) external view returns (bool) {
        return _pckBySerial[_serialId(ca, serial)] == REVOKED_PCK;
    }

    /// @inheritdoc IIntelPki
    function pckOf(bytes32 keyHash)
        external
        view
        returns (uint256 number, bytes6 fmspc, bytes16 svns, uint256 pceSvn, uint256 notAfter, bool revoked)
    {
        Pck pck = _pcks[keyHash];
        revoked = pck.isRevoked() || _freshness.isRevoked(pck.ca(), pck.edition());
        return (
            pck.number(),
            bytes6(uint48(pck.fmspc())),
            bytes16(bytes32(pck.svns())),
            pck.pceSvn(),
            pck.notAfter(),
            revoked
        );
    }

    /// @inheritdoc IIntelPki
    function pckKeyHash(uint256 number) public view returns (bytes32) {
        return number == 0 || number > _pckKeys.length ? bytes32(0) : _pckKeys[number - 1];
    }

    function _serialId(Authority ca, uint256 serial) internal pure returns (bytes32) {
        return keccak256(abi.encode(ca, serial));
    }

    function _certified(
        X509.Certificate memory c,
        uint256 notAfter,
        uint256 number,
        uint256 edition,
        Authority ca
    ) private pure returns (Pck) {
        (uint256 svns, uint256 pceSvn, uint256 fmspc) = SgxExtension.read(c.sgxStart, c.sgxEnd);
        return PckLib.pack(svns, fmspc, pceSvn, notAfter, number, edition, uint256(ca));
    }
}
