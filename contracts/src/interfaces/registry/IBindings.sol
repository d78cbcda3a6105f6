// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IGpuDevices} from "../IGpuDevices.sol";
import {NodeStatement} from "../NodeStatement.sol";

/// @title Whose keys answer
/// @notice A binding needs the owner's approval of exactly this statement, a signature of the statement's signer, and evidence. A
/// record here never replaces a client's own verification of a fresh quote (attack R17). EIP-712 domain {name: "Jeju
/// Compute Node", version: "1", chainId, verifyingContract} (docs/protocol.md §1).
interface IBindings {
    /// @notice What a listed verifier has shown on chain. No role and no caller can write a tier.
    enum Tier {
        NONE,
        SIMULATED,
        TDX,
        TDX_GPU
    }

    /// @notice Only ACTIVE is good. The first that applies, in the order REVOKED, OWNER_CHANGED, ENDED, EXPIRED, INACTIVE,
    /// OUT_OF_POLICY, STALE.
    enum Status {
        UNKNOWN,
        ACTIVE,
        /// The provider is switched off, barred, or without its bond.
        INACTIVE,
        /// The agent was transferred.
        OWNER_CHANGED,
        /// The endpoint was changed since.
        ENDED,
        EXPIRED,
        /// By the provider or by evidence, or its key was proven at fault in another binding, or, asked last, the vendor revoked the
        /// platform.
        REVOKED,
        /// Collateral has run out; becomes good again when anybody refreshes it.
        STALE,
        /// The verifier was dropped, or its policy no longer allows this.
        OUT_OF_POLICY
    }

    /// @notice What the record of devices says of a binding. Only HELD and NOT_KEPT let a client count its GPUs.
    enum Devices {
        /// It holds not every device of its statement, or names none, or nobody judged its evidence though somebody could.
        NOT_HELD,
        /// It holds every one (IGpuDevices), under a simulated root in a world of its own.
        HELD,
        /// Tier NONE, and no verifier is listed that could have judged: this chain keeps no record of devices.
        NOT_KEPT
    }

    struct Binding {
        uint256 agentId;
        /// Named in the statement: who bonded when this was attested.
        address operator;
        address signer;
        /// At the last grant; but TDX in place of TDX_GPU while it does not hold every device of its statement.
        Tier tier;
        /// At the last grant, in the verifier's code; 0 with Tier.NONE. `statusOf` tells today's.
        uint8 tcbStatus;
        /// Since when it has been valid without a gap at the tier that its grants gave it.
        uint64 validFrom;
        /// Cut to the second before its revocation.
        uint64 validUntil;
        bool revoked;
        uint32 endpointVersion;
        /// Block that the evidence of the last grant names; only grows.
        uint64 blockNumber;
        /// NO_VERIFIER with Tier.NONE.
        uint8 verifierIndex;
        /// Of the chain of grants, the last included.
        bytes20 head;
        /// The verifier's own note on it.
        bytes25 record;
        /// Whose the devices of its statement are. A client that counts GPUs takes no binding's word for them over this one.
        Devices devices;
    }

    /// @notice One grant, as `Attested` and `SignerBound` tell it.
    struct Grant {
        bytes32 evidenceHash;
        /// NO_VERIFIER where nobody judged.
        uint8 verifierIndex;
        uint64 blockNumber;
    }

    /// @notice That there was a grant. Every version of the endpoint has a chain of its own, which begins at zero.
    struct GrantProof {
        /// In which it was given.
        uint32 endpointVersion;
        /// Head of the chain before it.
        bytes20 before;
        /// It, and those after it in their order, up to the latest or to one whose head was kept.
        Grant[] grants;
    }

    /// @notice `owner` lets this statement be attested.
    /// @param agentId ERC-8004 id
    /// @param bindingId digest of a statement
    /// @param owner who approved
    /// @param signer named in the statement
    event BindingApproved(
        uint256 indexed agentId, bytes32 indexed bindingId, address indexed owner, address signer
    );
    /// @notice No further attestation.
    /// @param agentId ERC-8004 id
    /// @param bindingId digest of a statement
    event BindingApprovalWithdrawn(uint256 indexed agentId, bytes32 indexed bindingId);
    /// @notice Granted or renewed by the judgement of a listed verifier.
    /// @param agentId ERC-8004 id
    /// @param bindingId digest of a statement
    /// @param tier that was shown
    /// @param tcbStatus in the verifier's code
    /// @param validUntil Unix seconds
    /// @param verifierIndex who judged
    /// @param evidenceHash keccak256(hash of the block ‖ evidence)
    /// @param blockNumber that the evidence names
    /// @param blockHash of that block
    event Attested(
        uint256 indexed agentId,
        bytes32 indexed bindingId,
        Tier tier,
        uint8 tcbStatus,
        uint64 validUntil,
        uint256 verifierIndex,
        bytes32 evidenceHash,
        uint64 blockNumber,
        bytes32 blockHash
    );
    /// @notice Granted or renewed without a judgement; evidence is fetched from the node under `evidenceHash`.
    /// @param agentId ERC-8004 id
    /// @param bindingId digest of a statement
    /// @param signer named in the statement
    /// @param validUntil Unix seconds
    /// @param evidenceHash sha256 of the evidence bundle
    /// @param blockNumber that the evidence names
    /// @param blockHash of that block
    event SignerBound(
        uint256 indexed agentId,
        bytes32 indexed bindingId,
        address signer,
        uint64 validUntil,
        bytes32 evidenceHash,
        uint64 blockNumber,
        bytes32 blockHash
    );
    /// @notice Final. `actor` is the provider, or ComputeStaking after evidence.
    /// @param agentId ERC-8004 id
    /// @param bindingId digest of a statement
    /// @param actor who did it
    event BindingRevoked(uint256 indexed agentId, bytes32 indexed bindingId, address indexed actor);

    /// @notice Grants up to this head of the binding's chain can be proven for ever.
    /// @param bindingId digest of a statement
    /// @param head of the chain
    event HeadKept(bytes32 indexed bindingId, bytes20 head);

    error BindingNotApproved(bytes32 bindingId);
    error BindingNotGranted(bytes32 bindingId);
    error BindingIsRevoked(bytes32 bindingId);
    error BindingTagTaken(bytes32 bindingId, bytes32 taker);
    error UnknownBinding(bytes32 bindingId);
    error ProviderIsBarred(uint256 agentId);
    error BlockOutOfWindow(uint64 blockNumber, uint256 current);
    error EvidenceHashZero();
    error EvidenceNotGranted(bytes32 bindingId, bytes32 evidenceHash);
    error UnknownHead(bytes32 bindingId, bytes20 head);
    error KeyIsSpent(address signer);
    error StatementMismatch(bytes32 expected, bytes32 actual);
    error NoTier(uint256 verifierIndex);
    error ValidityOutOfRange(uint64 validUntil, uint64 max);
    error SignatureExpired(uint256 deadline);
    error InvalidSignature(address expected);
    error StaleAttestation(uint64 latest, uint64 actual);
    error NotStaking(address expected, address actual);

    /// @notice The owner's consent to one set of keys, models and posture; without it nobody can attest for the agent. Caller: the
    /// recorded owner alone, whose bond answers for the key, and nobody whom ERC-721 lets act for the agent.
    /// @param statement of an agent that the caller registered; its operator must be the caller
    /// @return bindingId digest of the statement
    function approveBinding(NodeStatement calldata statement) external returns (bytes32 bindingId);

    /// @notice No further attestation or renewal; a binding that is in force stays so until it expires or is revoked.
    /// @param agentId of a registered provider of the caller
    /// @param bindingId that was approved
    function withdrawApproval(uint256 agentId, bytes32 bindingId) external;

    /// @notice Grants a binding whose evidence a listed verifier accepts in this call. Anyone may send it. Valid
    /// for `bindingValidity`, or as long as the evidence is. Renewals name a later block than the one before. Refused for a key
    /// of which ComputeStaking has evidence against the operator's bond.
    /// @param statement that the owner approved
    /// @param verifierIndex of a listed verifier
    /// @param evidence in that verifier's encoding
    /// @param blockNumber named by the evidence, within `freshnessWindow`
    /// @param deadline of the signature, Unix seconds
    /// @param signerSig EIP-712 `VerifiedAttestation(bytes32 bindingId,uint256 verifierIndex,bytes32 evidenceHash,uint64
    /// blockNumber,uint256 deadline)` by `statement.signer`, where evidenceHash = keccak256(hash of the block ‖ evidence)
    /// @return bindingId digest of the statement
    function attest(
        NodeStatement calldata statement,
        uint256 verifierIndex,
        bytes calldata evidence,
        uint64 blockNumber,
        uint256 deadline,
        bytes calldata signerSig
    ) external returns (bytes32 bindingId);

    /// @notice Grants again what `attest` granted under this version of the endpoint, on fresh evidence and in the judgement of
    /// the same verifier. Anyone may send it. The signer need not sign: it showed at the first grant that it has its key and
    /// whose judgement it is under, and only its software makes evidence that names the binding and a recent block.
    /// @param agentId of the binding
    /// @param bindingId that was granted under the endpoint of now
    /// @param blockNumber as in `attest`
    /// @param evidence as in `attest`
    function renew(uint256 agentId, bytes32 bindingId, uint64 blockNumber, bytes calldata evidence) external;

    /// @notice As `attest`, and again, without a judgement, so with Tier.NONE: for nodes whose evidence no listed verifier can judge. Their
    /// clients fetch and verify the evidence themselves.
    /// @param statement as in `attest`
    /// @param evidenceHash sha256 of the evidence bundle, under which the node hands it out
    /// @param blockNumber as in `attest`
    /// @param validUntil at most now + `bindingValidity`
    /// @param deadline of the signature, Unix seconds
    /// @param signerSig EIP-712 `Attestation(bytes32 bindingId,bytes32 evidenceHash,uint64 blockNumber,uint64 validUntil,uint256
    /// deadline)` by `statement.signer`
    /// @return bindingId digest of the statement
    function bindSigner(
        NodeStatement calldata statement,
        bytes32 evidenceHash,
        uint64 blockNumber,
        uint64 validUntil,
        uint256 deadline,
        bytes calldata signerSig
    ) external returns (bytes32 bindingId);

    /// @notice Final: this binding never becomes valid again. Receipts earned under it can still be settled.
    /// @param bindingId of an agent of the caller
    function revokeBinding(bytes32 bindingId) external;

    /// @notice ComputeStaking only, after evidence against the binding's key or its attestation. Does nothing where the
    /// binding is revoked already.
    /// @param bindingId that was granted once
    function revokeForEvidence(bytes32 bindingId) external;

    /// @notice Keeps a head of the binding's chain, so that grants up to it can be proven for ever. Anyone, at any time. Without
    /// grants, the latest: nobody who is to be proven something can make a proof stale by one more renewal. With grants, that
    /// before them, so that a chain of any length can be proven in steps (evidence E2, docs/protocol.md §9).
    /// @param bindingId that was granted in that version
    /// @param proof grants up to the latest head or one that was kept, or none
    function keepHead(bytes32 bindingId, GrantProof calldata proof) external;

    /// @notice Owner only, 1 hour to 7 days. Bindings granted before keep their end.
    /// @param seconds_ new `bindingValidity`
    function setBindingValidity(uint64 seconds_) external;

    /// @notice Owner only, 256 to 8191 blocks.
    /// @param blocks new `freshnessWindow`
    function setFreshnessWindow(uint64 blocks) external;

    /// @notice Record of which binding holds which GPU; created with this registry.
    /// @return the contract
    function gpuDevices() external view returns (IGpuDevices);

    /// @notice Longest life of a binding from one grant.
    /// @return seconds
    function bindingValidity() external view returns (uint64);

    /// @notice How far back evidence may name a block. The clock of a contract is the block number: choose it by the
    /// chain's block time. Beyond 256 blocks it needs the history contract of EIP-2935.
    /// @return blocks
    function freshnessWindow() external view returns (uint64);

    /// @notice EIP-712 digest of the statement in this contract's domain.
    /// @param statement any
    /// @return the bindingId
    function bindingIdOf(NodeStatement calldata statement) external view returns (bytes32);

    /// @notice Whether the owner's approval is in force.
    /// @dev Takes the agent too: anybody could approve a foreign bindingId for an agent of their own.
    /// @param agentId any
    /// @param bindingId any
    /// @return true while it can be attested
    function isBindingApproved(uint256 agentId, bytes32 bindingId) external view returns (bool);

    /// @notice The binding and whether it is good now: `statusOf` is ACTIVE.
    /// @param bindingId any
    /// @return valid whether it is good now
    /// @return binding all zero when it was never granted
    function bindingOf(bytes32 bindingId) external view returns (bool valid, Binding memory binding);

    /// @notice What the record says of another moment: granted, not expired, not revoked, endpoint and recorded owner the
    /// same. It knows nothing of the switches, bonds, transfers and collateral of that moment, nor of a device that moved on
    /// since: TDX_GPU and HELD stand for devices that it holds today and has held without a gap since `t` or before. What was
    /// once held is in the events of IGpuDevices.
    /// @param bindingId any
    /// @param t Unix seconds
    /// @return valid whether the record covers `t`
    /// @return binding as in `bindingOf`, but tier and devices of `t`; NOT_KEPT goes by today's list
    function bindingAt(bytes32 bindingId, uint64 t) external view returns (bool valid, Binding memory binding);

    /// @notice Judged anew, with the verifier's collateral and policy of this moment.
    /// @param bindingId any
    /// @return status ACTIVE, or the first reason against it
    /// @return tcbStatus today's, in the verifier's code; 0 with Tier.NONE, or where nobody was asked
    function statusOf(bytes32 bindingId) external view returns (Status status, uint8 tcbStatus);

    /// @notice Agent and signer once recorded for the binding, valid or not; reads no other contract, so that settlement
    /// of earned receipts depends on none.
    /// @param bindingId any
    /// @return agentId of the binding
    /// @return signer zero when it was never granted
    function signerOf(bytes32 bindingId) external view returns (uint256 agentId, address signer);

    /// @notice `signerOf`, and the operator whose bond answers for the key.
    /// @param bindingId any
    /// @return agentId of the binding
    /// @return operator named in the statement, recorded at the last grant
    /// @return signer zero when it was never granted
    function partiesOf(bytes32 bindingId)
        external
        view
        returns (uint256 agentId, address operator, address signer);

    /// @notice Whether what the binding was granted or renewed on can never have been genuine, in the word of the verifier that
    /// granted it, dropped since or not, or of a later entry of the list that was listed before the evidence's block and dropped,
    /// if at all, after it. Nobody else: an earlier verifier may not know what a later one allows. An owner who lists a verifier
    /// that refutes everything reaches nobody by it who sees it coming: it is known for VERIFIER_DELAY before it is listed, and
    /// judges nothing of before. And a drop, which ends bindings at once, lets nobody go who was granted one before.
    ///
    /// Every grant of a verifier stays judgeable for ever, whatever was granted after it. What `bindSigner` granted nobody judged.
    /// @param bindingId that was granted once
    /// @param statement that the bindingId is the digest of
    /// @param evidence hash of the block (32 bytes, as in `Attested`) ‖ evidence as it was given to `attest`, at any of its grants
    /// @param proof that there was this grant
    /// @return true: grounds for slashing the operator
    function refutesEvidence(
        bytes32 bindingId,
        NodeStatement calldata statement,
        bytes calldata evidence,
        GrantProof calldata proof
    ) external view returns (bool);

    /// @notice Latest head of a version's chain.
    /// @param bindingId any
    /// @param endpointVersion any
    /// @return zero where nothing was granted
    function grantHeadOf(bytes32 bindingId, uint32 endpointVersion) external view returns (bytes20);

    /// @notice EIP-712.
    /// @return of this contract on this chain
    function domainSeparator() external view returns (bytes32);
}
