// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {DerReader} from "./DerReader.sol";
import {Freshness, FreshnessLib} from "./Freshness.sol";
import {P256} from "./P256.sol";
import {Pck} from "./Pck.sol";
import {QeIdentityReader} from "./QeIdentityReader.sol";
import {Sha256} from "./Sha256.sol";
import {TcbMatch} from "./TcbMatch.sol";
import {TcbStatus} from "./TcbStatus.sol";
import {TdxCollateral} from "./TdxCollateral.sol";
import {TdxQuote} from "./TdxQuote.sol";
import {ITdxVerifier} from "./interfaces/ITdxVerifier.sol";

/// @title Intel TDX quotes, verified on chain
/// @notice See ITdxVerifier.
contract TdxVerifier is TdxCollateral, ITdxVerifier {
    using TdxQuote for uint256;

    /// Places in the signature data.
    uint256 private constant ATTESTATION_KEY = 64;
    uint256 private constant QE_REPORT = 134;
    uint256 private constant QE_REPORT_SIGNATURE = 518;
    uint256 private constant AUTH_DATA = 584;
    /// Places in the QE report.
    uint256 private constant MISC_SELECT = 16;
    uint256 private constant ATTRIBUTES = 48;
    uint256 private constant MR_SIGNER = 128;
    uint256 private constant ISV_PROD_ID = 256;
    uint256 private constant ISV_SVN = 258;
    uint256 private constant REPORT_DATA = 320;
    uint256 private constant REPORT_BYTES = 384;
    uint256 private constant SGX_DEBUG = 0x02;

    /// Bits 0 to 7 of TDATTRIBUTES are debug and profiling.
    uint256 private constant TD_UNTRUSTED = 0xff;
    /// ICSSD (16), LASS (27), SEPT_VE_DISABLE (28), MIGRATABLE (29), PKS (30), KL (31), TPA (62), PERFMON (63).
    uint256 private constant TD_KNOWN = 0xc0000000f8010000;
    /// x87, SSE, AVX, AVX-512, PT, PKU, CET, UINTR, LBR, AMX.
    uint256 private constant XFAM_KNOWN = 0x0006dbe7;

    uint256 private constant TCB_SIGNING = 3;

    constructor(bytes32 rootHash, bool allowSimulatedRoot) TdxCollateral(rootHash, allowSimulatedRoot) {}

    /// @inheritdoc ITdxVerifier
    function verify(bytes calldata quote, bytes32 x, bytes32 y) external view returns (Verdict memory v) {
        Freshness freshness = _freshness;
        (uint256 number, uint256 until) = _standard(freshness);
        v = _verify(quote, x, y, freshness, number, number);
        if (until < v.validUntil) v.validUntil = uint40(until);
    }

    /// @inheritdoc ITdxVerifier
    function verifyAt(
        bytes calldata quote,
        bytes32 x,
        bytes32 y,
        uint256 tcbInfoNumber,
        uint256 qeIdentityNumber
    ) external view returns (Verdict memory) {
        return _verify(quote, x, y, _freshness, tcbInfoNumber, qeIdentityNumber);
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
        return _fault(TdxQuote.parse(quote), x, y);
    }

    function _verify(
        bytes calldata quote,
        bytes32 x,
        bytes32 y,
        Freshness freshness,
        uint256 tcbInfoNumber,
        uint256 qeIdentityNumber
    ) private view returns (Verdict memory v) {
        TdxQuote.Layout memory q = TdxQuote.parse(quote);
        Fault fault = _fault(q, x, y);
        require(fault == Fault.NONE, QuoteRefused(fault));

        bytes32 keyHash;
        assembly ("memory-safe") {
            mstore(0x00, x)
            mstore(0x20, y)
            keyHash := keccak256(0x00, 0x40)
        }
        Pck pck = _pcks[keyHash];
        uint256 until = _requirePlatform(pck, keyHash, freshness);
        v.pckNumber = uint24(pck.number());
        v.fmspc = bytes6(uint48(pck.fmspc()));
        (uint256 qeStatus, uint256 part) = _quotingEnclave(q, freshness, qeIdentityNumber, v);
        until = _least(until, part);
        uint256 status;
        (status, part) = _tcb(q, pck, freshness, tcbInfoNumber, qeStatus);
        v.tcbStatus = uint8(status);
        v.teeTcbSvn = bytes16(uint128(q.body.teeTcbSvn()));
        v.validUntil = uint40(_least(until, part));
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
        status = _qeStatus(number, head, _qeIdentityWord(number, 1), qeIsvSvn);
        uint256 blob;
        (blob, part) = _requireTcbInfo(pck.fmspc(), number, freshness);
        until = _least(until, part);
        status = TcbMatch.evaluate(blob, pck.svns(), pck.pceSvn(), tdxSvns, status);
    }

    /// The chain of signatures from the platform's key to the TD report, and what the TD must not be.
    function _fault(TdxQuote.Layout memory q, bytes32 x, bytes32 y) private view returns (Fault) {
        unchecked {
            uint256 signature = q.signature;
            bytes32 hash = Sha256.ofCalldata(q.start, signature - 4 - q.start);
            if (!P256.verifyCalldata(p256Backend, hash, signature, signature + ATTESTATION_KEY)) {
                return Fault.QUOTE_SIGNATURE;
            }
            uint256 report = signature + QE_REPORT;
            hash = Sha256.ofCalldata(signature + ATTESTATION_KEY, 64, signature + AUTH_DATA, q.authLength);
            uint256 wrong = uint256(hash) ^ DerReader.load(report + REPORT_DATA);
            if (wrong | DerReader.load(report + REPORT_DATA + 32) != 0) return Fault.QE_BINDING;
            hash = Sha256.ofCalldata(report, REPORT_BYTES);
            bytes32 r = bytes32(DerReader.load(signature + QE_REPORT_SIGNATURE));
            bytes32 s = bytes32(DerReader.load(signature + QE_REPORT_SIGNATURE + 32));
            if (!P256.verify(p256Backend, hash, r, s, x, y)) return Fault.QE_SIGNATURE;
            if ((DerReader.load(report + ATTRIBUTES) >> 248) & SGX_DEBUG != 0) return Fault.QE_DEBUG;
            uint256 bits = q.body.tdAttributes();
            if (bits & ~TD_KNOWN != 0) {
                return bits & TD_UNTRUSTED != 0 ? Fault.TD_DEBUG : Fault.TD_ATTRIBUTES;
            }
            return q.body.xfam() & ~XFAM_KNOWN == 0 ? Fault.NONE : Fault.TD_XFAM;
        }
    }

    /// Status of the quoting enclave that the identity describes.
    function _quotingEnclave(TdxQuote.Layout memory q, Freshness freshness, uint256 number, Verdict memory v)
        private
        view
        returns (uint256 status, uint256 until)
    {
        unchecked {
            uint256 head;
            (head, until) = _requireQeIdentity(number, freshness);
            uint256 report = q.signature + QE_REPORT;
            uint256 actual = QeIdentityReader.hashEnclave(
                (DerReader.load(report + MISC_SELECT) & (head << 128)) >> 224,
                (DerReader.load(report + ATTRIBUTES) & head) >> 128,
                DerReader.load(report + MR_SIGNER),
                (report + ISV_PROD_ID).littleEndian16()
            );
            uint256 levels = _qeIdentityWord(number, 1);
            require(levels >> 96 == actual, QeIdentityMismatch(levels >> 96, actual));
            uint256 isvSvn = (report + ISV_SVN).littleEndian16();
            v.qeIsvSvn = uint16(isvSvn);
            status = _qeStatus(number, head, levels, isvSvn);
        }
    }

    /// Status of platform, module and quoting enclave; for TDX 1.5 at launch and now.
    function _tcb(TdxQuote.Layout memory q, Pck pck, Freshness freshness, uint256 number, uint256 qeStatus)
        private
        view
        returns (uint256 status, uint256 until)
    {
        uint256 blob;
        (blob, until) = _requireTcbInfo(pck.fmspc(), number, freshness);
        uint256 svns = q.body.teeTcbSvn();
        TcbMatch.requireModule(blob, q.body, svns);
        status = TcbMatch.evaluate(blob, pck.svns(), pck.pceSvn(), svns, qeStatus);
        if (q.isTd15) {
            svns = q.body.teeTcbSvn2();
            uint256 current = TcbMatch.evaluate(blob, pck.svns(), pck.pceSvn(), svns, qeStatus);
            status = TcbMatch.withRelaunch(status, current);
        }
    }

    /// The standard evaluation number, and until when the list behind it counts.
    function _standard(Freshness freshness) private view returns (uint256 number, uint256 until) {
        until = freshness.until(FreshnessLib.NUMBERS);
        require(block.timestamp <= until, EvaluationNumbersExpired(until, block.timestamp));
        number = freshness.standard(block.timestamp);
    }

    /// A key that Intel certified and has not revoked, as far as lists in force say.
    function _requirePlatform(Pck pck, bytes32 keyHash, Freshness freshness)
        private
        view
        returns (uint256 until)
    {
        require(pck.number() != 0, PckUnknown(keyHash));
        require(!pck.isRevoked(), PckKeyRevoked(keyHash));
        uint256 ca = pck.ca();
        require(!freshness.isRevoked(ca, pck.edition()), PckCaRevoked(Authority(ca)));
        until = pck.notAfter();
        require(block.timestamp <= until, PckExpired(until, block.timestamp));
        uint256 part = freshness.until(0);
        require(block.timestamp <= part, RevocationListExpired(Authority.ROOT, part, block.timestamp));
        until = _least(until, part);
        part = freshness.until(ca);
        require(block.timestamp <= part, RevocationListExpired(Authority(ca), part, block.timestamp));
        until = _least(until, part);
    }

    function _requireQeIdentity(uint256 number, Freshness freshness)
        private
        view
        returns (uint256 head, uint256 until)
    {
        head = _qeIdentityWord(number, 0);
        until = _untilOf(head);
        require(block.timestamp <= until, QeIdentityExpired(number, until, block.timestamp));
        require(!freshness.isRevoked(TCB_SIGNING, _editionOf(head)), CollateralSignerRevoked());
    }

    /// In memory, at `blob`.
    function _requireTcbInfo(uint256 fmspc, uint256 number, Freshness freshness)
        private
        view
        returns (uint256 blob, uint256 until)
    {
        uint256 word = _tcbInfoWord(fmspc, number);
        until = _untilOf(word);
        require(
            block.timestamp <= until, TcbInfoExpired(bytes6(uint48(fmspc)), number, until, block.timestamp)
        );
        require(!freshness.isRevoked(TCB_SIGNING, _editionOf(word)), CollateralSignerRevoked());
        assembly ("memory-safe") {
            blob := mload(0x40)
            let source := shr(96, word)
            let length := sub(extcodesize(source), 1)
            extcodecopy(source, blob, 1, length)
            // Reads of whole words go up to 31 bytes past the end.
            mstore(0x40, and(add(add(blob, length), 0x3f), not(0x1f)))
        }
    }

    /// First level that the enclave reaches.
    function _qeStatus(uint256 number, uint256 head, uint256 levels, uint256 isvSvn)
        private
        view
        returns (uint256 status)
    {
        unchecked {
            uint256 words = head & 0xff;
            uint256 left = QeIdentityReader.LEVELS_FIRST;
            for (uint256 i = 2;; ++i) {
                while (left != 0) {
                    --left;
                    uint256 level = (levels >> (24 * left)) & 0xffffff;
                    if (level >> 8 <= isvSvn && level != QeIdentityReader.NO_LEVEL) {
                        require(level & 0xff != TcbStatus.REVOKED, TcbMatch.TcbRevoked());
                        return level & 0xff;
                    }
                }
                require(i < words, QeTcbNotSupported(isvSvn));
                levels = _qeIdentityWord(number, i);
                left = QeIdentityReader.LEVELS_A_WORD;
            }
        }
    }

    function _least(uint256 a, uint256 b) private pure returns (uint256) {
        return a < b ? a : b;
    }
}
