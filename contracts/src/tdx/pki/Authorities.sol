// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Freshness} from "../Freshness.sol";
import {P256} from "../P256.sol";
import {X509} from "../X509.sol";
import {IIntelPki} from "../interfaces/IIntelPki.sol";

/// @title The root, and what it issued: CAs and the signer of collateral
/// @notice See IIntelPki.
abstract contract Authorities is IIntelPki {
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

    bytes32 internal constant ROOT_NAME = "Intel SGX Root CA";
    bytes32 private constant PLATFORM_CA_NAME = "Intel SGX PCK Platform CA";
    bytes32 private constant PROCESSOR_CA_NAME = "Intel SGX PCK Processor CA";
    bytes32 private constant TCB_SIGNING_NAME = "Intel SGX TCB Signing";

    /// digitalSignature and nonRepudiation; keyCertSign and cRLSign.
    uint256 internal constant USAGE_SIGNER = 0x030206c0;
    uint256 private constant USAGE_CA = 0x03020106;
    uint256 private constant CA_ABOVE_CAS = 0x30060101ff020101;
    uint256 private constant CA_ABOVE_LEAVES = 0x30060101ff020100;
    uint256 internal constant NO_CA = 0x3000;

    uint256 private constant MAX_EDITIONS = 8;
    /// In `_authorityBySerial`.
    uint256 internal constant REVOKED_AUTHORITY = 1 << 255;

    /// @inheritdoc IIntelPki
    bytes32 public immutable rootCertificateHash;
    /// @inheritdoc IIntelPki
    address public immutable p256Backend;

    Freshness internal _freshness;
    mapping(Authority authority => StoredAuthority stored) private _authorities;
    /// 1 + authority << 8 + edition of every certificate that came in, and whether the serial is revoked.
    mapping(uint256 serial => uint256 state) internal _authorityBySerial;

    constructor(bytes32 rootHash, bool allowSimulatedRoot) {
        if (rootHash != INTEL_ROOT_SHA256) {
            require(block.chainid != BASE, SimulatedRootRefused(block.chainid));
            require(block.chainid != BASE_SEPOLIA || allowSimulatedRoot, SimulatedRootRefused(block.chainid));
        }
        rootCertificateHash = rootHash;
        p256Backend = P256.createBackend();
    }

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

    /// Known, valid now, not revoked.
    function _requireAuthority(Authority authority) internal view returns (StoredAuthority storage stored) {
        stored = _authorities[authority];
        require(stored.serial != 0, AuthorityUnknown(authority));
        require(!_isRevoked(authority, stored), AuthorityIsRevoked(stored.serial));
        _requireValid(stored.notBefore, stored.notAfter);
    }

    function _requireSigned(X509.Signed memory signed, bytes32 x, bytes32 y) internal view {
        require(P256.verify(p256Backend, signed.hash, signed.r, signed.s, x, y), SignatureInvalid());
    }

    function _requireValid(uint256 notBefore, uint256 notAfter) internal view {
        require(
            notBefore <= block.timestamp && block.timestamp <= notAfter,
            CertificateNotValid(notBefore, notAfter, block.timestamp)
        );
    }

    function _requireConstraints(X509.Certificate memory c, uint256 keyUsage, uint256 basicConstraints)
        internal
        pure
    {
        require(c.keyUsage == keyUsage, ConstraintsMismatch(keyUsage, c.keyUsage));
        require(
            c.basicConstraints == basicConstraints, ConstraintsMismatch(basicConstraints, c.basicConstraints)
        );
    }

    function _authorityNamed(bytes32 name) internal pure returns (Authority) {
        if (name == PLATFORM_CA_NAME) return Authority.PLATFORM_CA;
        if (name == PROCESSOR_CA_NAME) return Authority.PROCESSOR_CA;
        require(name == TCB_SIGNING_NAME, UnknownSubject(name));
        return Authority.TCB_SIGNING;
    }

    /* PRIVATE */

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

    function _isRevoked(Authority authority, StoredAuthority storage stored) private view returns (bool) {
        return authority == Authority.ROOT
            ? isAuthorityRevoked(stored.serial)
            : _freshness.isRevoked(uint256(authority), stored.edition);
    }

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
}
