// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IAttestationVerifier} from "../interfaces/IAttestationVerifier.sol";
import {IBindings} from "../interfaces/registry/IBindings.sol";
import {NodeStatement} from "../interfaces/NodeStatement.sol";
import {Bindings} from "./Bindings.sol";

/// @title What can be asked of bindings
/// @notice Rules: see IBindings.
abstract contract BindingViews is Bindings {
    /// @inheritdoc IBindings
    function isBindingApproved(uint256 agentId, bytes32 bindingId) external view returns (bool) {
        return _approvals[agentId][_rows[agentId].endpointVersion][bindingId].approved;
    }

    /// @inheritdoc IBindings
    function bindingOf(bytes32 bindingId) external view returns (bool valid, Binding memory binding) {
        (Status status,) = statusOf(bindingId);
        return (status == Status.ACTIVE, _binding(bindingId));
    }

    /// @inheritdoc IBindings
    function bindingAt(bytes32 bindingId, uint64 t)
        external
        view
        returns (bool valid, Binding memory binding)
    {
        binding = _binding(bindingId);
        uint256 endedAt = _endedAt[binding.agentId][binding.endpointVersion];
        valid = binding.signer != address(0) && binding.validFrom <= t && t <= binding.validUntil
            && (endedAt == 0 || t < endedAt);
    }

    /// @inheritdoc IBindings
    function signerOf(bytes32 bindingId) external view returns (uint256 agentId, address signer) {
        BindingRow storage row = _bindings[bindingId];
        return (row.agentId, row.signer);
    }

    /// @inheritdoc IBindings
    function partiesOf(bytes32 bindingId)
        external
        view
        returns (uint256 agentId, address operator, address signer)
    {
        BindingRow storage row = _bindings[bindingId];
        return (row.agentId, row.operator, row.signer);
    }

    /// @inheritdoc IBindings
    function refutesEvidence(bytes32 bindingId, NodeStatement calldata statement, bytes calldata evidence)
        external
        view
        returns (bool)
    {
        bytes32 actual = bindingIdOf(statement);
        require(actual == bindingId, StatementMismatch(bindingId, actual));
        _requireBinding(bindingId);
        bytes32 evidenceHash = keccak256(evidence);
        Judgement memory judgement = _judgements[bindingId][evidenceHash];
        require(judgement.granted, EvidenceNotGranted(bindingId, evidenceHash));

        uint256 count = _verifiers.length;
        for (uint256 i = judgement.verifierIndex; i < count; ++i) {
            VerifierRow storage row = _verifiers[i];
            if (i != judgement.verifierIndex && !_wasListed(row, judgement.blockNumber)) continue;
            if (_refutes(row.verifier, bindingId, statement, judgement.blockNumber, evidence)) return true;
        }
        return false;
    }

    /// @inheritdoc IBindings
    function judgementOf(bytes32 bindingId, bytes32 evidenceHash)
        external
        view
        returns (bool granted, uint16 verifierIndex, uint64 blockNumber)
    {
        Judgement memory judgement = _judgements[bindingId][evidenceHash];
        return (judgement.granted, judgement.verifierIndex, judgement.blockNumber);
    }

    /// @inheritdoc IBindings
    function domainSeparator() external view returns (bytes32) {
        return _domainSeparatorV4();
    }

    /// @inheritdoc IBindings
    function statusOf(bytes32 bindingId) public view returns (Status status, uint8 tcbStatus) {
        BindingRow memory row = _bindings[bindingId];
        if (row.signer == address(0)) return (Status.UNKNOWN, 0);
        // As good as revoked: it answers for nothing any more, or not for long.
        if (row.revoked || _isKeySpent(row.agentId, row.operator, row.signer)) return (Status.REVOKED, 0);
        ProviderRow memory provider = _rows[row.agentId];
        if (!_ownerIs(row.agentId, provider.owner)) return (Status.OWNER_CHANGED, 0);
        if (row.endpointVersion != provider.endpointVersion) return (Status.ENDED, 0);
        if (block.timestamp > row.validUntil) return (Status.EXPIRED, 0);
        if (!_isOpen(row.agentId, provider)) return (Status.INACTIVE, 0);
        if (row.tier == Tier.NONE) return (Status.ACTIVE, 0);
        return _liveStatus(_approvals[row.agentId][row.endpointVersion][bindingId].verifierIndex, row.record);
    }

    /// @dev Stale is not refused: collateral that ran out can be refreshed by anybody.
    function _liveStatus(uint256 verifierIndex, bytes32 record)
        private
        view
        returns (Status status, uint8 tcbStatus)
    {
        VerifierRow storage granting = _verifiers[verifierIndex];
        if (granting.state != VerifierState.LISTED) return (Status.OUT_OF_POLICY, 0);
        try granting.verifier.liveStatus(record) returns (bool acceptable, uint8 tcb, uint40 validUntil) {
            if (validUntil < block.timestamp) return (Status.STALE, tcb);
            return (acceptable ? Status.ACTIVE : Status.OUT_OF_POLICY, tcb);
        } catch {
            return (Status.OUT_OF_POLICY, 0);
        }
    }

    /// @dev Between its listing and its drop when that block was made: whoever took up a statement then had seen it for
    /// VERIFIER_DELAY and renewed nevertheless, and neither a later rule nor a later drop changes what was agreed.
    function _wasListed(VerifierRow storage row, uint256 blockNumber) private view returns (bool) {
        uint256 dropped = row.droppedInBlock;
        uint256 listed = row.listedInBlock;
        return listed != 0 && listed < blockNumber && (dropped == 0 || blockNumber < dropped);
    }

    /// @dev One that fails says nothing.
    function _refutes(
        IAttestationVerifier verifier,
        bytes32 bindingId,
        NodeStatement calldata statement,
        uint64 blockNumber,
        bytes calldata evidence
    ) private view returns (bool) {
        try verifier.refutes(
            bindingId, statement, blockNumber, bytes32(evidence[:32]), evidence[32:]
        ) returns (
            bool refuted
        ) {
            return refuted;
        } catch {
            return false;
        }
    }

    function _binding(bytes32 bindingId) private view returns (Binding memory) {
        BindingRow memory row = _bindings[bindingId];
        Approval memory granted = _approvals[row.agentId][row.endpointVersion][bindingId];
        return Binding({
            agentId: row.agentId,
            operator: row.operator,
            signer: row.signer,
            tier: row.tier,
            tcbStatus: row.tcbStatus,
            validFrom: row.validFrom,
            validUntil: row.validUntil,
            revoked: row.revoked,
            endpointVersion: row.endpointVersion,
            blockNumber: granted.blockNumber,
            verifierIndex: granted.verifierIndex,
            evidence: granted.evidence,
            record: row.record
        });
    }
}
