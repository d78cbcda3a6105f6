// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MeasurementPolicy} from "./MeasurementPolicy.sol";
import {IAttestationVerifier} from "./interfaces/IAttestationVerifier.sol";
import {IBindings} from "./interfaces/registry/IBindings.sol";
import {NodeStatement} from "./interfaces/NodeStatement.sol";
import {TcbMatch} from "./tdx/TcbMatch.sol";
import {TcbStatus} from "./tdx/TcbStatus.sol";
import {TdxQuote} from "./tdx/TdxQuote.sol";
import {ITdxVerifier} from "./tdx/interfaces/ITdxVerifier.sol";

/// @title Judges the evidence of nodes in TDX
/// @notice Evidence is packed: format (1 byte), IMeasurementPolicy.WorkloadPin (1), SHA-256 of the GPU evidence (32, zero
/// without); then in format 1 x and y of the platform's key (64) and the trimmed quote, in format 2 keccak256 of that key (32)
/// and the quote up to its attestation key, which TdxVerifier knows. The report data must be exactly what docs/protocol.md
/// §2 says of a registration: bindingId, then a tagged hash over block and GPU evidence. Nothing is configurable but the
/// allow-list that it is itself, and that only narrows what is genuine.
contract TdxAttestationVerifier is MeasurementPolicy, IAttestationVerifier {
    bytes32 private constant REGISTRATION_TAG = keccak256("jeju/registration/v1");
    uint256 private constant WHOLE_QUOTE = 1;
    uint256 private constant CACHED_KEY = 2;
    uint256 private constant PIN = 1;
    uint256 private constant GPU_DIGEST = 2;
    uint256 private constant KEY = 34;
    uint256 private constant REPORT = 66;
    uint256 private constant QUOTE = 98;
    uint256 private constant SEPT_VE_DISABLE = 1 << 28;

    /// Places in a record: TEE_TCB_SVN above, then ISVSVN of the quoting enclave, number of the platform's key, whether GPUs
    /// were shown (1 bit), entry (31).
    uint256 private constant RECORD_SVNS = 128;
    uint256 private constant RECORD_QE_SVN = 112;
    uint256 private constant RECORD_PCK = 88;
    uint256 private constant RECORD_GPU = 87;
    uint256 private constant RECORD_ENTRY = 56;
    uint256 private constant MASK_ENTRY = 0x7fffffff;

    /// @notice Verifies quotes.
    ITdxVerifier public immutable tdxVerifier;
    /// @inheritdoc IAttestationVerifier
    bool public immutable isSimulated;

    error EvidenceTooShort(uint256 min, uint256 actual);
    error EvidenceFormat(uint256 expected, uint256 actual);
    error BindingMismatch(bytes32 expected, bytes32 actual);
    error FreshnessMismatch(bytes32 expected, bytes32 actual);
    error UnknownPin(uint256 pin);
    error NoComposeHash(bytes32 mrConfigId);
    error MeasurementNotListed(bytes32 key);
    error TcbStatusNotAllowed(uint8 allowed, uint8 actual);
    error TdAttributesNotAllowed(uint64 allowed, uint64 actual);

    /// @notice Whose verdicts count, and who lists software.
    /// @param tdxVerifier_ with the root that it trusts
    /// @param owner_ of the allow-list
    /// @param remover_ who may deny beside the owner; zero for nobody
    /// @param delay_ between announcement and listing, in seconds
    constructor(ITdxVerifier tdxVerifier_, address owner_, address remover_, uint256 delay_)
        MeasurementPolicy(owner_, remover_, delay_)
    {
        tdxVerifier = tdxVerifier_;
        isSimulated = tdxVerifier_.isSimulated();
    }

    /// @inheritdoc IAttestationVerifier
    function appraise(
        bytes32 bindingId,
        uint64 blockNumber,
        bytes32 blockHash,
        bool namesDevices,
        bytes calldata evidence
    ) external view returns (Appraisal memory a) {
        require(evidence.length >= QUOTE, EvidenceTooShort(QUOTE, evidence.length));
        uint256 start = _startOf(evidence);
        // No function returns a struct here: it would make one of its own first.
        ITdxVerifier.Verdict memory v = start == REPORT
            ? tdxVerifier.verifyWithCachedKey(evidence[REPORT:], _word(evidence, KEY))
            : tdxVerifier.verify(evidence[QUOTE:], _word(evidence, KEY), _word(evidence, KEY + 32));
        (uint256 body, bool isTd15) = TdxQuote.bodyOf(evidence[start:]);
        bytes32 gpuDigest = _word(evidence, GPU_DIGEST);
        _requireReportData(body, bindingId, blockNumber, blockHash, gpuDigest);
        bytes32 key = _keyOf(body, isTd15, uint8(bytes1(_word(evidence, PIN))));
        _applyRule(a, v, body, key, gpuDigest != 0 && namesDevices);
    }

    /// @inheritdoc IAttestationVerifier
    /// @dev In the past only where newer collateral would mend it; otherwise without end. A revoked platform has the status
    /// REVOKED, one that no level describes UNRECOGNISED.
    function liveStatus(bytes25 record)
        external
        view
        returns (bool acceptable, uint8 tcbStatus, uint40 validUntil)
    {
        uint256 word = uint256(bytes32(record));
        Rule memory rule = ruleAt(uint32((word >> RECORD_ENTRY) & MASK_ENTRY));
        uint256 pckNumber = uint24(word >> RECORD_PCK);
        uint256 qeIsvSvn = uint16(word >> RECORD_QE_SVN);
        try tdxVerifier.reevaluate(pckNumber, bytes16(uint128(word >> RECORD_SVNS)), qeIsvSvn) returns (
            uint8 status, uint40 until
        ) {
            return (_allows(rule.tcbStatuses, status), status, until);
        } catch (bytes memory reason) {
            // What newer collateral cannot mend is not stale, and neither is what is no longer listed.
            bool mendable = rule.index != 0 && _isMendable(reason);
            return (false, _refusedStatus(reason), mendable ? 0 : type(uint40).max);
        }
    }

    /// @inheritdoc IAttestationVerifier
    function showsGpu(bytes25 record) external pure returns (bool) {
        return (uint256(bytes32(record)) >> RECORD_GPU) & 1 != 0;
    }

    /// @inheritdoc IAttestationVerifier
    /// @dev Not the allow-list, which changes: an image that is not on it is no fault. What no gas was left for is not refuted.
    function refutes(
        bytes32 bindingId,
        NodeStatement calldata,
        uint64 blockNumber,
        bytes32 blockHash,
        bytes calldata evidence
    ) external view returns (bool) {
        if (evidence.length < QUOTE) return false;
        try this.faultOf(evidence) returns (ITdxVerifier.Fault fault) {
            if (fault != ITdxVerifier.Fault.NONE) return true;
        } catch {
            return false;
        }
        (uint256 body,) = TdxQuote.bodyOf(evidence[_startOf(evidence):]);
        (bytes32 first, bytes32 second) = TdxQuote.reportData(body);
        return first != bindingId || second != _freshness(blockNumber, blockHash, _word(evidence, GPU_DIGEST));
    }

    /// @notice What is wrong with evidence for good, its report data apart. Reverts for what is no evidence.
    /// @param evidence as in `appraise`
    /// @return as ITdxVerifier says it
    function faultOf(bytes calldata evidence) external view returns (ITdxVerifier.Fault) {
        uint256 start = _startOf(evidence);
        bytes calldata quote = evidence[start:];
        if (start == REPORT) return tdxVerifier.faultOfReport(quote);
        return tdxVerifier.faultOf(quote, _word(evidence, KEY), _word(evidence, KEY + 32));
    }

    /// Where the quote begins, which the format says.
    function _startOf(bytes calldata evidence) private pure returns (uint256) {
        uint256 format = uint8(bytes1(_word(evidence, 0)));
        if (format == CACHED_KEY) return REPORT;
        require(format == WHOLE_QUOTE, EvidenceFormat(WHOLE_QUOTE, format));
        return QUOTE;
    }

    function _requireReportData(
        uint256 body,
        bytes32 bindingId,
        uint64 blockNumber,
        bytes32 blockHash,
        bytes32 gpuDigest
    ) private pure {
        (bytes32 first, bytes32 second) = TdxQuote.reportData(body);
        require(first == bindingId, BindingMismatch(bindingId, first));
        bytes32 fresh = _freshness(blockNumber, blockHash, gpuDigest);
        require(second == fresh, FreshnessMismatch(fresh, second));
    }

    /// Only the tag of a registration: a live challenge must not be used as one.
    function _freshness(uint64 blockNumber, bytes32 blockHash, bytes32 gpuDigest)
        private
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(REGISTRATION_TAG, blockNumber, blockHash, gpuDigest));
    }

    /// What the entry allows of a genuine quote, and what follows for it.
    function _applyRule(
        Appraisal memory a,
        ITdxVerifier.Verdict memory v,
        uint256 body,
        bytes32 key,
        bool hasGpu
    ) private view {
        Rule memory rule = _rules[key];
        require(rule.index != 0, MeasurementNotListed(key));
        _requireAttributes(body, rule.tdAttributes);
        require(_allows(rule.tcbStatuses, v.tcbStatus), TcbStatusNotAllowed(rule.tcbStatuses, v.tcbStatus));

        hasGpu = hasGpu && rule.tier == IBindings.Tier.TDX_GPU;
        a.tier = _tier(hasGpu);
        a.tcbStatus = v.tcbStatus;
        a.validUntil = v.validUntil;
        if (rule.maxValidity != 0) {
            uint256 latest = block.timestamp + rule.maxValidity;
            if (latest < v.validUntil) a.validUntil = uint40(latest);
        }
        a.record = bytes25(
            bytes32(
                uint256(uint128(v.teeTcbSvn)) << RECORD_SVNS | uint256(v.qeIsvSvn) << RECORD_QE_SVN
                    | uint256(v.pckNumber) << RECORD_PCK | (hasGpu ? 1 << RECORD_GPU : 0)
                    | (uint256(rule.index) & MASK_ENTRY) << RECORD_ENTRY
            )
        );
    }

    /// Of the entry that the quote would be under, as `keyOf` says it.
    function _keyOf(uint256 body, bool isTd15, uint256 pin) private pure returns (bytes32) {
        bytes32 workload;
        if (pin == uint256(WorkloadPin.COMPOSE_HASH)) workload = _composeHash(body);
        else if (pin == uint256(WorkloadPin.RTMR3)) workload = TdxQuote.rtmr3Hash(body);
        else require(pin == uint256(WorkloadPin.NONE), UnknownPin(pin));
        bytes32 service = TdxQuote.mrServiceTdHash(body, isTd15);
        return keccak256(abi.encode(TdxQuote.imageId(body), pin, workload, service));
    }

    /// MRCONFIGID of version 1: 01 ‖ compose hash ‖ zeros.
    function _composeHash(uint256 body) private pure returns (bytes32 hash) {
        (bytes32 first, bytes16 rest) = TdxQuote.mrConfigId(body);
        require(first[0] == 0x01 && uint128(rest) << 8 == 0, NoComposeHash(first));
        return bytes32(uint256(first) << 8 | uint256(uint128(rest)) >> 120);
    }

    function _requireAttributes(uint256 body, uint64 allowed) private pure {
        uint256 actual = TdxQuote.tdAttributes(body);
        require(
            actual & SEPT_VE_DISABLE != 0 && actual & ~uint256(allowed) == 0,
            TdAttributesNotAllowed(allowed, uint64(actual))
        );
    }

    /// Collateral that ran out or whose signer was revoked; and a call that had no gas left, which says nothing.
    function _isMendable(bytes memory reason) private pure returns (bool) {
        bytes4 selector = bytes4(reason);
        return reason.length == 0 || selector == ITdxVerifier.RevocationListExpired.selector
            || selector == ITdxVerifier.EvaluationNumbersExpired.selector
            || selector == ITdxVerifier.QeIdentityExpired.selector
            || selector == ITdxVerifier.TcbInfoExpired.selector
            || selector == ITdxVerifier.PckExpired.selector
            || selector == ITdxVerifier.CollateralSignerRevoked.selector;
    }

    function _refusedStatus(bytes memory reason) private pure returns (uint8) {
        bytes4 selector = bytes4(reason);
        bool revoked = selector == ITdxVerifier.PckKeyRevoked.selector
            || selector == ITdxVerifier.PckCaRevoked.selector || selector == TcbMatch.TcbRevoked.selector;
        return revoked ? TcbStatus.REVOKED : TcbStatus.UNRECOGNISED;
    }

    function _tier(bool hasGpu) private view returns (IBindings.Tier) {
        if (isSimulated) return IBindings.Tier.SIMULATED;
        return hasGpu ? IBindings.Tier.TDX_GPU : IBindings.Tier.TDX;
    }

    /// A list of statuses without those that no entry can name.
    function _allows(uint8 statuses, uint8 status) private pure returns (bool) {
        return (statuses >> status) & 1 != 0;
    }

    /// Not beyond the least length of evidence, which was checked or is by the cut.
    function _word(bytes calldata evidence, uint256 index) private pure returns (bytes32 word) {
        assembly ("memory-safe") {
            word := calldataload(add(evidence.offset, index))
        }
    }
}
