// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Blockhash} from "@openzeppelin/contracts/utils/Blockhash.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IAttestationVerifier} from "../interfaces/IAttestationVerifier.sol";
import {IBindings} from "../interfaces/registry/IBindings.sol";
import {NodeStatement} from "../interfaces/NodeStatement.sol";
import {NodeStatementLib} from "../libraries/NodeStatementLib.sol";
import {SettlementLib} from "../libraries/SettlementLib.sol";
import {Providers} from "./Providers.sol";
import {VerifierList} from "./VerifierList.sol";

/// @title Grants of bindings
/// @notice Rules: see IBindings. Views: BindingViews.
abstract contract Bindings is Providers, VerifierList, EIP712, IBindings {
    /// @dev Slots: who answers for the key · how long, and how good · the verifier's note. The first is written once, and the
    /// third only where a verifier judged.
    struct BindingRow {
        address signer;
        uint64 agentId;
        uint24 endpointVersion;
        bool revoked;
        address operator;
        uint40 validFrom;
        uint40 validUntil;
        Tier tier;
        uint8 tcbStatus;
        bytes32 record;
    }

    /// @dev One slot, paid by the owner who approves and filled when it is attested.
    struct Approval {
        bool approved;
        uint16 verifierIndex;
        /// Zero while it was only approved.
        uint40 blockNumber;
        bytes24 evidence;
    }

    /// @dev One slot for each judgement that granted: no renewal takes the earlier evidence away (E2).
    struct Judgement {
        bool granted;
        uint16 verifierIndex;
        uint40 blockNumber;
    }

    /// @dev One grant, however it came about; in memory only.
    // solhint-disable-next-line gas-struct-packing
    struct Grant {
        uint24 endpointVersion;
        Tier tier;
        uint8 tcbStatus;
        uint16 verifierIndex;
        uint64 validUntil;
        uint64 blockNumber;
        bytes32 blockHash;
        bytes32 evidenceHash;
        bytes32 record;
    }

    /// @notice Shorter than ComputeStaking.UNBONDING, so that a bond is in reach while the binding lasts (attack R11).
    uint64 public constant MAX_BINDING_VALIDITY = 7 days;
    /// @notice Lower bound of `bindingValidity`.
    uint64 public constant MIN_BINDING_VALIDITY = 1 hours;
    /// @notice Lower bound of `freshnessWindow`: what every chain knows.
    uint64 public constant MIN_FRESHNESS_WINDOW = 256;
    /// @notice Upper bound of `freshnessWindow`: what EIP-2935 keeps.
    uint64 public constant MAX_FRESHNESS_WINDOW = 8191;
    /// @notice Stands for no verifier.
    uint16 public constant NO_VERIFIER = type(uint16).max;

    /// @inheritdoc IBindings
    uint64 public bindingValidity = 24 hours;
    /// @inheritdoc IBindings
    /// @dev 10 minutes at 2 seconds a block.
    uint64 public freshnessWindow = 300;

    /// By endpoint version, so that a change of endpoint or owner ends every approval at once.
    mapping(
        uint256 agentId => mapping(uint256 endpointVersion => mapping(bytes32 bindingId => Approval approval))
    ) internal _approvals;
    mapping(bytes32 bindingId => BindingRow row) internal _bindings;
    mapping(bytes32 bindingId => mapping(bytes32 evidenceHash => Judgement judgement)) internal _judgements;

    /// @inheritdoc IBindings
    function approveBinding(uint256 agentId, bytes32 bindingId) external {
        ProviderRow storage provider = _requireCurrent(agentId);
        // Whom ERC-721 lets move the agent has no say over the owner's bond, which this key can cost.
        require(msg.sender == provider.owner, NotAgentOwner(agentId, msg.sender));
        BindingRow storage row = _bindings[bindingId];
        require(row.signer == address(0) || row.agentId == agentId, BindingOfOtherAgent(bindingId, agentId));
        require(!row.revoked, BindingIsRevoked(bindingId));

        _approvals[agentId][provider.endpointVersion][bindingId].approved = true;

        emit BindingApproved(agentId, bindingId, provider.owner);
    }

    /// @inheritdoc IBindings
    function withdrawApproval(uint256 agentId, bytes32 bindingId) external {
        ProviderRow storage provider = _requireCurrent(agentId);
        Approval storage approval = _approvals[agentId][provider.endpointVersion][bindingId];
        require(approval.approved, BindingNotApproved(bindingId));

        approval.approved = false;

        emit BindingApprovalWithdrawn(agentId, bindingId);
    }

    /// @inheritdoc IBindings
    function attest(
        NodeStatement calldata statement,
        uint256 verifierIndex,
        bytes calldata evidence,
        uint64 blockNumber,
        uint256 deadline,
        bytes calldata signerSig
    ) external returns (bytes32 bindingId) {
        bindingId = bindingIdOf(statement);
        Grant memory grant = _appraise(bindingId, statement, verifierIndex, evidence, blockNumber);
        _requirePossession(
            statement.signer,
            NodeStatementLib.hashVerifiedAttestation(
                bindingId, verifierIndex, grant.evidenceHash, blockNumber, deadline
            ),
            deadline,
            signerSig
        );

        _grant(statement, bindingId, grant);

        emit Attested(
            statement.agentId,
            bindingId,
            statement.signer,
            grant.tier,
            grant.tcbStatus,
            grant.validUntil,
            grant.verifierIndex,
            grant.evidenceHash,
            grant.blockNumber,
            grant.blockHash
        );
    }

    /// @inheritdoc IBindings
    function bindSigner(
        NodeStatement calldata statement,
        bytes32 evidenceHash,
        uint64 blockNumber,
        uint64 validUntil,
        uint256 deadline,
        bytes calldata signerSig
    ) external returns (bytes32 bindingId) {
        bindingId = bindingIdOf(statement);
        uint24 endpointVersion = _requireConsent(statement, bindingId);
        require(evidenceHash != 0, EvidenceHashZero());
        bytes32 blockHash = _requireFresh(blockNumber);
        uint64 max = uint64(block.timestamp) + bindingValidity;
        require(validUntil > block.timestamp && validUntil <= max, ValidityOutOfRange(validUntil, max));
        _requirePossession(
            statement.signer,
            NodeStatementLib.hashAttestation(bindingId, evidenceHash, blockNumber, validUntil, deadline),
            deadline,
            signerSig
        );

        // Nobody has judged the evidence, and a hash is not a proof (attack R1).
        _grant(
            statement,
            bindingId,
            Grant({
                endpointVersion: endpointVersion,
                tier: Tier.NONE,
                tcbStatus: 0,
                verifierIndex: NO_VERIFIER,
                validUntil: validUntil,
                blockNumber: blockNumber,
                blockHash: blockHash,
                evidenceHash: evidenceHash,
                record: 0
            })
        );

        emit SignerBound(
            statement.agentId, bindingId, statement.signer, validUntil, evidenceHash, blockNumber, blockHash
        );
    }

    /// @inheritdoc IBindings
    function revokeBinding(bytes32 bindingId) external {
        BindingRow storage row = _requireBinding(bindingId);
        _requireCurrent(row.agentId);
        require(!row.revoked, BindingIsRevoked(bindingId));

        _revoke(bindingId, row);
    }

    /// @inheritdoc IBindings
    function revokeForEvidence(bytes32 bindingId) external {
        require(msg.sender == address(computeStaking), NotStaking(address(computeStaking), msg.sender));
        BindingRow storage row = _requireBinding(bindingId);

        if (!row.revoked) _revoke(bindingId, row);
    }

    /// @inheritdoc IBindings
    function setBindingValidity(uint64 seconds_) external onlyOwner {
        _announcePolicy("bindingValidity", seconds_, MIN_BINDING_VALIDITY, MAX_BINDING_VALIDITY);

        bindingValidity = seconds_;
    }

    /// @inheritdoc IBindings
    function setFreshnessWindow(uint64 blocks) external onlyOwner {
        _announcePolicy("freshnessWindow", blocks, MIN_FRESHNESS_WINDOW, MAX_FRESHNESS_WINDOW);

        freshnessWindow = blocks;
    }

    /// @inheritdoc IBindings
    function bindingIdOf(NodeStatement calldata statement) public view returns (bytes32) {
        return _hashTypedDataV4(NodeStatementLib.hash(statement));
    }

    function _requireBinding(bytes32 bindingId) internal view returns (BindingRow storage row) {
        row = _bindings[bindingId];
        require(row.signer != address(0), UnknownBinding(bindingId));
    }

    /// @dev Nothing older replaces anything newer, not even across a change of endpoint.
    function _grant(NodeStatement calldata statement, bytes32 bindingId, Grant memory grant) private {
        BindingRow storage row = _bindings[bindingId];
        uint24 before = row.endpointVersion;
        if (before != 0) {
            uint64 latest = _approvals[statement.agentId][before][bindingId].blockNumber;
            require(grant.blockNumber > latest, StaleAttestation(latest, grant.blockNumber));
        }

        _approvals[statement.agentId][grant.endpointVersion][bindingId] = Approval({
            approved: true,
            verifierIndex: grant.verifierIndex,
            blockNumber: uint40(grant.blockNumber),
            evidence: bytes24(grant.evidenceHash)
        });
        if (grant.verifierIndex != NO_VERIFIER) {
            _judgements[bindingId][grant.evidenceHash] = Judgement({
                granted: true, verifierIndex: grant.verifierIndex, blockNumber: uint40(grant.blockNumber)
            });
        }
        bool unbroken =
            before == grant.endpointVersion && block.timestamp <= row.validUntil && row.tier == grant.tier;
        if (before != grant.endpointVersion) {
            row.signer = statement.signer;
            row.agentId = uint64(statement.agentId);
            row.endpointVersion = grant.endpointVersion;
        }
        row.operator = statement.operator;
        if (!unbroken) row.validFrom = uint40(block.timestamp);
        row.validUntil = uint40(grant.validUntil);
        row.tier = grant.tier;
        row.tcbStatus = grant.tcbStatus;
        // Compared by the EVM itself: writing what stands there costs little.
        row.record = grant.record;
    }

    /// @dev Cut to the second before, so that no moment from now on is covered.
    function _revoke(bytes32 bindingId, BindingRow storage row) private {
        row.revoked = true;
        row.validUntil = uint40(Math.min(row.validUntil, block.timestamp - 1));

        emit BindingRevoked(row.agentId, bindingId, msg.sender);
    }

    /// @dev The statement names the recorded owner, who approved exactly this statement and has not revoked it, and a key that
    /// can still cost the owner's bond: one of which evidence was brought is slash-proof before long (attack K5).
    function _requireConsent(NodeStatement calldata statement, bytes32 bindingId)
        private
        view
        returns (uint24 endpointVersion)
    {
        ProviderRow memory provider = _requireRegistered(statement.agentId);
        endpointVersion = provider.endpointVersion;
        require(!provider.barred, ProviderIsBarred(statement.agentId));
        require(statement.operator == provider.owner, OperatorMismatch(provider.owner, statement.operator));
        require(
            _approvals[statement.agentId][endpointVersion][bindingId].approved, BindingNotApproved(bindingId)
        );
        require(!_bindings[bindingId].revoked, BindingIsRevoked(bindingId));
        require(
            !_isKeySpent(statement.agentId, provider.owner, statement.signer), KeyIsSpent(statement.signer)
        );
    }

    function _isKeySpent(uint256 agentId, address operator, address signer) internal view returns (bool) {
        return computeStaking.isKeySpent(_bondIdOf(agentId, operator), signer);
    }

    /// @dev The tier is the verifier's word, and SIMULATED whatever it says where its root is simulated (invariant I15).
    function _appraise(
        bytes32 bindingId,
        NodeStatement calldata statement,
        uint256 verifierIndex,
        bytes calldata evidence,
        uint64 blockNumber
    ) private view returns (Grant memory grant) {
        grant.endpointVersion = _requireConsent(statement, bindingId);
        VerifierRow storage listed = _requireListed(verifierIndex);
        bytes32 blockHash = _requireFresh(blockNumber);
        IAttestationVerifier.Appraisal memory appraisal =
            listed.verifier.appraise(bindingId, statement, blockNumber, blockHash, evidence);
        require(appraisal.tier != Tier.NONE, NoTier(verifierIndex));
        uint64 max = uint64(block.timestamp) + bindingValidity;
        require(appraisal.validUntil > block.timestamp, ValidityOutOfRange(appraisal.validUntil, max));

        grant.tier = listed.simulated ? Tier.SIMULATED : appraisal.tier;
        grant.tcbStatus = appraisal.tcbStatus;
        grant.verifierIndex = uint16(verifierIndex);
        grant.validUntil = uint64(Math.min(appraisal.validUntil, max));
        grant.blockNumber = blockNumber;
        grant.blockHash = blockHash;
        grant.evidenceHash = keccak256(bytes.concat(blockHash, evidence));
        grant.record = appraisal.record;
    }

    /// @dev The hash is zero for a block that is too old, too new, or that this chain does not remember (attack R12).
    function _requireFresh(uint64 blockNumber) private view returns (bytes32 blockHash) {
        if (uint256(blockNumber) + freshnessWindow >= block.number) {
            blockHash = Blockhash.blockHash(blockNumber);
        }
        require(blockHash != 0, BlockOutOfWindow(blockNumber, block.number));
    }

    function _requirePossession(
        address signer,
        bytes32 structHash,
        uint256 deadline,
        bytes calldata signature
    ) private view {
        require(block.timestamp <= deadline, SignatureExpired(deadline));
        address actual = SettlementLib.signerOf(_hashTypedDataV4(structHash), signature);
        require(actual != address(0) && actual == signer, InvalidSignature(signer));
    }
}
