// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Create2} from "@openzeppelin/contracts/utils/Create2.sol";
import {CollateralReader} from "./CollateralReader.sol";
import {Freshness, FreshnessLib} from "./Freshness.sol";
import {IntelPki} from "./IntelPki.sol";
import {P256} from "./P256.sol";
import {Sha256} from "./Sha256.sol";
import {ITdxCollateral} from "./interfaces/ITdxCollateral.sol";

/// @title Intel's signed documents on TDX
/// @notice See ITdxCollateral.
abstract contract TdxCollateral is IntelPki, ITdxCollateral {
    uint256 private constant TCB_SIGNING = 3;
    uint256 private constant MASK_40 = 0xffffffffff;
    /// What both kinds of first words end in: nextUpdate, issueDate, edition of the signer, number of words of the whole.
    uint256 private constant UNTIL_SHIFT = 56;
    uint256 private constant ISSUED_SHIFT = 16;
    uint256 private constant EDITION_SHIFT = 8;

    CollateralReader private immutable _reader;

    /// FMSPC << 16 | number => address of the blob (160 bits), nextUpdate, issueDate, edition, words of the blob.
    mapping(uint256 key => uint256 word) private _tcbInfos;
    /// number << 8 | index => words of QeIdentityReader; the first one with nextUpdate, issueDate, edition, number of words.
    mapping(uint256 key => uint256 word) private _qeIdentities;

    constructor(bytes32 rootHash, bool allowSimulatedRoot) IntelPki(rootHash, allowSimulatedRoot) {
        _reader = new CollateralReader();
    }

    /* UPSERTS */

    /// @inheritdoc ITdxCollateral
    function upsertTcbInfo(bytes calldata document, bytes calldata signature) external {
        (bytes32 digest, StoredAuthority storage signer) = _requireDocument(document, signature);
        (CollateralReader.Head memory head, uint256 fmspc, bytes memory blob) = _reader.tcbInfo(document);
        uint256 key = fmspc << 16 | head.evaluationNumber;
        (uint256 dates, bool known) = _dates(head, signer, _tcbInfos[key]);
        if (known) return;

        // Below 256: TcbInfoReader bounds levels and identities.
        _tcbInfos[key] = uint256(uint160(_write(blob))) << 96 | dates | (blob.length + 31) / 32;

        emit TcbInfoUpserted(
            bytes6(uint48(fmspc)), head.evaluationNumber, head.issueDate, head.nextUpdate, digest
        );
    }

    /// @inheritdoc ITdxCollateral
    function upsertQeIdentity(bytes calldata document, bytes calldata signature) external {
        (bytes32 digest, StoredAuthority storage signer) = _requireDocument(document, signature);
        (CollateralReader.Head memory head, uint256[] memory words) = _reader.qeIdentity(document);
        uint256 key = head.evaluationNumber << 8;
        (uint256 dates, bool known) = _dates(head, signer, _qeIdentities[key]);
        if (known) return;

        _qeIdentities[key] = words[0] | dates | words.length;
        for (uint256 i = 1; i < words.length; ++i) {
            _qeIdentities[key | i] = words[i];
        }

        emit QeIdentityUpserted(head.evaluationNumber, head.issueDate, head.nextUpdate, digest);
    }

    /// @inheritdoc ITdxCollateral
    function upsertEvaluationNumbers(bytes calldata document, bytes calldata signature) external {
        (bytes32 digest, StoredAuthority storage signer) = _requireDocument(document, signature);
        (CollateralReader.Head memory head, uint256 standard, uint256 next, uint256 nextFrom) =
            _reader.evaluationNumbers(document, block.timestamp);
        uint256 latest = _latest[FreshnessLib.NUMBERS];
        require(head.issueDate >= latest, OlderDocument(latest, head.issueDate));
        uint256 until = _requireInForce(head, signer);
        Freshness known = _freshness;
        Freshness freshness =
            known.withUntil(FreshnessLib.NUMBERS, until).withStandard(standard, next, nextFrom);
        // A later list that says the same is remembered too, or one before it could still replace it.
        if (head.issueDate == latest && Freshness.unwrap(freshness) == Freshness.unwrap(known)) return;

        _freshness = freshness;
        _latest[FreshnessLib.NUMBERS] = uint40(head.issueDate);

        emit EvaluationNumbersUpserted(standard, next, nextFrom, head.issueDate, head.nextUpdate, digest);
    }

    /* VIEWS */

    /// @inheritdoc ITdxCollateral
    function standardEvaluationNumber() external view returns (uint256 number, uint256 until) {
        return (_freshness.standard(block.timestamp), _freshness.until(FreshnessLib.NUMBERS));
    }

    /// @inheritdoc ITdxCollateral
    function tcbInfoOf(bytes6 fmspc, uint256 evaluationNumber)
        external
        view
        returns (uint256 issueDate, uint256 until, bool revoked)
    {
        return _datesOf(_tcbInfoWord(uint48(fmspc), evaluationNumber));
    }

    /// @inheritdoc ITdxCollateral
    function qeIdentityOf(uint256 evaluationNumber)
        external
        view
        returns (uint256 issueDate, uint256 until, bool revoked)
    {
        return _datesOf(_qeIdentityWord(evaluationNumber, 0));
    }

    /// @inheritdoc ITdxCollateral
    function collateralReader() external view returns (address) {
        return address(_reader);
    }

    /* FOR CHECKS */

    function _tcbInfoWord(uint256 fmspc, uint256 evaluationNumber) internal view returns (uint256) {
        return _tcbInfos[fmspc << 16 | evaluationNumber];
    }

    function _qeIdentityWord(uint256 evaluationNumber, uint256 index) internal view returns (uint256) {
        return _qeIdentities[evaluationNumber << 8 | index];
    }

    /// Where the blob of a TCB info lies: a hash of what it holds.
    function _storedAt(uint256 word) internal pure returns (uint256) {
        return word >> 96;
    }

    /// The blob of a TCB info, in memory.
    function _load(uint256 word) internal view returns (uint256 blob) {
        uint256 stored = _storedAt(word);
        uint256 length = 32 * _wordsOf(word);
        assembly ("memory-safe") {
            blob := mload(0x40)
            extcodecopy(stored, blob, 1, length)
            // Reads of whole words go up to 31 bytes past the end.
            mstore(0x40, add(add(blob, length), 0x20))
        }
    }

    /// nextUpdate of a first word, or the end of its signer's certificate where that is earlier; zero without a document.
    function _untilOf(uint256 word) internal pure returns (uint256) {
        return (word >> UNTIL_SHIFT) & MASK_40;
    }

    /// Edition of the signing key of a first word.
    function _editionOf(uint256 word) internal pure returns (uint256) {
        return (word >> EDITION_SHIFT) & 0xff;
    }

    /// How many words a first word says there are.
    function _wordsOf(uint256 word) internal pure returns (uint256) {
        return word & 0xff;
    }

    /* CHECKS */

    function _requireDocument(bytes calldata document, bytes calldata signature)
        private
        view
        returns (bytes32 digest, StoredAuthority storage signer)
    {
        signer = _requireTcbSigning();
        require(signature.length == 64, SignatureLength(64, signature.length));
        uint256 pos;
        assembly ("memory-safe") {
            pos := document.offset
        }
        digest = Sha256.ofCalldata(pos, document.length);
        bytes32 r = bytes32(signature[:32]);
        bytes32 s = bytes32(signature[32:]);
        require(P256.verify(p256Backend, digest, r, s, signer.x, signer.y), SignatureInvalid());
    }

    function _requireInForce(CollateralReader.Head memory head, StoredAuthority storage signer)
        private
        view
        returns (uint256 until)
    {
        require(
            head.issueDate <= block.timestamp && block.timestamp <= head.nextUpdate,
            DocumentNotInForce(head.issueDate, head.nextUpdate, block.timestamp)
        );
        until = head.nextUpdate < signer.notAfter ? head.nextUpdate : signer.notAfter;
    }

    /// What a first word ends in, and whether the stored one is of the same document.
    function _dates(CollateralReader.Head memory head, StoredAuthority storage signer, uint256 stored)
        private
        view
        returns (uint256 dates, bool known)
    {
        uint256 latest = (stored >> ISSUED_SHIFT) & MASK_40;
        require(head.issueDate >= latest, OlderDocument(latest, head.issueDate));
        uint256 until = _requireInForce(head, signer);
        dates =
            until << UNTIL_SHIFT | head.issueDate << ISSUED_SHIFT | uint256(signer.edition) << EDITION_SHIFT;
        known = head.issueDate == latest && _editionOf(stored) == signer.edition;
    }

    function _datesOf(uint256 word) private view returns (uint256 issueDate, uint256 until, bool revoked) {
        issueDate = (word >> ISSUED_SHIFT) & MASK_40;
        return (issueDate, _untilOf(word), _freshness.isRevoked(TCB_SIGNING, _editionOf(word)));
    }

    /* EFFECTS */

    /// As the code of a contract behind a STOP, so that nobody can run it. Its address follows from what it holds: what is stored
    /// already, under whatever dates and number, is not stored again.
    function _write(bytes memory blob) private returns (address pos) {
        // Copies everything behind these 11 bytes and returns it.
        bytes memory code = bytes.concat(hex"600b5981380380925939f3", hex"00", blob);
        pos = Create2.computeAddress(0, keccak256(code));
        if (pos.code.length != 0) return pos;
        assembly ("memory-safe") {
            pos := create2(0, add(code, 0x20), mload(code), 0)
        }
        require(pos != address(0), BlobNotStored());
    }
}
