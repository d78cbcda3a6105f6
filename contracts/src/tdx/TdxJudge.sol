// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

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

    /// What is left of a verdict once the quoting enclave is known. Its `validUntil` is set for what came before.
    function _judge(
        Verdict memory v,
        uint256 body,
        uint256 signature,
        Pck pck,
        Freshness freshness,
        uint256 tcbInfoNumber,
        uint256 qeStatus
    ) internal view {
        (uint256 blob, uint256 until) = _requireTcbInfo(pck.fmspc(), tcbInfoNumber, freshness);
        uint256 svns = TdxQuote.teeTcbSvn(body);
        uint256 module = TcbMatch.moduleOf(blob, svns);
        TcbMatch.requireModule(module, body);
        uint256 status = TcbMatch.evaluate(blob, module, pck, svns, qeStatus);
        v.teeTcbSvn = bytes16(uint128(svns));
        if (TdxQuote.isTd15(body, signature)) {
            uint256 current = TdxQuote.teeTcbSvn2(body);
            // What runs now is mostly what was launched.
            if (current != svns) {
                module = TcbMatch.moduleOf(blob, current);
                current = TcbMatch.evaluate(blob, module, pck, current, qeStatus);
                status = TcbMatch.withRelaunch(status, current);
            }
        }
        v.tcbStatus = uint8(status);
        if (until < v.validUntil) v.validUntil = uint40(until);
        v.pckNumber = uint24(pck.number());
        v.fmspc = bytes6(uint48(pck.fmspc()));
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

    /// In memory, at `blob`.
    function _requireTcbInfo(uint256 fmspc, uint256 number, Freshness freshness)
        internal
        view
        returns (uint256 blob, uint256 until)
    {
        uint256 word = _tcbInfoWord(fmspc, number);
        until = _untilOf(word);
        require(
            block.timestamp <= until, TcbInfoExpired(bytes6(uint48(fmspc)), number, until, block.timestamp)
        );
        require(!freshness.isRevoked(TCB_SIGNING, _editionOf(word)), CollateralSignerRevoked());
        uint256 length = 32 * _wordsOf(word);
        assembly ("memory-safe") {
            blob := mload(0x40)
            extcodecopy(shr(96, word), blob, 1, length)
            // Reads of whole words go up to 31 bytes past the end.
            mstore(0x40, add(add(blob, length), 0x20))
        }
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
