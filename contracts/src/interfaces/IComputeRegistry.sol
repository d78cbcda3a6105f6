// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IAttestationVerifier} from "./IAttestationVerifier.sol";
import {IComputeStaking} from "./IComputeStaking.sol";
import {IIdentityRegistry} from "./IIdentityRegistry.sol";
import {NodeStatement} from "./NodeStatement.sol";

/// @title Providers of confidential inference: who they are, what they sell, whose keys answer
/// @notice For discovery and for settlement; holds no money. Keyed by ERC-8004 agents: an agent's owner, or whom the owner
/// approved in the ERC-721, acts for that agent and for no other. Agents and services count from 0, price versions
/// from 1. Times in Unix seconds.
///
/// A binding needs the owner's approval of exactly this statement, a signature of the statement's signer, and evidence. A
/// record here never replaces a client's own verification of a fresh quote (attack R17). EIP-712 domain {name: "Jeju
/// Compute Node", version: "1", chainId, verifyingContract} (docs/protocol.md §1).
///
/// The contract's owner moves bounded parameters, proposes verifiers with 48 hours' notice, pauses new registrations and
/// names a moderator and a remover, who can deny what is new. None of them can change what `signerOf` answers, a price
/// that was announced, or anything that a receipt rests on.
interface IComputeRegistry {
    /* PROVIDERS */

    struct Provider {
        /// `ownerOf(agentId)` at registration or `refreshOwner`; a live mismatch makes the provider inactive.
        address owner;
        uint64 registeredAt;
        /// The provider's own switch, not the whole of `isActive`.
        bool active;
        /// By the moderator: no new channels and no new bindings.
        bool barred;
        /// Counts changes of endpoint and owner; bindings and approvals of an older version have ended.
        uint32 endpointVersion;
        string endpoint;
    }

    /// @notice First registration of this agent.
    /// @param agentId ERC-8004 id
    /// @param owner of the agent
    /// @param endpoint where the node is found
    event ProviderRegistered(uint256 indexed agentId, address indexed owner, string endpoint);
    /// @notice After a transfer; all bindings and approvals have ended.
    /// @param agentId ERC-8004 id
    /// @param owner of the agent
    event OwnerRefreshed(uint256 indexed agentId, address indexed owner);
    /// @notice All bindings and approvals have ended.
    /// @param agentId ERC-8004 id
    /// @param endpointVersion from now on
    /// @param endpoint where the node is found
    event EndpointUpdated(uint256 indexed agentId, uint32 endpointVersion, string endpoint);
    /// @notice The provider's own switch.
    /// @param agentId ERC-8004 id
    /// @param active whether new channels may be opened
    event ProviderActiveSet(uint256 indexed agentId, bool active);
    /// @notice The moderator's switch; bindings and receipts of before stay what they are.
    /// @param agentId ERC-8004 id
    /// @param moderator who did it
    /// @param barred whether what is new is refused
    /// @param reason for the public, UTF-8
    event ProviderBarred(uint256 indexed agentId, address indexed moderator, bool barred, string reason);
    /// @notice Who may bar providers; zero for nobody.
    /// @param previous before
    /// @param current zero for nobody
    event ModeratorChanged(address indexed previous, address indexed current);

    error AgentIdTooLarge(uint256 agentId, uint256 max);
    error NotAgentOwner(uint256 agentId, address caller);
    error NotModerator(address moderator, address caller);
    error UnknownProvider(uint256 agentId);
    error AlreadyRegistered(uint256 agentId);
    error OwnerUnchanged(uint256 agentId);
    error InsufficientBond(uint256 required, uint256 actual);
    error NoAgentWallet(uint256 agentId);
    error EndpointLength(uint256 length, uint256 max);
    error ReasonLength(uint256 length, uint256 max);
    error OperatorMismatch(address expected, address actual);
    error ZeroAddress();

    /// @notice Registers the agent as provider. Caller: the agent's owner or approved operator. Needs the owner's provider
    /// bond in ComputeStaking and a non-zero ERC-8004 agent wallet. Refused while intake is paused.
    /// @param agentId ERC-8004 id, at most 48 bits
    /// @param endpoint where clients and gateways find the node: data for them, judged by their own rules
    function register(uint256 agentId, string calldata endpoint) external;

    /// @notice Records the new owner after a transfer of the agent; ends all bindings and approvals. Needs the new owner's
    /// bond and wallet. Until then nothing else can be changed and the provider is inactive.
    /// @param agentId of a registered provider
    function refreshOwner(uint256 agentId) external;

    /// @notice A new endpoint is a new machine: ends all bindings and approvals.
    /// @param agentId of a registered provider
    /// @param endpoint as in `register`
    function updateEndpoint(uint256 agentId, string calldata endpoint) external;

    /// @notice The provider's own switch. Open channels stay chargeable.
    /// @param agentId of a registered provider
    /// @param active whether new channels may be opened
    function setActive(uint256 agentId, bool active) external;

    /// @notice Moderator only: a power to deny what is new. Open channels stay chargeable, earned receipts payable, bonds
    /// free to leave, and `signerOf` answers as before.
    /// @param agentId of a registered provider
    /// @param barred whether new channels and new bindings are refused
    /// @param reason for the public, UTF-8
    function setBarred(uint256 agentId, bool barred, string calldata reason) external;

    /// @notice Owner only.
    /// @param moderator_ who may bar providers; zero for nobody
    function setModerator(address moderator_) external;

    /// @notice Who may bar providers.
    /// @return zero for nobody
    function moderator() external view returns (address);

    /// @notice The recorded provider.
    /// @param agentId any
    /// @return all zero for an agent that is not registered
    function providerOf(uint256 agentId) external view returns (Provider memory);

    /// @notice Registered, switched on, not barred, owner unchanged, bonded.
    /// @param agentId any
    /// @return whether new channels may be opened with it
    function isActive(uint256 agentId) external view returns (bool);

    /// @notice Pages through the agents in the order of registration.
    /// @param cursor where to start; 0 at first
    /// @param limit longest page
    /// @return agentIds of this page
    /// @return next cursor of the next page; 0 at the end
    function listProviders(uint256 cursor, uint256 limit)
        external
        view
        returns (uint256[] memory agentIds, uint256 next);

    /// @notice ERC-8004 registry whose agents register here.
    /// @return never changes
    function identityRegistry() external view returns (IIdentityRegistry);

    /// @notice The one bond contract that registration reads.
    /// @return never changes
    function computeStaking() external view returns (IComputeStaking);

    /* SERVICES AND PRICES */

    struct Service {
        /// sha256 of the JCS model descriptor in the node's catalogue: name, weights, engine, quantisation.
        bytes32 modelId;
        string modelName;
        uint32 latestPriceVersion;
        bool active;
    }

    /// @notice Immutable once written. Prices in wei per million tokens.
    struct Price {
        uint128 inPerMTok;
        uint128 outPerMTok;
        uint32 maxOutputTokens;
        /// From when on channels may be opened at this price.
        uint64 effectiveFrom;
    }

    /// @notice Followed by `PriceSet` for version 1.
    /// @param agentId ERC-8004 id
    /// @param serviceId from 0
    /// @param modelId digest of the model descriptor
    /// @param modelName as clients ask for it
    event ServiceAdded(
        uint256 indexed agentId, uint32 indexed serviceId, bytes32 indexed modelId, string modelName
    );
    /// @notice Whether new channels can be opened.
    /// @param agentId ERC-8004 id
    /// @param serviceId from 0
    /// @param active whether new channels may be opened
    event ServiceActiveSet(uint256 indexed agentId, uint32 indexed serviceId, bool active);
    /// @notice A row was appended.
    /// @param agentId ERC-8004 id
    /// @param serviceId from 0
    /// @param version from 1
    /// @param price the new row
    event PriceSet(uint256 indexed agentId, uint32 indexed serviceId, uint32 version, Price price);

    error ModelNameLength(uint256 length, uint256 max);
    error ModelIdZero();
    error UnknownService(uint256 agentId, uint32 serviceId);
    error UnknownPrice(uint256 agentId, uint32 serviceId, uint32 version);
    error PriceTooSoon(uint64 earliest, uint64 actual);
    error PriceTooLate(uint64 latest, uint64 actual);
    error PricePending(uint64 effectiveFrom);
    error MaxOutputTokensZero();

    /// @notice Offers a model. The first price takes effect at once (`price.effectiveFrom` is set to now).
    /// @param agentId of a registered provider
    /// @param modelId digest of the model descriptor
    /// @param modelName as clients ask for it, UTF-8
    /// @param price version 1
    /// @return serviceId of the new service
    function addService(uint256 agentId, bytes32 modelId, string calldata modelName, Price calldata price)
        external
        returns (uint32 serviceId);

    /// @notice Appends a price version, effective at `price.effectiveFrom` between now + `priceDelay` and now +
    /// MAX_PRICE_NOTICE; one may be pending. Open channels keep theirs.
    /// @param agentId of a registered provider
    /// @param serviceId of the service
    /// @param price next version
    /// @return version of the new row
    function setPrice(uint256 agentId, uint32 serviceId, Price calldata price)
        external
        returns (uint32 version);

    /// @notice An inactive service takes no new channels; open ones stay chargeable.
    /// @param agentId of a registered provider
    /// @param serviceId of the service
    /// @param active whether new channels may be opened
    function setServiceActive(uint256 agentId, uint32 serviceId, bool active) external;

    /// @notice Owner only, 1 hour to 7 days. Prices announced before keep their date.
    /// @param seconds_ new `priceDelay`
    function setPriceDelay(uint64 seconds_) external;

    /// @notice Shortest notice of a new price: caches of discovery live shorter than this.
    /// @return seconds
    function priceDelay() external view returns (uint64);

    /// @notice Reverts for an unknown service.
    /// @param agentId of a registered provider
    /// @param serviceId of the service
    /// @return the service
    function serviceOf(uint256 agentId, uint32 serviceId) external view returns (Service memory);

    /// @notice Service ids are 0 … count - 1.
    /// @param agentId any
    /// @return 0 for an unknown agent
    function serviceCount(uint256 agentId) external view returns (uint32);

    /// @notice Reverts for an unknown version.
    /// @param agentId of a registered provider
    /// @param serviceId of the service
    /// @param version from 1
    /// @return the row
    function priceOf(uint256 agentId, uint32 serviceId, uint32 version) external view returns (Price memory);

    /// @notice The one version at which channels can be opened now.
    /// @param agentId of a registered provider
    /// @param serviceId of the service
    /// @return version for `priceOf`
    function currentPriceVersion(uint256 agentId, uint32 serviceId) external view returns (uint32 version);

    /// @notice What opening a channel asks, in one call. Reverts for an unknown service of an active provider.
    /// @param agentId any
    /// @param serviceId of the service
    /// @return providerActive as `isActive`; if not, the rest is zero
    /// @return serviceActive as in `serviceOf`
    /// @return priceVersion as `currentPriceVersion`
    function offerOf(uint256 agentId, uint32 serviceId)
        external
        view
        returns (bool providerActive, bool serviceActive, uint32 priceVersion);

    /* VERIFIERS */

    enum VerifierState {
        NONE,
        PROPOSED,
        LISTED,
        DROPPED
    }

    struct Verifier {
        IAttestationVerifier verifier;
        VerifierState state;
        /// What the verifier said of itself when it was proposed or accepted; a tier of such a verifier is SIMULATED.
        bool simulated;
        /// When it may be accepted, Unix seconds.
        uint64 acceptableAt;
        /// Zero while it never was. Of what another verifier granted, it refutes only evidence that names a later block.
        uint64 listedInBlock;
        /// Zero while it was not. Of what another verifier granted, it refutes only evidence that names an earlier block.
        uint64 droppedInBlock;
    }

    /// @notice May be accepted from `acceptableAt`.
    /// @param index in the list
    /// @param verifier the entry
    /// @param simulated whether its root is another than the vendor's
    /// @param acceptableAt Unix seconds
    event VerifierProposed(
        uint256 indexed index, IAttestationVerifier indexed verifier, bool simulated, uint64 acceptableAt
    );
    /// @notice From now on evidence can be judged by it.
    /// @param index in the list
    /// @param verifier the entry
    /// @param simulated whether its root is another than the vendor's
    event VerifierListed(uint256 indexed index, IAttestationVerifier indexed verifier, bool simulated);
    /// @notice For good, at this index.
    /// @param index in the list
    /// @param actor who did it
    event VerifierDropped(uint256 indexed index, address indexed actor);
    /// @notice Who may drop verifiers beside the owner; zero for nobody.
    /// @param previous before
    /// @param current zero for nobody
    event RemoverChanged(address indexed previous, address indexed current);

    error VerifierWithoutCode(address verifier);
    error SimulatedVerifier(address verifier, uint256 chainId);
    error TooManyVerifiers(uint256 max);
    error UnknownVerifier(uint256 index);
    error WrongVerifierState(uint256 index, VerifierState expected, VerifierState actual);
    error TooEarly(uint64 earliest, uint256 nowAt);
    error NotRemover(address caller);

    /// @notice Owner only. A simulated root is refused on Base.
    /// @param verifier a contract whose judgement shall be taken
    /// @return index of the new entry
    function proposeVerifier(IAttestationVerifier verifier) external returns (uint256 index);

    /// @notice Anyone, 48 hours after the proposal.
    /// @param index of a proposed entry
    function acceptVerifier(uint256 index) external;

    /// @notice Owner or remover, at once: bindings that rest on it are out of policy, proposals are withdrawn. Earned
    /// receipts stay payable and the nodes may be attested by another verifier; what it granted can still be refuted.
    /// @param index of a proposed or listed entry
    function dropVerifier(uint256 index) external;

    /// @notice Owner only.
    /// @param remover_ who may drop verifiers beside the owner; zero for nobody
    function setRemover(address remover_) external;

    /// @notice Who may drop verifiers beside the owner.
    /// @return zero for nobody
    function remover() external view returns (address);

    /// @notice Reverts for an unknown index.
    /// @param index from 0
    /// @return the entry
    function verifierAt(uint256 index) external view returns (Verifier memory);

    /// @notice Entries, dropped ones included.
    /// @return indices are 0 … count - 1
    function verifierCount() external view returns (uint256);

    /* BINDINGS */

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
        /// By the provider or by evidence, or its key was proven at fault in another binding.
        REVOKED,
        /// Collateral has run out; becomes good again when anybody refreshes it.
        STALE,
        /// The verifier was dropped, or its policy no longer allows this.
        OUT_OF_POLICY
    }

    struct Binding {
        uint256 agentId;
        /// Named in the statement: who bonded when this was attested.
        address operator;
        address signer;
        Tier tier;
        /// At the last grant, in the verifier's code; 0 with Tier.NONE. `statusOf` tells today's.
        uint8 tcbStatus;
        /// Since when it has been valid at this tier without a gap.
        uint64 validFrom;
        /// Cut to the second before its revocation.
        uint64 validUntil;
        bool revoked;
        uint32 endpointVersion;
        /// Block that the evidence of the last grant names; only grows.
        uint64 blockNumber;
        /// NO_VERIFIER with Tier.NONE.
        uint16 verifierIndex;
        /// First 24 bytes of the evidence hash of the last grant.
        bytes24 evidence;
        /// The verifier's own note on it.
        bytes32 record;
    }

    /// @notice `owner` lets this statement be attested.
    /// @param agentId ERC-8004 id
    /// @param bindingId digest of a statement
    /// @param owner who approved
    event BindingApproved(uint256 indexed agentId, bytes32 indexed bindingId, address indexed owner);
    /// @notice No further attestation.
    /// @param agentId ERC-8004 id
    /// @param bindingId digest of a statement
    event BindingApprovalWithdrawn(uint256 indexed agentId, bytes32 indexed bindingId);
    /// @notice Granted or renewed by the judgement of a listed verifier.
    /// @param agentId ERC-8004 id
    /// @param bindingId digest of a statement
    /// @param signer named in the statement
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
        address signer,
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

    error BindingNotApproved(bytes32 bindingId);
    error BindingOfOtherAgent(bytes32 bindingId, uint256 agentId);
    error BindingIsRevoked(bytes32 bindingId);
    error UnknownBinding(bytes32 bindingId);
    error ProviderIsBarred(uint256 agentId);
    error BlockOutOfWindow(uint64 blockNumber, uint256 current);
    error EvidenceHashZero();
    error EvidenceNotGranted(bytes32 bindingId, bytes32 evidenceHash);
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
    /// @param agentId of a registered provider of the caller
    /// @param bindingId digest of the statement
    function approveBinding(uint256 agentId, bytes32 bindingId) external;

    /// @notice No further attestation or renewal; a binding that is in force stays so until it expires or is revoked.
    /// @param agentId of a registered provider of the caller
    /// @param bindingId that was approved
    function withdrawApproval(uint256 agentId, bytes32 bindingId) external;

    /// @notice Grants or renews a binding whose evidence a listed verifier accepts in this call. Anyone may send it. Valid
    /// for `bindingValidity`, or as long as the evidence is. Renewals name a later block than the one before. Refused for a key
    /// of which ComputeStaking has evidence against the operator's bond.
    /// @param statement recomputed to the bindingId; its operator must be the recorded owner
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

    /// @notice The same without a judgement, so with Tier.NONE: for nodes whose evidence no listed verifier can judge. Their
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

    /// @notice Owner only, 1 hour to 7 days. Bindings granted before keep their end.
    /// @param seconds_ new `bindingValidity`
    function setBindingValidity(uint64 seconds_) external;

    /// @notice Owner only, 256 to 8191 blocks.
    /// @param blocks new `freshnessWindow`
    function setFreshnessWindow(uint64 blocks) external;

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
    /// same. It knows nothing of the switches, bonds, transfers and collateral of that moment.
    /// @param bindingId any
    /// @param t Unix seconds
    /// @return valid whether the record covers `t`
    /// @return binding as in `bindingOf`
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
    /// @return true: grounds for slashing the operator
    function refutesEvidence(bytes32 bindingId, NodeStatement calldata statement, bytes calldata evidence)
        external
        view
        returns (bool);

    /// @notice The grant that a verifier gave on this evidence; an earlier one is kept beside every later one.
    /// @param bindingId any
    /// @param evidenceHash keccak256(hash of the block ‖ evidence), as in `Attested`
    /// @return granted whether there was one
    /// @return verifierIndex who judged
    /// @return blockNumber that the evidence names
    function judgementOf(bytes32 bindingId, bytes32 evidenceHash)
        external
        view
        returns (bool granted, uint16 verifierIndex, uint64 blockNumber);

    /// @notice EIP-712.
    /// @return of this contract on this chain
    function domainSeparator() external view returns (bytes32);
}
