// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Freshness} from "../Freshness.sol";
import {X509} from "../X509.sol";
import {IIntelPki} from "../interfaces/IIntelPki.sol";
import {PckCertificates} from "./PckCertificates.sol";

/// @title Revocation lists, and what they end
/// @notice See IIntelPki.
abstract contract RevocationLists is PckCertificates {
    /// thisUpdate of the latest lists, and issueDate of the latest list of evaluation numbers.
    uint40[4] internal _latest;

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
    function revocationListOf(Authority issuer) external view returns (uint256 thisUpdate, uint256 until) {
        if (issuer == Authority.TCB_SIGNING) return (0, 0);
        return (_latest[uint256(issuer)], _freshness.until(uint256(issuer)));
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
