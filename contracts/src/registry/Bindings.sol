// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Blockhash} from "@openzeppelin/contracts/utils/Blockhash.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IAttestationVerifier} from "../interfaces/IAttestationVerifier.sol";
import {IBindings} from "../interfaces/registry/IBindings.sol";
import {NodeStatement} from "../interfaces/NodeStatement.sol";
import {GrantWord, StandingWord, StandingWordLib} from "../libraries/BindingWords.sol";
import {GrantChainLib} from "../libraries/GrantChainLib.sol";
import {NodeStatementLib} from "../libraries/NodeStatementLib.sol";
import {SettlementLib} from "../libraries/SettlementLib.sol";
import {Providers} from "./Providers.sol";
import {VerifierList} from "./VerifierList.sol";

/// @title Grants of bindings
/// @notice Rules: see IBindings. Views: BindingViews.
abstract contract Bindings is Providers, VerifierList, EIP712, IBindings {
    /// @dev Slots: whose key it is, and in which version of the endpoint it was granted last, zero before the first · how good. The
    /// first is written with the approval and once a version, the second only where something changes. The operator is the
    /// owner of that version.
    struct BindingRow {
        address signer;
        uint48 agentId;
        uint24 endpointVersion;
        bool revoked;
        StandingWord standing;
    }

    /// @dev One grant in the making, however it came about; in memory only.
    // solhint-disable-next-line gas-struct-packing
    struct Granting {
        uint256 agentId;
        bytes32 bindingId;
        uint24 endpointVersion;
        /// As it stood before.
        GrantWord before;
        Tier tier;
        uint8 tcbStatus;
        uint8 verifierIndex;
        uint64 validUntil;
        uint64 blockNumber;
        bytes32 blockHash;
        bytes32 evidenceHash;
        bytes25 record;
    }

    /// @notice Shorter than ComputeStaking.UNBONDING, so that a bond is in reach while the binding lasts (attack R11).
    uint64 public constant MAX_BINDING_VALIDITY = 7 days;
    /// @dev Lower bound of `bindingValidity`.
    uint64 private constant MIN_BINDING_VALIDITY = 1 hours;
    /// @dev Lower bound of `freshnessWindow`: what every chain knows.
    uint64 private constant MIN_FRESHNESS_WINDOW = 256;
    /// @notice Upper bound of `freshnessWindow`: what EIP-2935 keeps.
    uint64 public constant MAX_FRESHNESS_WINDOW = 8191;
    /// @notice Stands for no verifier.
    uint8 public constant NO_VERIFIER = type(uint8).max;

    /// @inheritdoc IBindings
    uint64 public bindingValidity = 24 hours;
    /// @inheritdoc IBindings
    /// @dev 10 minutes at 2 seconds a block.
    uint64 public freshnessWindow = 300;

    /// By endpoint version, so that a change of endpoint or owner ends every approval at once. Nothing in it is deleted.
    mapping(
        uint256 agentId => mapping(uint256 endpointVersion => mapping(bytes32 bindingId => GrantWord granted))
    ) internal _grants;
    mapping(bytes32 bindingId => BindingRow row) internal _bindings;
    mapping(bytes32 bindingId => mapping(bytes20 head => bool kept)) private _keptHeads;
    mapping(uint256 agentId => mapping(uint32 tag => bytes32 bindingId)) private _tagged;

    /// @inheritdoc IBindings
    function approveBinding(NodeStatement calldata statement) external returns (bytes32 bindingId) {
        uint256 agentId = statement.agentId;
        ProviderRow storage provider = _requireCurrent(agentId);
        address owner = provider.owner;
        // Whom ERC-721 lets move the agent has no say over the owner's bond, which this key can cost.
        require(msg.sender == owner, NotAgentOwner(agentId, msg.sender));
        require(statement.operator == owner, OperatorMismatch(owner, statement.operator));
        require(statement.signer != address(0), ZeroAddress());
        bindingId = bindingIdOf(statement);
        BindingRow storage row = _bindings[bindingId];
        _requireUnrevoked(bindingId);

        if (row.signer == address(0)) {
            _takeTag(agentId, bindingId);
            (row.signer, row.agentId) = (statement.signer, uint48(agentId));
        }
        mapping(bytes32 => GrantWord) storage grants = _grants[agentId][provider.endpointVersion];
        grants[bindingId] = grants[bindingId].approved(statement.gpuDevicesDigest != 0);

        emit BindingApproved(agentId, bindingId, owner, statement.signer);
    }

    /// @inheritdoc IBindings
    function withdrawApproval(uint256 agentId, bytes32 bindingId) external {
        ProviderRow storage provider = _requireCurrent(agentId);
        mapping(bytes32 => GrantWord) storage grants = _grants[agentId][provider.endpointVersion];
        GrantWord word = grants[bindingId];
        require(word.isApproved(), BindingNotApproved(bindingId));

        grants[bindingId] = word.withdrawn();

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
        Granting memory grant = _requireConsent(statement.agentId, bindingId);
        _appraise(grant, verifierIndex, blockNumber, evidence);
        _requirePossession(
            statement.signer,
            NodeStatementLib.hashVerifiedAttestation(
                bindingId, verifierIndex, grant.evidenceHash, blockNumber, deadline
            ),
            deadline,
            signerSig
        );

        _grant(grant);
        _emitAttested(grant);
    }

    /// @inheritdoc IBindings
    function renew(uint256 agentId, bytes32 bindingId, uint64 blockNumber, bytes calldata evidence) external {
        Granting memory grant = _requireConsent(agentId, bindingId);
        require(grant.before.blockNumber() != 0, BindingNotGranted(bindingId));
        _appraise(grant, grant.before.verifierIndex(), blockNumber, evidence);

        _grant(grant);
        _emitAttested(grant);
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
        Granting memory grant = _requireConsent(statement.agentId, bindingId);
        require(evidenceHash != 0, EvidenceHashZero());
        grant.blockHash = _requireFresh(blockNumber);
        uint64 max = _latestEnd();
        require(validUntil > block.timestamp && validUntil <= max, ValidityOutOfRange(validUntil, max));
        _requirePossession(
            statement.signer,
            NodeStatementLib.hashAttestation(bindingId, evidenceHash, blockNumber, validUntil, deadline),
            deadline,
            signerSig
        );

        // Nobody has judged the evidence, and a hash is not a proof (attack R1): tier NONE, and no record.
        grant.verifierIndex = NO_VERIFIER;
        (grant.validUntil, grant.blockNumber, grant.evidenceHash) = (validUntil, blockNumber, evidenceHash);
        _grant(grant);

        emit SignerBound(
            grant.agentId, bindingId, statement.signer, validUntil, evidenceHash, blockNumber, grant.blockHash
        );
    }

    /// @inheritdoc IBindings
    function revokeBinding(bytes32 bindingId) external {
        BindingRow storage row = _requireBinding(bindingId);
        _requireCurrent(row.agentId);
        _requireUnrevoked(bindingId);

        _revoke(bindingId, row);
    }

    /// @inheritdoc IBindings
    function revokeForEvidence(bytes32 bindingId) external {
        require(msg.sender == address(computeStaking), NotStaking(address(computeStaking), msg.sender));
        BindingRow storage row = _requireBinding(bindingId);

        _rows[row.agentId].faulted = true;
        if (!row.revoked) _revoke(bindingId, row);
    }

    /// @inheritdoc IBindings
    function keepHead(bytes32 bindingId, GrantProof calldata proof) external {
        bytes20 head = proof.before;
        if (proof.grants.length == 0) head = _headOf(bindingId, proof.endpointVersion);
        else _requireKnown(bindingId, proof);
        require(head != 0, UnknownHead(bindingId, head));

        _keptHeads[bindingId][head] = true;

        emit HeadKept(bindingId, head);
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

    /// @dev Nonces of receipts are kept by the low 32 bits of the binding (ChannelWords), of which a second binding can be made
    /// at will: it would use up nonces of receipts that are earned. So the first of an agent has its tag for good, whoever
    /// owns the agent later. Nothing is granted that was not approved.
    function _takeTag(uint256 agentId, bytes32 bindingId) private {
        // forge-lint: disable-next-line(unsafe-typecast) -- the low 32 bits
        uint32 tag = uint32(uint256(bindingId));
        bytes32 taker = _tagged[agentId][tag];
        require(taker == 0, BindingTagTaken(bindingId, taker));
        _tagged[agentId][tag] = bindingId;
    }

    function _requireBinding(bytes32 bindingId) internal view returns (BindingRow storage row) {
        row = _bindings[bindingId];
        require(row.endpointVersion != 0, UnknownBinding(bindingId));
    }

    function _requireUnrevoked(bytes32 bindingId) private view {
        require(!_bindings[bindingId].revoked, BindingIsRevoked(bindingId));
    }

    /// @dev The grants lead to the latest head of the version, or to one that was kept.
    function _requireKnown(bytes32 bindingId, GrantProof calldata proof) internal view {
        bytes20 head = GrantChainLib.headAfter(proof.before, proof.grants);
        require(
            _keptHeads[bindingId][head] || head == _headOf(bindingId, proof.endpointVersion),
            UnknownHead(bindingId, head)
        );
    }

    function _headOf(bytes32 bindingId, uint256 endpointVersion) internal view returns (bytes20) {
        return _grants[_bindings[bindingId].agentId][endpointVersion][bindingId].head();
    }

    /// @dev The first grant under a version of the endpoint. A renewal needs no look at whose key it is: whatever is revoked is
    /// approved no more in the version it was granted in.
    function _openVersion(Granting memory grant) private {
        BindingRow storage row = _bindings[grant.bindingId];
        _requireUnrevoked(grant.bindingId);
        uint24 earlier = row.endpointVersion;
        // Nothing older replaces anything newer, not even across a change of endpoint.
        if (earlier != 0) {
            _requireLater(_grants[grant.agentId][earlier][grant.bindingId], grant.blockNumber);
        }
        row.endpointVersion = grant.endpointVersion;
    }

    function _grant(Granting memory grant) private {
        GrantWord before = grant.before;
        if (before.blockNumber() == 0) _openVersion(grant);
        _requireLater(before, grant.blockNumber);
        bytes20 head = GrantChainLib.headAfter(
            before.head(), grant.evidenceHash, grant.verifierIndex, grant.blockNumber
        );
        _grants[grant.agentId][grant.endpointVersion][grant.bindingId] =
            before.granted(head, grant.validUntil, grant.blockNumber, grant.verifierIndex);
        BindingRow storage row = _bindings[grant.bindingId];
        StandingWord standing = row.standing;
        bool unbroken = before.blockNumber() != 0 && block.timestamp <= before.validUntil()
            && standing.tier() == grant.tier;
        // Compared by the EVM itself: writing what stands there costs little.
        row.standing = StandingWordLib.pack(
            grant.record, grant.tcbStatus, grant.tier, unbroken ? standing.validFrom() : block.timestamp
        );
    }

    function _requireLater(GrantWord latest, uint64 blockNumber) private pure {
        require(blockNumber > latest.blockNumber(), StaleAttestation(latest.blockNumber(), blockNumber));
    }

    function _emitAttested(Granting memory grant) private {
        emit Attested(
            grant.agentId,
            grant.bindingId,
            grant.tier,
            grant.tcbStatus,
            grant.validUntil,
            grant.verifierIndex,
            grant.evidenceHash,
            grant.blockNumber,
            grant.blockHash
        );
    }

    /// @dev Cut to the second before, so that no moment from now on is covered.
    function _revoke(bytes32 bindingId, BindingRow storage row) private {
        mapping(bytes32 => GrantWord) storage grants = _grants[row.agentId][row.endpointVersion];
        GrantWord before = grants[bindingId];
        row.revoked = true;
        grants[bindingId] =
            before.withdrawn().withValidUntil(Math.min(before.validUntil(), block.timestamp - 1));

        emit BindingRevoked(row.agentId, bindingId, msg.sender);
    }

    /// @dev The recorded owner approved this very statement, which names them, under the endpoint of now, and has not revoked it;
    /// and its key can still cost the owner's bond: one of which evidence was brought is slash-proof before long (attack K5).
    function _requireConsent(uint256 agentId, bytes32 bindingId)
        private
        view
        returns (Granting memory grant)
    {
        ProviderRow memory provider = _rows[agentId];
        require(provider.registeredAt != 0, UnknownProvider(agentId));
        require(!provider.barred, ProviderIsBarred(agentId));
        (grant.agentId, grant.bindingId) = (agentId, bindingId);
        grant.endpointVersion = provider.endpointVersion;
        grant.before = _grants[agentId][provider.endpointVersion][bindingId];
        if (!grant.before.isApproved()) {
            _requireUnrevoked(bindingId);
            revert BindingNotApproved(bindingId);
        }
        if (provider.faulted) {
            address signer = _bindings[bindingId].signer;
            require(!_isKeySpent(agentId, provider, provider.owner, signer), KeyIsSpent(signer));
        }
    }

    /// @dev ComputeStaking, which knows it, ends a binding of the agent with every proof: where none was ended, none need be asked
    /// for.
    function _isKeySpent(uint256 agentId, ProviderRow memory provider, address operator, address signer)
        internal
        view
        returns (bool)
    {
        return provider.faulted && computeStaking.isKeySpent(_bondIdOf(agentId, operator), signer);
    }

    /// @dev The tier is the verifier's word, and SIMULATED whatever it says where its root is simulated (invariant I15).
    function _appraise(
        Granting memory grant,
        uint256 verifierIndex,
        uint64 blockNumber,
        bytes calldata evidence
    ) private view {
        VerifierRow storage listed = _requireListed(verifierIndex);
        bytes32 blockHash = _requireFresh(blockNumber);
        IAttestationVerifier.Appraisal memory appraisal = listed.verifier
            .appraise(grant.bindingId, blockNumber, blockHash, grant.before.namesDevices(), evidence);
        require(appraisal.tier != Tier.NONE, NoTier(verifierIndex));
        uint64 max = _latestEnd();
        require(appraisal.validUntil > block.timestamp, ValidityOutOfRange(appraisal.validUntil, max));

        grant.tier = listed.simulated ? Tier.SIMULATED : appraisal.tier;
        grant.tcbStatus = appraisal.tcbStatus;
        grant.verifierIndex = uint8(verifierIndex);
        grant.validUntil = uint64(Math.min(appraisal.validUntil, max));
        grant.blockNumber = blockNumber;
        grant.blockHash = blockHash;
        grant.evidenceHash = keccak256(bytes.concat(blockHash, evidence));
        grant.record = appraisal.record;
    }

    function _latestEnd() private view returns (uint64) {
        // Of at most a week.
        unchecked {
            return uint64(block.timestamp) + bindingValidity;
        }
    }

    /// @dev The hash is zero for a block that is too old, too new, or that this chain does not remember (attack R12).
    function _requireFresh(uint64 blockNumber) private view returns (bytes32 blockHash) {
        unchecked {
            // Of 64 bits each.
            if (uint256(blockNumber) + freshnessWindow >= block.number) {
                blockHash = Blockhash.blockHash(blockNumber);
            }
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
