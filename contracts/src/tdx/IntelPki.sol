// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Freshness} from "./Freshness.sol";
import {P256} from "./P256.sol";
import {Pck, PckLib} from "./Pck.sol";
import {SgxExtension} from "./SgxExtension.sol";
import {X509} from "./X509.sol";
import {IIntelPki} from "./interfaces/IIntelPki.sol";

/// @title Intel's certificates and revocation lists
/// @notice See IIntelPki. Collateral and quotes are checked by contracts that inherit this one, because a check that reads
/// its own storage is 5,000 gas cheaper than one that asks a neighbour.
abstract contract IntelPki is IIntelPki {
    struct StoredAuthority {
        bytes32 x;
        bytes32 y;
        /// keccak256 of the DER of its name, which whatever it issues must repeat.
        bytes32 subject;
        uint40 notBefore;
        /// The earlier one of its own and the root's.
        uint40 notAfter;
        uint160 serial;
        /// Counts its keys.
        uint8 edition;
    }

    /// @notice SHA-256 of the DER of the Intel SGX Root CA.
    bytes32 public constant INTEL_ROOT_SHA256 =
        0x44a0196b2b99f889b8e149e95b807a350e7424964399e885a7cbb8ccfab674d3;

    uint256 private constant BASE = 8453;
    uint256 private constant BASE_SEPOLIA = 84_532;

    bytes32 private constant ROOT_NAME = "Intel SGX Root CA";
    bytes32 private constant PLATFORM_CA_NAME = "Intel SGX PCK Platform CA";
    bytes32 private constant PROCESSOR_CA_NAME = "Intel SGX PCK Processor CA";
    bytes32 private constant TCB_SIGNING_NAME = "Intel SGX TCB Signing";
    bytes32 private constant PCK_NAME = "Intel SGX PCK Certificate";

    /// keyCertSign and cRLSign; digitalSignature and nonRepudiation.
    uint256 private constant USAGE_CA = 0x03020106;
    uint256 private constant USAGE_SIGNER = 0x030206c0;
    uint256 private constant CA_ABOVE_CAS = 0x30060101ff020101;
    uint256 private constant CA_ABOVE_LEAVES = 0x30060101ff020100;
    uint256 private constant NO_CA = 0x3000;

    uint256 private constant MAX_EDITIONS = 8;
    /// In `_authorityBySerial`.
    uint256 private constant REVOKED_AUTHORITY = 1 << 255;
    /// In `_pckBySerial`, where no hash of a key can be.
    bytes32 private constant REVOKED_PCK = bytes32(uint256(1));

    /// @inheritdoc IIntelPki
    bytes32 public immutable rootCertificateHash;
    /// @inheritdoc IIntelPki
    address public immutable p256Backend;

    Freshness internal _freshness;
    /// thisUpdate of the latest lists, and issueDate of the latest list of evaluation numbers.
    uint40[4] internal _latest;
    mapping(bytes32 keyHash => Pck pck) internal _pcks;
    bytes32[] internal _pckKeys;
    mapping(Authority authority => StoredAuthority stored) private _authorities;
    /// 1 + authority << 8 + edition of every certificate that came in, and whether the serial is revoked.
    mapping(uint256 serial => uint256 state) private _authorityBySerial;
    mapping(bytes32 caAndSerial => bytes32 keyHash) private _pckBySerial;

    constructor(bytes32 rootHash, bool allowSimulatedRoot) {
        if (rootHash != INTEL_ROOT_SHA256) {
            require(block.chainid != BASE, SimulatedRootRefused(block.chainid));
            require(block.chainid != BASE_SEPOLIA || allowSimulatedRoot, SimulatedRootRefused(block.chainid));
        }
        rootCertificateHash = rootHash;
        p256Backend = P256.createBackend();
    }

    /* UPSERTS */

    /// @inheritdoc IIntelPki
    function setRoot(bytes calldata der) external {
        bytes32 actual = sha256(der);
        require(actual == rootCertificateHash, RootMismatch(rootCertificateHash, actual));
        StoredAuthority storage stored = _authorities[Authority.ROOT];
        if (stored.serial != 0) return;

        X509.Certificate memory c = X509.certificate(der);
        require(c.subjectName == ROOT_NAME, UnknownSubject(c.subjectName));
        require(c.issuer == c.subject, IssuerMismatch(c.subject, c.issuer));
        _requireConstraints(c, USAGE_CA, CA_ABOVE_CAS);
        _requireValid(c.notBefore, c.notAfter);
        _requireSigned(c.signed, c.x, c.y);
        _store(stored, c, c.notAfter, 0);

        emit RootSet(actual, c.notAfter);
    }

    /// @inheritdoc IIntelPki
    function upsertAuthority(bytes calldata der) external {
        X509.Certificate memory c = X509.certificate(der);
        Authority authority = _authorityNamed(c.subjectName);
        StoredAuthority storage stored = _authorities[authority];
        bool sameKey = stored.serial != 0 && c.x == stored.x && c.y == stored.y;
        bool later = c.notBefore > stored.notBefore;
        if (!later) {
            // Another certificate for the same key from the same day on is remembered for its serial only.
            require(
                sameKey && c.notBefore == stored.notBefore, OlderCertificate(stored.notBefore, c.notBefore)
            );
            if (_authorityBySerial[c.serial] != 0) return;
        }
        uint256 notAfter = _requireIssuedByRoot(c, authority);

        // Revoking one of the certificates for a key revokes the key.
        uint256 edition = stored.edition;
        if (stored.serial != 0 && !sameKey) ++edition;
        require(edition < MAX_EDITIONS, TooManyEditions(authority));
        _authorityBySerial[c.serial] = 1 + (uint256(authority) << 8) + edition;
        if (later) _store(stored, c, notAfter, edition);

        emit AuthorityUpserted(authority, c.serial, c.notBefore, notAfter);
    }

    /// @inheritdoc IIntelPki
    function upsertRevocationList(bytes calldata der) external {
        X509.RevocationList memory list = X509.revocationList(der);
        Authority issuer = list.issuerName == ROOT_NAME ? Authority.ROOT : _authorityNamed(list.issuerName);
        require(issuer != Authority.TCB_SIGNING, UnknownIssuer(list.issuerName));
        StoredAuthority storage stored = _requireAuthority(issuer);
        require(list.issuer == stored.subject, IssuerMismatch(stored.subject, list.issuer));
        require(
            list.thisUpdate <= block.timestamp && block.timestamp < list.nextUpdate,
            ListNotInForce(list.thisUpdate, list.nextUpdate, block.timestamp)
        );
        uint256 latest = _latest[uint256(issuer)];
        require(list.thisUpdate >= latest, OlderList(latest, list.thisUpdate));
        _requireSigned(list.signed, stored.x, stored.y);

        uint256 until = list.nextUpdate - 1;
        Freshness freshness = _freshness.withUntil(uint256(issuer), until);
        uint256 added;
        if (issuer == Authority.ROOT) (freshness, added) = _revokeAuthorities(list, freshness);
        else added = _revokePcks(list, issuer);
        _freshness = freshness;
        // Below 2^40, because a time before block.timestamp is.
        _latest[uint256(issuer)] = uint40(list.thisUpdate);

        emit RevocationListUpserted(issuer, list.thisUpdate, list.nextUpdate, added);
    }

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

    /* VIEWS */

    /// @inheritdoc IIntelPki
    function authorityOf(Authority authority)
        external
        view
        returns (bytes32 x, bytes32 y, uint256 serial, uint256 notBefore, uint256 notAfter, bool revoked)
    {
        StoredAuthority storage stored = _authorities[authority];
        serial = stored.serial;
        revoked = _isRevoked(authority, stored);
        return (stored.x, stored.y, serial, stored.notBefore, stored.notAfter, revoked);
    }

    /// @inheritdoc IIntelPki
    function revocationListOf(Authority issuer) external view returns (uint256 thisUpdate, uint256 until) {
        if (issuer == Authority.TCB_SIGNING) return (0, 0);
        return (_latest[uint256(issuer)], _freshness.until(uint256(issuer)));
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

    /// @inheritdoc IIntelPki
    function isSimulated() public view returns (bool) {
        return rootCertificateHash != INTEL_ROOT_SHA256;
    }

    /// @inheritdoc IIntelPki
    function isAuthorityRevoked(uint256 serial) public view returns (bool) {
        return _authorityBySerial[serial] & REVOKED_AUTHORITY != 0;
    }

    /* CHECKS */

    /// The key that signs collateral, which may sign now: its certificate is valid and not on a root list that is in force.
    function _requireTcbSigning() internal view returns (StoredAuthority storage stored) {
        stored = _requireAuthority(Authority.TCB_SIGNING);
        uint256 until = _freshness.until(uint256(Authority.ROOT));
        require(block.timestamp <= until, RootListExpired(until, block.timestamp));
    }

    function _requireSigned(X509.Signed memory signed, bytes32 x, bytes32 y) internal view {
        require(P256.verify(p256Backend, signed.hash, signed.r, signed.s, x, y), SignatureInvalid());
    }

    /// A certificate of that authority that the root issued, valid now and not revoked.
    function _requireIssuedByRoot(X509.Certificate memory c, Authority authority)
        private
        view
        returns (uint256 notAfter)
    {
        StoredAuthority storage root = _authorities[Authority.ROOT];
        require(root.serial != 0, RootUnknown());
        require(c.issuer == root.subject, IssuerMismatch(root.subject, c.issuer));
        bool signs = authority == Authority.TCB_SIGNING;
        _requireConstraints(c, signs ? USAGE_SIGNER : USAGE_CA, signs ? NO_CA : CA_ABOVE_LEAVES);
        notAfter = c.notAfter < root.notAfter ? c.notAfter : root.notAfter;
        _requireValid(c.notBefore, notAfter);
        require(!isAuthorityRevoked(c.serial), AuthorityIsRevoked(c.serial));
        _requireSigned(c.signed, root.x, root.y);
    }

    /// Known, valid now, not revoked.
    function _requireAuthority(Authority authority) private view returns (StoredAuthority storage stored) {
        stored = _authorities[authority];
        require(stored.serial != 0, AuthorityUnknown(authority));
        require(!_isRevoked(authority, stored), AuthorityIsRevoked(stored.serial));
        _requireValid(stored.notBefore, stored.notAfter);
    }

    function _isRevoked(Authority authority, StoredAuthority storage stored) private view returns (bool) {
        return authority == Authority.ROOT
            ? isAuthorityRevoked(stored.serial)
            : _freshness.isRevoked(uint256(authority), stored.edition);
    }

    function _requireValid(uint256 notBefore, uint256 notAfter) private view {
        require(
            notBefore <= block.timestamp && block.timestamp <= notAfter,
            CertificateNotValid(notBefore, notAfter, block.timestamp)
        );
    }

    function _requireConstraints(X509.Certificate memory c, uint256 keyUsage, uint256 basicConstraints)
        private
        pure
    {
        require(c.keyUsage == keyUsage, ConstraintsMismatch(keyUsage, c.keyUsage));
        require(
            c.basicConstraints == basicConstraints, ConstraintsMismatch(basicConstraints, c.basicConstraints)
        );
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

    function _authorityNamed(bytes32 name) private pure returns (Authority) {
        if (name == PLATFORM_CA_NAME) return Authority.PLATFORM_CA;
        if (name == PROCESSOR_CA_NAME) return Authority.PROCESSOR_CA;
        require(name == TCB_SIGNING_NAME, UnknownSubject(name));
        return Authority.TCB_SIGNING;
    }

    function _serialId(Authority ca, uint256 serial) private pure returns (bytes32) {
        return keccak256(abi.encode(ca, serial));
    }

    /* EFFECTS */

    /// Times below 2^40: a certificate's end has a year of four digits.
    function _store(
        StoredAuthority storage stored,
        X509.Certificate memory c,
        uint256 notAfter,
        uint256 edition
    ) private {
        stored.x = c.x;
        stored.y = c.y;
        stored.subject = c.subject;
        stored.notBefore = uint40(c.notBefore);
        stored.notAfter = uint40(notAfter);
        stored.serial = uint160(c.serial);
        stored.edition = uint8(edition);
    }

    /// Serials that no certificate has yet count as well.
    function _revokeAuthorities(X509.RevocationList memory list, Freshness freshness)
        private
        returns (Freshness, uint256 added)
    {
        uint256 pos = list.entriesStart;
        while (pos < list.entriesEnd) {
            uint256 serial;
            (serial, pos) = X509.entry(pos, list.entriesEnd);
            uint256 state = _authorityBySerial[serial];
            if (state & REVOKED_AUTHORITY != 0) continue;
            _authorityBySerial[serial] = state | REVOKED_AUTHORITY;
            ++added;
            if (state != 0) {
                uint256 authority = (state - 1) >> 8;
                freshness = freshness.withRevoked(authority, (state - 1) & 0xff);
                // The list of evaluation numbers does not say which edition signed it.
                if (authority == uint256(Authority.TCB_SIGNING)) freshness = freshness.withUntil(3, 0);
            }
            emit AuthorityRevoked(serial);
        }
        return (freshness, added);
    }

    /// Whether or not the certificate was cached.
    function _revokePcks(X509.RevocationList memory list, Authority issuer) private returns (uint256 added) {
        uint256 pos = list.entriesStart;
        uint256 end = list.entriesEnd;
        while (pos < end) {
            uint256 serial;
            (serial, pos) = X509.entry(pos, end);
            bytes32 id = _serialId(issuer, serial);
            bytes32 keyHash = _pckBySerial[id];
            if (keyHash == REVOKED_PCK) continue;
            _pckBySerial[id] = REVOKED_PCK;
            ++added;
            if (keyHash != 0) _pcks[keyHash] = _pcks[keyHash].revoked();
            emit PckRevoked(issuer, serial);
        }
    }
}
