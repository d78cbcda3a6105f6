// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IComputeStaking} from "./IComputeStaking.sol";
import {IIdentityRegistry} from "./IIdentityRegistry.sol";
import {NodeStatement} from "./NodeStatement.sol";

/// @title Providers of confidential inference, keyed by their ERC-8004 agent
/// @notice For discovery and for settlement. A record here never replaces a client's own verification of a fresh
/// quote: a tier is what this contract could check, and at present it checks none (`Tier.NONE`).
/// No owner, no pause, no setter: an agent's owner, or whom the owner approved in the ERC-721, acts for that agent
/// and for no other. EIP-712 domain {name: "Jeju Compute Node", version: "1", chainId, verifyingContract}
/// (docs/protocol.md §1). Agents and services count from 0, price versions from 1. Times in Unix seconds.
interface IComputeRegistry {
    /// @notice What this contract itself has verified. No role and no caller can write a tier.
    enum Tier {
        NONE,
        SIMULATED,
        TDX,
        TDX_GPU
    }

    struct Provider {
        /// `ownerOf(agentId)` at registration or `refreshOwner`; a live mismatch makes the provider inactive.
        address owner;
        uint64 registeredAt;
        /// The provider's own switch, not the whole of `isActive`.
        bool active;
        /// Counts changes of endpoint and owner; bindings and approvals of an older version have ended.
        uint32 endpointVersion;
        string endpoint;
    }

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

    // Four slots already: the rule counts an enum as a whole slot.
    // solhint-disable-next-line gas-struct-packing
    struct Binding {
        uint256 agentId;
        address signer;
        Tier tier;
        /// When it was last granted.
        uint64 validFrom;
        uint64 validUntil;
        /// Zero unless revoked.
        uint64 revokedAt;
        uint32 endpointVersion;
        /// The block that the evidence's registration freshness names; only grows.
        uint64 blockNumber;
        /// sha256 of the evidence bundle the binding was last granted on.
        bytes32 evidenceHash;
    }

    /// @notice First registration of this agent.
    event ProviderRegistered(uint256 indexed agentId, address indexed owner, string endpoint);
    /// @notice After a transfer; all bindings and approvals have ended.
    event OwnerRefreshed(uint256 indexed agentId, address indexed owner);
    /// @notice All bindings and approvals have ended.
    event EndpointUpdated(uint256 indexed agentId, uint32 endpointVersion, string endpoint);
    /// @notice The provider's own switch.
    event ProviderActiveSet(uint256 indexed agentId, bool active);
    /// @notice Followed by `PriceSet` for version 1.
    event ServiceAdded(
        uint256 indexed agentId, uint32 indexed serviceId, bytes32 indexed modelId, string modelName
    );
    /// @notice Whether new channels can be opened.
    event ServiceActiveSet(uint256 indexed agentId, uint32 indexed serviceId, bool active);
    /// @notice A row was appended.
    event PriceSet(uint256 indexed agentId, uint32 indexed serviceId, uint32 version, Price price);
    /// @notice `owner` lets this statement be attested.
    event BindingApproved(uint256 indexed agentId, bytes32 indexed bindingId, address indexed owner);
    /// @notice No further attestation.
    event BindingApprovalWithdrawn(uint256 indexed agentId, bytes32 indexed bindingId);
    /// @notice Granted or renewed; evidence is fetched under `evidenceHash` and was bound to `blockHash`.
    event Attested(
        uint256 indexed agentId,
        bytes32 indexed bindingId,
        address signer,
        Tier tier,
        uint64 validUntil,
        bytes32 evidenceHash,
        uint64 blockNumber,
        bytes32 blockHash
    );
    /// @notice Final.
    event BindingRevoked(uint256 indexed agentId, bytes32 indexed bindingId);

    error NotAgentOwner(uint256 agentId, address caller);
    error UnknownProvider(uint256 agentId);
    error AlreadyRegistered(uint256 agentId);
    error OwnerUnchanged(uint256 agentId);
    error InsufficientBond(uint256 required, uint256 actual);
    error NoAgentWallet(uint256 agentId);
    error EndpointLength(uint256 length, uint256 max);
    error ModelNameLength(uint256 length, uint256 max);
    error ModelIdZero();
    error UnknownService(uint256 agentId, uint32 serviceId);
    error UnknownPrice(uint256 agentId, uint32 serviceId, uint32 version);
    error PriceTooSoon(uint64 earliest, uint64 actual);
    error PriceTooLate(uint64 latest, uint64 actual);
    error PricePending(uint64 effectiveFrom);
    error MaxOutputTokensZero();
    error OperatorMismatch(address expected, address actual);
    error BindingNotApproved(bytes32 bindingId);
    error BindingOfOtherAgent(bytes32 bindingId, uint256 agentId);
    error BindingIsRevoked(bytes32 bindingId);
    error UnknownBinding(bytes32 bindingId);
    error BlockOutOfWindow(uint64 blockNumber, uint256 current);
    error EvidenceHashZero();
    error ValidityOutOfRange(uint64 validUntil, uint64 max);
    error SignatureExpired(uint256 deadline);
    error InvalidSignature(address expected);
    error StaleAttestation(uint64 latest, uint64 actual);
    error ZeroAddress();

    /// @notice Registers the agent as provider. Caller: the agent's owner or approved operator.
    /// Needs the owner's provider bond in ComputeStaking and a non-zero ERC-8004 agent wallet.
    function register(uint256 agentId, string calldata endpoint) external;

    /// @notice Records the new owner after a transfer of the agent; ends all bindings and approvals. Needs the new owner's
    /// bond and wallet. Until then nothing else can be changed and the provider is inactive.
    function refreshOwner(uint256 agentId) external;

    /// @notice A new endpoint is a new machine: ends all bindings and approvals.
    function updateEndpoint(uint256 agentId, string calldata endpoint) external;

    /// @notice The provider's own switch. Open channels stay chargeable.
    function setActive(uint256 agentId, bool active) external;

    /// @notice The first price takes effect at once (`price.effectiveFrom` is set to now).
    function addService(uint256 agentId, bytes32 modelId, string calldata modelName, Price calldata price)
        external
        returns (uint32 serviceId);

    /// @notice Appends a price version, effective at `price.effectiveFrom` between now + PRICE_DELAY and now +
    /// MAX_PRICE_NOTICE; one may be pending. Open channels keep theirs.
    function setPrice(uint256 agentId, uint32 serviceId, Price calldata price)
        external
        returns (uint32 version);

    /// @notice An inactive service takes no new channels; open ones stay chargeable.
    function setServiceActive(uint256 agentId, uint32 serviceId, bool active) external;

    /// @notice The owner's consent to one set of keys, models and posture; without it nobody can attest for the agent.
    function approveBinding(uint256 agentId, bytes32 bindingId) external;

    /// @notice No further attestation or renewal; a binding that is in force stays so until it expires or is revoked.
    function withdrawApproval(uint256 agentId, bytes32 bindingId) external;

    /// @notice Records (or renews) a binding. Anyone may send it. Renewals name a later block than the one before, so that
    /// an older attestation never replaces a newer one.
    /// @param statement recomputed to the bindingId; its operator must be the recorded owner
    /// @param evidenceHash sha256 of the evidence bundle, fetched from the node under that hash
    /// @param blockNumber the block named by the quote's registration freshness, one of the last 256
    /// @param validUntil at most now + MAX_BINDING_VALIDITY
    /// @param signerSig EIP-712 `Attestation(bytes32 bindingId,bytes32 evidenceHash,uint64 blockNumber,uint64 validUntil,uint256 deadline)`
    /// by `statement.signer` in this contract's domain: possession of the key
    function attest(
        NodeStatement calldata statement,
        bytes32 evidenceHash,
        uint64 blockNumber,
        uint64 validUntil,
        uint256 deadline,
        bytes calldata signerSig
    ) external returns (bytes32 bindingId);

    /// @notice Final: this binding never becomes valid again. Receipts earned under it can still be settled.
    function revokeBinding(bytes32 bindingId) external;

    /// @notice EIP-712 digest of the statement in this contract's domain.
    function bindingIdOf(NodeStatement calldata statement) external view returns (bytes32);

    /// @notice Whether the owner's approval is in force.
    /// @dev Takes the agent too: anybody could approve a foreign bindingId for an agent of their own.
    function isBindingApproved(uint256 agentId, bytes32 bindingId) external view returns (bool);

    /// @notice The binding and whether it is valid now: attested, not expired, not revoked, endpoint and owner
    /// unchanged, provider active.
    function bindingOf(bytes32 bindingId) external view returns (bool valid, Binding memory);

    /// @notice Agent and signer once recorded for the binding, valid or not; reads no other contract, so that settlement
    /// of earned receipts depends on none. Zero signer: never attested.
    function signerOf(bytes32 bindingId) external view returns (uint256 agentId, address signer);

    /// @notice All zero for an agent that is not registered.
    function providerOf(uint256 agentId) external view returns (Provider memory);
    /// @notice Reverts for an unknown service.
    function serviceOf(uint256 agentId, uint32 serviceId) external view returns (Service memory);
    /// @notice Service ids are 0 … count - 1.
    function serviceCount(uint256 agentId) external view returns (uint32);
    /// @notice Reverts for an unknown version.
    function priceOf(uint256 agentId, uint32 serviceId, uint32 version) external view returns (Price memory);

    /// @notice The one version at which channels can be opened now.
    function currentPriceVersion(uint256 agentId, uint32 serviceId) external view returns (uint32 version);

    /// @notice registered && active && owner unchanged && bond ≥ minimum.
    function isActive(uint256 agentId) external view returns (bool);

    /// @notice Agent ids in registration order, from `cursor`, at most `limit`; `next` is 0 at the end.
    function listProviders(uint256 cursor, uint256 limit)
        external
        view
        returns (uint256[] memory agentIds, uint256 next);

    /// @notice EIP-712.
    function domainSeparator() external view returns (bytes32);
    /// @notice ERC-8004 registry whose agents register here.
    function identityRegistry() external view returns (IIdentityRegistry);
    /// @notice The one bond contract that registration reads.
    function computeStaking() external view returns (IComputeStaking);
}
