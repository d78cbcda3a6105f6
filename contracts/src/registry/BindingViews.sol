// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {GpuDevices} from "../GpuDevices.sol";
import {IAttestationVerifier} from "../interfaces/IAttestationVerifier.sol";
import {IComputeRegistry} from "../interfaces/IComputeRegistry.sol";
import {IGpuDevices} from "../interfaces/IGpuDevices.sol";
import {IBindings} from "../interfaces/registry/IBindings.sol";
import {NodeStatement} from "../interfaces/NodeStatement.sol";
import {GrantWord, StandingWord} from "../libraries/BindingWords.sol";
import {TcbStatus} from "../tdx/TcbStatus.sol";
import {Bindings} from "./Bindings.sol";

/// @title What can be asked of bindings
/// @notice Rules: see IBindings.
abstract contract BindingViews is Bindings {
    /// @inheritdoc IBindings
    IGpuDevices public immutable gpuDevices;

    constructor() {
        gpuDevices = new GpuDevices(IComputeRegistry(address(this)));
    }

    /// @inheritdoc IBindings
    function isBindingApproved(uint256 agentId, bytes32 bindingId) external view returns (bool) {
        return _grants[agentId][_rows[agentId].endpointVersion][bindingId].isApproved();
    }

    /// @inheritdoc IBindings
    function bindingOf(bytes32 bindingId) external view returns (bool valid, Binding memory binding) {
        (Status status,) = statusOf(bindingId);
        return (status == Status.ACTIVE, _binding(bindingId, block.timestamp));
    }

    /// @inheritdoc IBindings
    function bindingAt(bytes32 bindingId, uint64 t)
        external
        view
        returns (bool valid, Binding memory binding)
    {
        binding = _binding(bindingId, t);
        uint256 endedAt = _ended[binding.agentId][binding.endpointVersion].time;
        valid = binding.signer != address(0) && binding.validFrom <= t && t <= binding.validUntil
            && (endedAt == 0 || t < endedAt);
    }

    /// @inheritdoc IBindings
    function signerOf(bytes32 bindingId) public view returns (uint256 agentId, address signer) {
        BindingRow storage row = _bindings[bindingId];
        if (row.endpointVersion != 0) (agentId, signer) = (row.agentId, row.signer);
    }

    /// @inheritdoc IBindings
    function partiesOf(bytes32 bindingId)
        external
        view
        returns (uint256 agentId, address operator, address signer)
    {
        (agentId, signer) = signerOf(bindingId);
        if (signer != address(0)) operator = _operatorOf(agentId, _bindings[bindingId].endpointVersion);
    }

    /// @inheritdoc IBindings
    function refutesEvidence(
        bytes32 bindingId,
        NodeStatement calldata statement,
        bytes calldata evidence,
        GrantProof calldata proof
    ) external view returns (bool) {
        bytes32 actual = bindingIdOf(statement);
        require(actual == bindingId, StatementMismatch(bindingId, actual));
        _requireBinding(bindingId);
        bytes32 evidenceHash = keccak256(evidence);
        require(
            proof.grants.length != 0 && _isJudged(proof.grants[0], evidenceHash),
            EvidenceNotGranted(bindingId, evidenceHash)
        );
        _requireKnown(bindingId, proof);

        return _isRefuted(bindingId, statement, evidence, proof.grants[0]);
    }

    /// @inheritdoc IBindings
    function grantHeadOf(bytes32 bindingId, uint32 endpointVersion) external view returns (bytes20) {
        return _headOf(bindingId, endpointVersion);
    }

    /// @inheritdoc IBindings
    function domainSeparator() external view returns (bytes32) {
        return _domainSeparatorV4();
    }

    /// @inheritdoc IBindings
    function statusOf(bytes32 bindingId) public view returns (Status status, uint8 tcbStatus) {
        BindingRow storage row = _bindings[bindingId];
        (uint256 agentId, uint24 version) = (row.agentId, row.endpointVersion);
        if (version == 0) return (Status.UNKNOWN, 0);
        ProviderRow memory provider = _rows[agentId];
        // As good as revoked: it answers for nothing any more, or not for long.
        if (row.revoked || _isKeySpent(agentId, provider, _operatorOf(agentId, version), row.signer)) {
            return (Status.REVOKED, 0);
        }
        if (!_ownerIs(agentId, provider.owner)) return (Status.OWNER_CHANGED, 0);
        if (version != provider.endpointVersion) return (Status.ENDED, 0);
        GrantWord granted = _grants[agentId][version][bindingId];
        if (block.timestamp > granted.validUntil()) return (Status.EXPIRED, 0);
        if (!_isOpen(agentId, provider)) return (Status.INACTIVE, 0);
        if (row.standing.tier() == Tier.NONE) return (Status.ACTIVE, 0);
        return _liveStatus(granted.verifierIndex(), row.standing.record());
    }

    /// @dev Stale is not refused: collateral that ran out can be refreshed by anybody. What its vendor revoked is more than out of
    /// policy, whatever the policy says.
    function _liveStatus(uint256 verifierIndex, bytes25 record)
        private
        view
        returns (Status status, uint8 tcbStatus)
    {
        status = Status.OUT_OF_POLICY;
        VerifierRow storage granting = _verifiers[verifierIndex];
        if (granting.state != VerifierState.LISTED) return (status, 0);
        try granting.verifier.liveStatus(record) returns (bool acceptable, uint8 tcb, uint40 validUntil) {
            tcbStatus = tcb;
            if (!acceptable && tcb == TcbStatus.REVOKED) status = Status.REVOKED;
            else if (validUntil < block.timestamp) status = Status.STALE;
            else if (acceptable) status = Status.ACTIVE;
        } catch {
            return (status, 0);
        }
    }

    function _isJudged(Grant calldata grant, bytes32 evidenceHash) private pure returns (bool) {
        return grant.verifierIndex != NO_VERIFIER && grant.evidenceHash == evidenceHash;
    }

    function _isRefuted(
        bytes32 bindingId,
        NodeStatement calldata statement,
        bytes calldata evidence,
        Grant calldata grant
    ) private view returns (bool) {
        uint64 blockNumber = grant.blockNumber;
        uint256 count = verifierCount;
        for (uint256 i = grant.verifierIndex; i < count; ++i) {
            VerifierRow storage row = _verifiers[i];
            if (i != grant.verifierIndex && !_wasListed(row, blockNumber)) continue;
            if (_refutes(row.verifier, bindingId, statement, blockNumber, evidence)) return true;
        }
        return false;
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

    function _binding(bytes32 bindingId, uint256 t) private view returns (Binding memory binding) {
        BindingRow storage row = _bindings[bindingId];
        (uint256 agentId, uint24 version) = (row.agentId, row.endpointVersion);
        if (version == 0) return binding;
        GrantWord granted = _grants[agentId][version][bindingId];
        StandingWord standing = row.standing;
        // A device that another binding holds is not sold twice.
        (Tier tier, Devices devices) = gpuDevices.standingAt(bindingId, standing.tier(), t);
        return Binding({
            agentId: agentId,
            operator: _operatorOf(agentId, version),
            signer: row.signer,
            tier: tier,
            tcbStatus: standing.tcbStatus(),
            validFrom: standing.validFrom(),
            validUntil: granted.validUntil(),
            revoked: row.revoked,
            endpointVersion: version,
            blockNumber: granted.blockNumber(),
            verifierIndex: granted.verifierIndex(),
            head: granted.head(),
            record: standing.record(),
            devices: devices
        });
    }
}
