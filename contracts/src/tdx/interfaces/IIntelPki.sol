// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Intel's certificates and revocation lists, brought by anyone
/// @notice Every object is verified once, when it comes in, and stored compactly. Nobody owns this contract; nothing in it
/// can be set by anything but what the root signed. Old data never displaces newer, and a revocation is for good.
/// An upsert of what is known already changes nothing and does not revert, so that nobody can break a bundle of upserts
/// by sending a part of it first. Times in Unix seconds.
interface IIntelPki {
    /// @notice Who signs what. A certificate's own name and constraints decide it, never its sender.
    enum Authority {
        ROOT,
        PLATFORM_CA,
        PROCESSOR_CA,
        TCB_SIGNING
    }

    /// @notice The root certificate is known; the rest can follow.
    event RootSet(bytes32 indexed certificateHash, uint256 notAfter);
    /// @notice A certificate of a CA or of the signer of collateral took effect.
    event AuthorityUpserted(
        Authority indexed authority, uint256 indexed serial, uint256 notBefore, uint256 notAfter
    );
    /// @notice A revocation list took effect; `added` of its entries were new.
    event RevocationListUpserted(
        Authority indexed issuer, uint256 thisUpdate, uint256 nextUpdate, uint256 added
    );
    /// @notice For good: no later certificate with this serial counts.
    event AuthorityRevoked(uint256 indexed serial);
    /// @notice For good, whether or not the certificate was ever cached.
    event PckRevoked(Authority indexed ca, uint256 indexed serial);
    /// @notice A platform's key can be used. `number` is short for it.
    event PckCached(
        bytes32 indexed keyHash, Authority indexed ca, uint256 serial, bytes6 fmspc, uint256 number
    );

    error SimulatedRootRefused(uint256 chainId);
    error RootMismatch(bytes32 expected, bytes32 actual);
    error RootUnknown();
    error UnknownIssuer(bytes32 name);
    error UnknownSubject(bytes32 name);
    error IssuerMismatch(bytes32 expected, bytes32 actual);
    error ConstraintsMismatch(uint256 expected, uint256 actual);
    error CertificateNotValid(uint256 notBefore, uint256 notAfter, uint256 time);
    error SignatureInvalid();
    error OlderCertificate(uint256 latest, uint256 actual);
    error TooManyEditions(Authority authority);
    error AuthorityIsRevoked(uint256 serial);
    error AuthorityUnknown(Authority authority);
    error ListNotInForce(uint256 thisUpdate, uint256 nextUpdate, uint256 time);
    error OlderList(uint256 latest, uint256 actual);
    error RootListExpired(uint256 until, uint256 time);
    error SerialTaken(uint256 serial);
    error TooManyPcks();

    /// @notice Gives the root certificate whose SHA-256 the constructor named.
    function setRoot(bytes calldata der) external;

    /// @notice Gives the certificate of the Platform CA, of the Processor CA or of the TCB signing key. It replaces only
    /// one with an earlier notBefore.
    function upsertAuthority(bytes calldata der) external;

    /// @notice Gives a revocation list of the root or of a PCK CA. thisUpdate never decreases.
    function upsertRevocationList(bytes calldata der) external;

    /// @notice Gives a platform's PCK certificate, as DER. One that its CA has revoked ends its key, under whatever other
    /// certificate that key came or comes: the order in which lists and certificates arrive makes no difference.
    /// @return number short for the platform's key, from 1
    function cachePck(bytes calldata der) external returns (uint256 number);

    /// @notice The certificate in force. Zero serial: none yet.
    function authorityOf(Authority authority)
        external
        view
        returns (bytes32 x, bytes32 y, uint256 serial, uint256 notBefore, uint256 notAfter, bool revoked);

    /// @notice When the latest list was made, and until when it counts (that second included).
    function revocationListOf(Authority issuer) external view returns (uint256 thisUpdate, uint256 until);

    /// @notice Whether the root revoked this serial number of a CA or of the TCB signing key.
    function isAuthorityRevoked(uint256 serial) external view returns (bool);

    /// @notice Whether that CA revoked this serial number of a PCK certificate.
    function isPckRevoked(Authority ca, uint256 serial) external view returns (bool);

    /// @notice What is known of a platform's key, by keccak256(x ‖ y). Zero number: nothing.
    function pckOf(bytes32 keyHash)
        external
        view
        returns (uint256 number, bytes6 fmspc, bytes16 svns, uint256 pceSvn, uint256 notAfter, bool revoked);

    /// @notice keccak256(x ‖ y) of a platform's key by its number.
    function pckKeyHash(uint256 number) external view returns (bytes32);

    /// @notice SHA-256 of the DER of the root certificate.
    function rootCertificateHash() external view returns (bytes32);
    /// @notice Whether the root is another than Intel's. Then nothing here says anything about hardware.
    function isSimulated() external view returns (bool);
    /// @notice Who verifies P-256 signatures: the precompile at 0x100 or a contract that stands in for it.
    function p256Backend() external view returns (address);
}
