// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AttestationKey, AttestationKeyLib} from "./AttestationKey.sol";
import {Freshness} from "./Freshness.sol";
import {P256} from "./P256.sol";
import {Pck} from "./Pck.sol";
import {QeIdentityReader} from "./QeIdentityReader.sol";
import {QeReport} from "./QeReport.sol";
import {Sha256} from "./Sha256.sol";
import {TcbMatch} from "./TcbMatch.sol";
import {TdxJudge} from "./TdxJudge.sol";
import {TdxQuote} from "./TdxQuote.sol";
import {ITdxVerifier} from "./interfaces/ITdxVerifier.sol";

/// @title Intel TDX quotes, verified on chain
/// @notice See ITdxVerifier.
contract TdxVerifier is TdxJudge {
    /// What TDATTRIBUTES and XFAM may say, least significant byte first as in a TD report. ICSSD (16), LASS (27),
    /// SEPT_VE_DISABLE (28), MIGRATABLE (29), PKS (30), KL (31), TPA (62), PERFMON (63); x87, SSE, AVX, AVX-512, PT,
    /// PKU, CET, UINTR, LBR, AMX.
    uint256 private constant KNOWN_TD_BITS = 0x000001f8000000c0_e7db060000000000;
    /// TDATTRIBUTES start with 8 bits of debug and profiling.
    uint256 private constant FIRST_UNTRUSTED = 1 << 120;
    uint256 private constant FIRST_ATTRIBUTE = 1 << 64;

    /// By keccak256(x ‖ y) of the platform's key and of the attestation key.
    mapping(bytes32 keyHash => mapping(bytes32 attestationKeyHash => AttestationKey key)) private
        _attestationKeys;

    constructor(bytes32 rootHash, bool allowSimulatedRoot) TdxJudge(rootHash, allowSimulatedRoot) {}

    /* ATTESTATION KEYS */

    /// @inheritdoc ITdxVerifier
    function cacheAttestationKey(bytes calldata quote, bytes32 x, bytes32 y) external returns (bool isNewer) {
        Freshness freshness = _freshness;
        (uint256 number,) = _standard(freshness);
        Verdict memory v;
        bytes32 keyHash = _verify(v, quote, x, y, freshness, number, number);
        (uint256 body, uint256 signature,) = TdxQuote.parse(quote);
        bytes32 attestationKeyHash = TdxQuote.attestationKeyHash(signature);
        AttestationKey key = _remembered(v.qeIsvSvn, body, _pcks[keyHash], number);
        AttestationKey known = _attestationKeys[keyHash][attestationKeyHash];
        // Whoever matched another identity is of no use any more.
        isNewer = key.identityFingerprint() != known.identityFingerprint() || key.isNewerThan(known);
        if (!isNewer) return false;

        _attestationKeys[keyHash][attestationKeyHash] = key;

        emit AttestationKeyCached(attestationKeyHash, v.pckNumber, v.qeIsvSvn);
    }

    /// @inheritdoc ITdxVerifier
    function attestationKeyOf(bytes32 attestationKeyHash, bytes32 keyHash)
        external
        view
        returns (uint16 qeIsvSvn, bool isCurrent)
    {
        AttestationKey key = _attestationKeys[keyHash][attestationKeyHash];
        uint256 identity = _identityFingerprint(_freshness.standard(block.timestamp));
        return (uint16(key.qeIsvSvn()), key.isKnown() && key.identityFingerprint() == identity);
    }

    /* CHECKS */

    /// @inheritdoc ITdxVerifier
    function verify(bytes calldata quote, bytes32 x, bytes32 y) external view returns (Verdict memory v) {
        Freshness freshness = _freshness;
        (uint256 number, uint256 until) = _standard(freshness);
        _verify(v, quote, x, y, freshness, number, number);
        if (until < v.validUntil) v.validUntil = uint40(until);
    }

    /// @inheritdoc ITdxVerifier
    function verifyAt(
        bytes calldata quote,
        bytes32 x,
        bytes32 y,
        uint256 tcbInfoNumber,
        uint256 qeIdentityNumber
    ) external view returns (Verdict memory v) {
        _verify(v, quote, x, y, _freshness, tcbInfoNumber, qeIdentityNumber);
    }

    /// @inheritdoc ITdxVerifier
    function verifyWithCachedKey(bytes calldata report, bytes32 keyHash)
        external
        view
        returns (Verdict memory v)
    {
        (uint256 body, uint256 signature) = TdxQuote.parseReport(report);
        _requireFaultless(_reportFault(report, body, signature));
        Freshness freshness = _freshness;
        (uint256 number, uint256 until) = _standard(freshness);
        Pck pck = _pcks[keyHash];
        v.validUntil = uint40(_least(until, _requirePlatform(pck, keyHash, freshness)));
        AttestationKey key = _requireAttestationKey(keyHash, signature);
        uint256 qeStatus = _cachedEnclave(v, key, freshness, number);
        _judge(v, body, signature, pck, _tcbInfo(v, pck, freshness, number), qeStatus, key);
    }

    /// @inheritdoc ITdxVerifier
    function reevaluate(uint256 pckNumber, bytes16 teeTcbSvn, uint256 qeIsvSvn)
        external
        view
        returns (uint8 tcbStatus, uint40 validUntil)
    {
        bytes32 keyHash = pckKeyHash(pckNumber);
        Freshness freshness = _freshness;
        Pck pck = _pcks[keyHash];
        uint256 until = _requirePlatform(pck, keyHash, freshness);
        (uint256 status, uint256 part) = _reevaluate(pck, freshness, uint128(teeTcbSvn), qeIsvSvn);
        tcbStatus = uint8(status);
        validUntil = uint40(_least(until, part));
    }

    /// @inheritdoc ITdxVerifier
    function faultOf(bytes calldata quote, bytes32 x, bytes32 y) external view returns (Fault) {
        (uint256 body, uint256 signature, uint256 authLength) = TdxQuote.parse(quote);
        return _quoteFault(quote, body, signature, authLength, x, y);
    }

    /// @inheritdoc ITdxVerifier
    function faultOfReport(bytes calldata report) external view returns (Fault) {
        (uint256 body, uint256 signature) = TdxQuote.parseReport(report);
        return _reportFault(report, body, signature);
    }

    /// Fills `v`, which is empty: each function that returns a struct would make one of its own.
    function _verify(
        Verdict memory v,
        bytes calldata quote,
        bytes32 x,
        bytes32 y,
        Freshness freshness,
        uint256 tcbInfoNumber,
        uint256 qeIdentityNumber
    ) private view returns (bytes32 keyHash) {
        (uint256 body, uint256 signature, uint256 authLength) = TdxQuote.parse(quote);
        _requireFaultless(_quoteFault(quote, body, signature, authLength, x, y));

        assembly ("memory-safe") {
            mstore(0x00, x)
            mstore(0x20, y)
            keyHash := keccak256(0x00, 0x40)
        }
        Pck pck = _pcks[keyHash];
        v.validUntil = uint40(_requirePlatform(pck, keyHash, freshness));
        uint256 qeStatus = _quotingEnclave(v, signature, freshness, qeIdentityNumber);
        uint256 tcbInfo = _tcbInfo(v, pck, freshness, tcbInfoNumber);
        _judge(v, body, signature, pck, tcbInfo, qeStatus, AttestationKey.wrap(0));
    }

    /// The word of the platform's TCB info, which limits the verdict.
    function _tcbInfo(Verdict memory v, Pck pck, Freshness freshness, uint256 number)
        private
        view
        returns (uint256 word)
    {
        uint256 until;
        (word, until) = _requireTcbInfo(pck.fmspc(), number, freshness);
        if (until < v.validUntil) v.validUntil = uint40(until);
    }

    /// Status of the quoting enclave that the identity describes.
    function _quotingEnclave(Verdict memory v, uint256 signature, Freshness freshness, uint256 number)
        private
        view
        returns (uint256)
    {
        (uint256 head, uint256 until) = _requireQeIdentity(number, freshness);
        uint256 second = _qeIdentityWord(number, 1);
        uint256 expected = QeIdentityReader.expectedHash(head, second);
        uint256 actual = QeReport.enclaveHash(signature, second);
        require(expected == actual, QeIdentityMismatch(expected, actual));
        if (until < v.validUntil) v.validUntil = uint40(until);
        v.qeIsvSvn = uint16(QeReport.isvSvn(signature));
        return _qeStatus(number, head, v.qeIsvSvn);
    }

    function _requireAttestationKey(bytes32 keyHash, uint256 signature)
        private
        view
        returns (AttestationKey key)
    {
        bytes32 attestationKeyHash = TdxQuote.attestationKeyHash(signature);
        key = _attestationKeys[keyHash][attestationKeyHash];
        require(key.isKnown(), AttestationKeyUnknown(attestationKeyHash));
    }

    /// Status of the quoting enclave that the attestation key was cached with.
    function _cachedEnclave(Verdict memory v, AttestationKey key, Freshness freshness, uint256 number)
        private
        view
        returns (uint256)
    {
        (uint256 head, uint256 until) = _requireQeIdentity(number, freshness);
        uint256 expected = key.identityFingerprint();
        uint256 actual = QeIdentityReader.fingerprint(head);
        require(expected == actual, AttestationKeyStale(expected, actual));
        if (until < v.validUntil) v.validUntil = uint40(until);
        v.qeIsvSvn = uint16(key.qeIsvSvn());
        return _qeStatus(number, head, v.qeIsvSvn);
    }

    /// What is kept of a quote that was verified against collateral of this number.
    function _remembered(uint256 qeIsvSvn, uint256 body, Pck pck, uint256 number)
        private
        view
        returns (AttestationKey)
    {
        uint256 word = _tcbInfoWord(pck.fmspc(), number);
        return AttestationKeyLib.pack(
            qeIsvSvn,
            TcbMatch.moduleSvn(TdxQuote.teeTcbSvn(body)),
            _statusAtLaunch(_load(word), body, pck),
            TcbMatch.fingerprint(body, _storedAt(word), pck),
            _identityFingerprint(number)
        );
    }

    /// Everything but the platform's own state.
    function _reevaluate(Pck pck, Freshness freshness, uint256 tdxSvns, uint256 qeIsvSvn)
        private
        view
        returns (uint256 status, uint256 until)
    {
        uint256 number;
        (number, until) = _standard(freshness);
        (uint256 head, uint256 part) = _requireQeIdentity(number, freshness);
        until = _least(until, part);
        status = _qeStatus(number, head, qeIsvSvn);
        uint256 word;
        (word, part) = _requireTcbInfo(pck.fmspc(), number, freshness);
        until = _least(until, part);
        uint256 blob = _load(word);
        status = TcbMatch.withPart(
            TcbMatch.evaluate(blob, TcbMatch.moduleOf(blob, tdxSvns), pck, tdxSvns), status
        );
    }

    /// Of the identity under that number, whether or not it is in force.
    function _identityFingerprint(uint256 number) private view returns (uint256) {
        return QeIdentityReader.fingerprint(_qeIdentityWord(number, 0));
    }

    /* FAULTS */

    function _requireFaultless(Fault fault) private pure {
        require(fault == Fault.NONE, QuoteRefused(fault));
    }

    /// The chain of signatures from the platform's key to the TD report, and what the TD must not be.
    function _quoteFault(
        bytes calldata quote,
        uint256 body,
        uint256 signature,
        uint256 authLength,
        bytes32 x,
        bytes32 y
    ) private view returns (Fault) {
        if (!_isSigned(quote, signature)) return Fault.QUOTE_SIGNATURE;
        Fault fault = QeReport.faultOf(signature, authLength, x, y, p256Backend);
        return fault == Fault.NONE ? _tdFault(body) : fault;
    }

    /// The same without where the attestation key is from.
    function _reportFault(bytes calldata report, uint256 body, uint256 signature)
        private
        view
        returns (Fault)
    {
        return _isSigned(report, signature) ? _tdFault(body) : Fault.QUOTE_SIGNATURE;
    }

    /// By the attestation key beside it.
    function _isSigned(bytes calldata quote, uint256 signature) private view returns (bool) {
        unchecked {
            uint256 start;
            assembly ("memory-safe") {
                start := quote.offset
            }
            bytes32 hash = Sha256.ofCalldata(start, signature - 4 - start);
            return P256.verifyCalldata(p256Backend, hash, signature, signature + TdxQuote.ATTESTATION_KEY);
        }
    }

    function _tdFault(uint256 body) private pure returns (Fault) {
        uint256 unknown = TdxQuote.tdBits(body) & ~KNOWN_TD_BITS;
        if (unknown == 0) return Fault.NONE;
        if (unknown >= FIRST_UNTRUSTED) return Fault.TD_DEBUG;
        return unknown >= FIRST_ATTRIBUTE ? Fault.TD_ATTRIBUTES : Fault.TD_XFAM;
    }
}
