// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IComputeRegistry} from "../interfaces/IComputeRegistry.sol";
import {IInferenceServing} from "../interfaces/IInferenceServing.sol";
import {NodeStatement} from "../interfaces/NodeStatement.sol";
import {IBindings} from "../interfaces/registry/IBindings.sol";
import {IEvidence} from "../interfaces/staking/IEvidence.sol";
import {Bonds} from "./Bonds.sol";

/// @title Evidence that executes by itself
/// @notice Rules: see IEvidence.
abstract contract Evidence is Bonds, EIP712 {
    /// @notice Longer than a pending transaction waits; what a copy of it has to wait first.
    uint64 public constant COMMIT_AGE = 5 minutes;
    /// @notice A commitment is void this long after it came of age. Only who commits a fault knows of it from the start: without
    /// an end, an operator could lay up a commitment beside each fault and step in front of whoever finds it (attack K10).
    uint64 public constant COMMIT_LIFE = 1 days;
    /// @notice One part in so many of the bond.
    uint256 public constant CONFLICT_DIVISOR = 2;

    bytes32 private constant KEY_LEAK_TYPEHASH = keccak256("KeyLeak(bytes32 bindingId,address reporter)");

    /// @inheritdoc IEvidence
    IComputeRegistry public immutable computeRegistry;
    /// @inheritdoc IEvidence
    IInferenceServing public immutable inferenceServing;

    /// What has been proven of one key while it stood for one bond.
    struct KeyRecord {
        uint64 firstConflictAt;
        bool leaked;
    }

    /// Who answers for a binding.
    struct Parties {
        bytes32 bindingId;
        bytes32 bondId;
        address signer;
    }

    /// By who made it, so that nobody takes the place of somebody else's.
    mapping(address reporter => mapping(bytes32 commitment => uint64 usableFrom)) private _commitments;
    mapping(bytes32 proofId => bool proven) private _proven;
    mapping(bytes32 bondId => mapping(address signer => KeyRecord)) private _keys;

    constructor(IComputeRegistry registry, IInferenceServing serving) {
        require(address(registry) != address(0) && address(serving) != address(0), ZeroAddress());
        computeRegistry = registry;
        inferenceServing = serving;
    }

    /// @inheritdoc IEvidence
    function commitEvidence(bytes32 commitment) external {
        uint64 earlier = _commitments[msg.sender][commitment];
        require(
            earlier == 0 || block.timestamp > earlier + COMMIT_LIFE, AlreadyCommitted(msg.sender, commitment)
        );

        uint64 usableFrom = uint64(block.timestamp) + COMMIT_AGE;
        _commitments[msg.sender][commitment] = usableFrom;

        emit EvidenceCommitted(msg.sender, commitment, usableFrom);
    }

    /// @inheritdoc IEvidence
    function proveConflict(Conflict calldata conflict, bytes32 salt) external {
        Parties memory parties = _partiesOf(conflict.auth.bindingId);
        (bytes32 first, bytes32 second) = _digestsOf(conflict);
        _requireCommitted(_conflictHash(parties.bindingId, first, second), salt);
        bytes32 authHash = inferenceServing.authDigest(conflict.auth);
        _requireConflict(conflict, authHash, first, second);
        _requireSigned(parties.signer, first, conflict.firstSig);
        _requireSigned(parties.signer, second, conflict.secondSig);
        _proveOnce(parties.bindingId, Kind.CONFLICT, authHash);
        _requireKeyStillCounts(parties);

        (address victim, uint256 loss) = _lossOf(conflict);
        uint256 half = Math.ceilDiv(slashable(parties.bondId), CONFLICT_DIVISOR);
        _punish(parties, Kind.CONFLICT, half, victim, loss);
    }

    /// @inheritdoc IEvidence
    function proveBadAttestation(
        bytes32 bindingId,
        NodeStatement calldata statement,
        bytes calldata evidence,
        IBindings.GrantProof calldata proof,
        bytes32 salt
    ) external {
        Parties memory parties = _partiesOf(bindingId);
        _requireCommitted(attestationHash(bindingId, evidence), salt);
        bytes32 stated = computeRegistry.bindingIdOf(statement);
        require(stated == bindingId, StatementMismatch(bindingId, stated));
        require(computeRegistry.refutesEvidence(bindingId, statement, evidence, proof), NotRefuted(bindingId));
        _proveOnce(bindingId, Kind.BAD_ATTESTATION, 0);

        _punish(parties, Kind.BAD_ATTESTATION, slashable(parties.bondId), address(0), 0);
    }

    /// @inheritdoc IEvidence
    function proveLeakedKey(bytes32 bindingId, bytes calldata signature, bytes32 salt) external {
        Parties memory parties = _partiesOf(bindingId);
        _requireCommitted(leakHash(bindingId, signature), salt);
        _requireSigned(parties.signer, leakDigest(bindingId, msg.sender), signature);
        _proveOnce(bindingId, Kind.LEAKED_KEY, 0);

        KeyRecord storage key = _keys[parties.bondId][parties.signer];
        uint256 amount = key.leaked ? 0 : slashable(parties.bondId);
        key.leaked = true;
        _punish(parties, Kind.LEAKED_KEY, amount, address(0), 0);
    }

    /// @inheritdoc IEvidence
    function conflictHash(Conflict calldata conflict) external view returns (bytes32) {
        (bytes32 first, bytes32 second) = _digestsOf(conflict);
        return _conflictHash(conflict.auth.bindingId, first, second);
    }

    /// @inheritdoc IEvidence
    function isKeySpent(bytes32 bondId, address signer) external view returns (bool) {
        KeyRecord storage key = _keys[bondId][signer];
        return key.leaked || key.firstConflictAt != 0;
    }

    /// @inheritdoc IEvidence
    function domainSeparator() external view returns (bytes32) {
        return _domainSeparatorV4();
    }

    /// @inheritdoc IEvidence
    function leakDigest(bytes32 bindingId, address reporter) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(KEY_LEAK_TYPEHASH, bindingId, reporter)));
    }

    /// @inheritdoc IEvidence
    function attestationHash(bytes32 bindingId, bytes calldata evidence) public pure returns (bytes32) {
        return keccak256(abi.encode(bindingId, keccak256(evidence)));
    }

    /// @inheritdoc IEvidence
    function leakHash(bytes32 bindingId, bytes calldata signature) public pure returns (bytes32) {
        return keccak256(abi.encode(bindingId, KEY_LEAK_TYPEHASH, keccak256(signature)));
    }

    /// @inheritdoc IEvidence
    function commitmentOf(address reporter, bytes32 evidenceHash, bytes32 salt)
        public
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(reporter, evidenceHash, salt));
    }

    /* PRIVATE */

    /// @dev Before the slash the event, after it the call: ending a binding twice is the registry's no-op, so that an operator
    /// who ends it himself first escapes nothing.
    function _punish(Parties memory parties, Kind kind, uint256 amount, address victim, uint256 loss)
        private
    {
        emit EvidenceProven(parties.bindingId, kind, parties.bondId, msg.sender, amount);
        _slash(parties.bondId, amount, msg.sender, victim, loss);
        computeRegistry.revokeForEvidence(parties.bindingId);
    }

    function _proveOnce(bytes32 bindingId, Kind kind, bytes32 authHash) private {
        bytes32 proofId = keccak256(abi.encode(bindingId, kind, authHash));
        require(!_proven[proofId], AlreadyProven(bindingId, kind));

        _proven[proofId] = true;
    }

    /// @dev Whoever holds a leaked key can sign conflicts without end; what they prove is one fault. After the first of a key
    /// the rest has UNBONDING to come, which is as long as the money that stood for it needs to leave. The registry binds the
    /// key no more from the first on (`isKeySpent`), and what is bound ends before that, so that no key answers for nothing.
    function _requireKeyStillCounts(Parties memory parties) private {
        KeyRecord storage key = _keys[parties.bondId][parties.signer];
        require(!key.leaked, KeyKnownLeaked(parties.signer));
        if (key.firstConflictAt == 0) key.firstConflictAt = uint64(block.timestamp);
        uint64 latest = key.firstConflictAt + UNBONDING;
        require(block.timestamp <= latest, EvidenceTooLate(latest, block.timestamp));
    }

    /// @dev The bond of who signed up for this binding, never of who owns the agent now.
    function _partiesOf(bytes32 bindingId) private view returns (Parties memory) {
        (uint256 agentId, address operator, address signer) = computeRegistry.partiesOf(bindingId);
        require(signer != address(0), UnknownBinding(bindingId));
        return
            Parties({
                bindingId: bindingId, bondId: bondIdOf(Role.PROVIDER, agentId, operator), signer: signer
            });
    }

    /// @dev What the user paid, if it was paid. Which of the two receipts was settled is not on record, so the cheaper counts;
    /// what a payee took in place of the fee is on record.
    function _lossOf(Conflict calldata conflict) private view returns (address victim, uint256 loss) {
        bytes32 channelId = conflict.auth.channelId;
        (bytes32 bindingId, uint256 nonce) = (conflict.auth.bindingId, conflict.auth.nonce);
        if (!inferenceServing.isNonceUsed(channelId, bindingId, nonce)) return (address(0), 0);
        loss = Math.min(_feeOf(channelId, conflict.first), _feeOf(channelId, conflict.second));
        loss = Math.min(loss, conflict.auth.maxFee);
        uint256 part = inferenceServing.partialFeeOf(channelId, bindingId, nonce);
        if (part != 0) loss = Math.min(loss, part);
        victim = inferenceServing.ledgerManager().channelOf(channelId).user;
    }

    function _feeOf(bytes32 channelId, IInferenceServing.Receipt calldata receipt)
        private
        view
        returns (uint256)
    {
        return inferenceServing.feeOf(channelId, receipt.inputTokens, receipt.outputTokens);
    }

    function _digestsOf(Conflict calldata conflict) private view returns (bytes32 first, bytes32 second) {
        first = inferenceServing.receiptDigest(conflict.first);
        second = inferenceServing.receiptDigest(conflict.second);
    }

    function _requireCommitted(bytes32 evidenceHash, bytes32 salt) private view {
        bytes32 commitment = commitmentOf(msg.sender, evidenceHash, salt);
        uint64 usableFrom = _commitments[msg.sender][commitment];
        require(usableFrom != 0, NotCommitted(commitment));
        require(block.timestamp >= usableFrom, CommitmentTooYoung(usableFrom, block.timestamp));
        uint64 usableUntil = usableFrom + COMMIT_LIFE;
        require(block.timestamp <= usableUntil, CommitmentExpired(usableUntil, block.timestamp));
    }

    /// @dev Two answers to the very same authorisation. Two requests under one nonce are two authorisations: that is the
    /// user's doing and no evidence (attack K11).
    function _requireConflict(Conflict calldata conflict, bytes32 authHash, bytes32 first, bytes32 second)
        private
        pure
    {
        require(conflict.first.authHash == authHash, AuthHashMismatch(authHash, conflict.first.authHash));
        require(conflict.second.authHash == authHash, AuthHashMismatch(authHash, conflict.second.authHash));
        require(first != second, SameStatement(first));
    }

    /// @dev 65 bytes, low-s. A signature that recovers to nobody recovers to zero, and no signer is zero.
    function _requireSigned(address signer, bytes32 digest, bytes calldata signature) private pure {
        (address actual,,) = ECDSA.tryRecoverCalldata(digest, signature);
        require(actual == signer, InvalidSignature(signer, actual));
    }

    function _conflictHash(bytes32 bindingId, bytes32 first, bytes32 second) private pure returns (bytes32) {
        return keccak256(abi.encode(bindingId, first, second));
    }
}
