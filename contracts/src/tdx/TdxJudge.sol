// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AttestationKey} from "./AttestationKey.sol";
import {Freshness, FreshnessLib} from "./Freshness.sol";
import {Pck} from "./Pck.sol";
import {QeIdentityReader} from "./QeIdentityReader.sol";
import {TcbMatch} from "./TcbMatch.sol";
import {TcbStatus} from "./TcbStatus.sol";
import {TdxCollateral} from "./TdxCollateral.sol";
import {TdxQuote} from "./TdxQuote.sol";
import {ITdxVerifier} from "./interfaces/ITdxVerifier.sol";

/// @title What the collateral of now says of a platform, its module and its quoting enclave
/// @notice Every kind of check ends here, whatever it knew before. Each step says until when it holds.
abstract contract TdxJudge is TdxCollateral, ITdxVerifier {
    uint256 private constant TCB_SIGNING = 3;

    constructor(bytes32 rootHash, bool allowSimulatedRoot) TdxCollateral(rootHash, allowSimulatedRoot) {}

    /// What is left of a verdict once the quoting enclave is known, by the word of the TCB info in force and what was remembered
    /// of the attestation key on this platform (zero: nothing). Its `validUntil` is set for all that it rests on.
    function _judge(
        Verdict memory v,
        uint256 body,
        uint256 signature,
        Pck pck,
        uint256 tcbInfo,
        uint256 qeStatus,
        AttestationKey known
    ) internal view {
        uint256 svns = TdxQuote.teeTcbSvn(body);
        // What runs now is mostly what was launched.
        uint256 current = TdxQuote.isTd15(body, signature) ? TdxQuote.teeTcbSvn2(body) : svns;
        uint256 status;
        if (
            known.isKnown() && current == svns
                && known.tcbFingerprint() == TcbMatch.fingerprint(body, _storedAt(tcbInfo), pck)
        ) {
            // The same function of the same: neither levels nor module are asked again.
            status = TcbMatch.withPart(known.tcbStatus(), qeStatus);
        } else {
            uint256 blob = _load(tcbInfo);
            status = TcbMatch.withPart(_statusAtLaunch(blob, body, pck), qeStatus);
            if (current != svns) {
                current = TcbMatch.evaluate(blob, TcbMatch.moduleOf(blob, current), pck, current);
                status = TcbMatch.withRelaunch(status, TcbMatch.withPart(current, qeStatus));
            }
        }
        v.tcbStatus = uint8(status);
        v.teeTcbSvn = bytes16(uint128(svns));
        v.pckNumber = uint24(pck.number());
    }

    /// Of platform and module, by what is stored at `blob`.
    function _statusAtLaunch(uint256 blob, uint256 body, Pck pck) internal pure returns (uint256) {
        uint256 svns = TdxQuote.teeTcbSvn(body);
        uint256 module = TcbMatch.moduleOf(blob, svns);
        TcbMatch.requireModule(module, body);
        return TcbMatch.evaluate(blob, module, pck, svns);
    }

    /// The standard evaluation number, and until when the list behind it counts.
    function _standard(Freshness freshness) internal view returns (uint256 number, uint256 until) {
        until = freshness.until(FreshnessLib.NUMBERS);
        require(block.timestamp <= until, EvaluationNumbersExpired(until, block.timestamp));
        number = freshness.standard(block.timestamp);
    }

    /// A key that Intel certified and has not revoked, as far as lists in force say.
    function _requirePlatform(Pck pck, bytes32 keyHash, Freshness freshness)
        internal
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

    /// First word of the identity of the quoting enclave.
    function _requireQeIdentity(uint256 number, Freshness freshness)
        internal
        view
        returns (uint256 head, uint256 until)
    {
        head = _qeIdentityWord(number, 0);
        until = _untilOf(head);
        require(block.timestamp <= until, QeIdentityExpired(number, until, block.timestamp));
        require(!freshness.isRevoked(TCB_SIGNING, _editionOf(head)), CollateralSignerRevoked());
    }

    /// The word of a TCB info in force.
    function _requireTcbInfo(uint256 fmspc, uint256 number, Freshness freshness)
        internal
        view
        returns (uint256 word, uint256 until)
    {
        word = _tcbInfoWord(fmspc, number);
        until = _untilOf(word);
        require(
            block.timestamp <= until, TcbInfoExpired(bytes6(uint48(fmspc)), number, until, block.timestamp)
        );
        require(!freshness.isRevoked(TCB_SIGNING, _editionOf(word)), CollateralSignerRevoked());
    }

    /// First level that the enclave reaches.
    function _qeStatus(uint256 number, uint256 head, uint256 isvSvn) internal view returns (uint256 status) {
        unchecked {
            uint256 levels = QeIdentityReader.firstLevels(head);
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
                require(i < _wordsOf(head), QeTcbNotSupported(isvSvn));
                levels = _qeIdentityWord(number, i);
                left = QeIdentityReader.LEVELS_A_WORD;
            }
        }
    }

    function _least(uint256 a, uint256 b) internal pure returns (uint256) {
        return a < b ? a : b;
    }
}
