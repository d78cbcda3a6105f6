// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IComputeRegistry} from "../interfaces/IComputeRegistry.sol";
import {NodeStatement} from "../interfaces/NodeStatement.sol";
import {Bindings} from "./Bindings.sol";

/// @title What can be asked of bindings
/// @notice Rules: see IComputeRegistry.
abstract contract BindingViews is Bindings {
    /// @inheritdoc IComputeRegistry
    function isBindingApproved(uint256 agentId, bytes32 bindingId) external view returns (bool) {
        return _approvals[agentId][_rows[agentId].endpointVersion][bindingId].approved;
    }

    /// @inheritdoc IComputeRegistry
    function bindingOf(bytes32 bindingId) external view returns (bool valid, Binding memory binding) {
        (Status status,) = statusOf(bindingId);
        return (status == Status.ACTIVE, _binding(bindingId));
    }

    /// @inheritdoc IComputeRegistry
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

    /// @inheritdoc IComputeRegistry
    function signerOf(bytes32 bindingId) external view returns (uint256 agentId, address signer) {
        BindingRow storage row = _bindings[bindingId];
        return (row.agentId, row.signer);
    }

    /// @inheritdoc IComputeRegistry
    function partiesOf(bytes32 bindingId)
        external
        view
        returns (uint256 agentId, address operator, address signer)
    {
        BindingRow storage row = _bindings[bindingId];
        return (row.agentId, row.operator, row.signer);
    }

    /// @inheritdoc IComputeRegistry
    function refutesEvidence(bytes32 bindingId, NodeStatement calldata statement, bytes calldata evidence)
        external
        view
        returns (bool)
    {
        bytes32 actual = bindingIdOf(statement);
        require(actual == bindingId, StatementMismatch(bindingId, actual));
        BindingRow storage row = _requireBinding(bindingId);
        Approval memory granted = _approvals[row.agentId][row.endpointVersion][bindingId];
        if (granted.verifierIndex == NO_VERIFIER) return false;
        bytes24 given = bytes24(keccak256(evidence));
        require(given == granted.evidence, EvidenceMismatch(granted.evidence, given));

        for (uint256 i = 0; i < _verifiers.length; ++i) {
            if (_refutes(_verifiers[i], granted.blockNumber, bindingId, statement, evidence)) return true;
        }
        return false;
    }

    /// @inheritdoc IComputeRegistry
    function domainSeparator() external view returns (bytes32) {
        return _domainSeparatorV4();
    }

    /// @inheritdoc IComputeRegistry
    function statusOf(bytes32 bindingId) public view returns (Status status, uint8 tcbStatus) {
        BindingRow memory row = _bindings[bindingId];
        if (row.signer == address(0)) return (Status.UNKNOWN, 0);
        if (row.revoked) return (Status.REVOKED, 0);
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
        VerifierRow memory granting = _verifiers[verifierIndex];
        if (granting.state != VerifierState.LISTED) return (Status.OUT_OF_POLICY, 0);
        try granting.verifier.liveStatus(record) returns (bool acceptable, uint8 tcb, uint40 validUntil) {
            if (validUntil < block.timestamp) return (Status.STALE, tcb);
            return (acceptable ? Status.ACTIVE : Status.OUT_OF_POLICY, tcb);
        } catch {
            return (Status.OUT_OF_POLICY, 0);
        }
    }

    /// @dev Only by a verifier that is listed and was announced when the evidence was made. One that fails says nothing.
    function _refutes(
        VerifierRow memory listed,
        uint64 blockNumber,
        bytes32 bindingId,
        NodeStatement calldata statement,
        bytes calldata evidence
    ) private view returns (bool) {
        if (listed.state != VerifierState.LISTED || listed.proposedInBlock > blockNumber) return false;
        try listed.verifier
        .refutes(bindingId, statement, blockNumber, bytes32(evidence[:32]), evidence[32:]) returns (
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
