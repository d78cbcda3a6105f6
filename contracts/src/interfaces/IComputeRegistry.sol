// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {NodeStatement} from "./NodeStatement.sol";

/// @title Providers of confidential inference, keyed by their ERC-8004 agent
/// @notice For discovery and for settlement. A record here never replaces a client's own verification of a fresh
/// quote: a tier is what this contract could check, and at present it checks none (`Tier.UNVERIFIED`).
interface IComputeRegistry {
    /// @notice What this contract itself has verified. No role and no caller can write a tier.
    enum Tier {
        NONE,
        UNVERIFIED,
        SIMULATED,
        TDX,
        TDX_GPU
    }

    struct Provider {
        /// `ownerOf(agentId)` at registration; a live mismatch makes the provider inactive.
        address owner;
        uint64 registeredAt;
        /// The provider's own switch, not the whole of `isActive`.
        bool active;
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
        /// Unix seconds from which channels may be opened at this price.
        uint64 effectiveFrom;
    }

    struct Binding {
        uint256 agentId;
        address signer;
        Tier tier;
        uint64 validFrom;
        uint64 validUntil;
        /// Zero unless revoked.
        uint64 revokedAt;
        uint32 endpointVersion;
        /// sha256 of the evidence bundle the binding was last granted on.
        bytes32 evidenceHash;
    }

    event ProviderRegistered(uint256 indexed agentId, address indexed owner, string endpoint);
    event OwnerRefreshed(uint256 indexed agentId, address indexed owner);
    event EndpointUpdated(uint256 indexed agentId, uint32 endpointVersion, string endpoint);
    event ProviderActiveSet(uint256 indexed agentId, bool active);
    event ServiceAdded(uint256 indexed agentId, uint32 indexed serviceId, bytes32 indexed modelId, string modelName);
    event ServiceActiveSet(uint256 indexed agentId, uint32 indexed serviceId, bool active);
    event PriceSet(uint256 indexed agentId, uint32 indexed serviceId, uint32 version, Price price);
    event BindingApproved(uint256 indexed agentId, bytes32 indexed bindingId, address indexed owner);
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
    event BindingRevoked(uint256 indexed agentId, bytes32 indexed bindingId);

    error NotAgentOwner(uint256 agentId, address caller);
    error UnknownProvider(uint256 agentId);
    error AlreadyRegistered(uint256 agentId);
    error InsufficientBond(uint256 required, uint256 actual);
    error NoAgentWallet(uint256 agentId);
    error EndpointLength(uint256 length, uint256 max);
    error UnknownService(uint256 agentId, uint32 serviceId);
    error UnknownPrice(uint256 agentId, uint32 serviceId, uint32 version);
    error PriceTooSoon(uint64 earliest, uint64 actual);
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

    /// @notice Registers the agent as provider. Caller: the agent's owner or approved operator.
    /// Needs the owner's provider bond in ComputeStaking and a non-zero ERC-8004 agent wallet.
    function register(uint256 agentId, string calldata endpoint) external;

    /// @notice Records the new owner after a transfer of the agent; ends all bindings. Needs the new owner's bond.
    function refreshOwner(uint256 agentId) external;

    /// @notice A new endpoint is a new machine: ends all bindings.
    function updateEndpoint(uint256 agentId, string calldata endpoint) external;

    function setActive(uint256 agentId, bool active) external;

    /// @notice The first price takes effect at once (`price.effectiveFrom` is set to now).
    function addService(uint256 agentId, bytes32 modelId, string calldata modelName, Price calldata price) external returns (uint32 serviceId);

    /// @notice Appends a price version, effective at `price.effectiveFrom` ≥ now + PRICE_DELAY. Open channels keep theirs.
    function setPrice(uint256 agentId, uint32 serviceId, Price calldata price) external returns (uint32 version);

    function setServiceActive(uint256 agentId, uint32 serviceId, bool active) external;

    /// @notice The owner's consent to one set of keys, models and posture; without it nobody can attest for the agent.
    function approveBinding(uint256 agentId, bytes32 bindingId) external;

    /// @notice Records (or renews) a binding. Anyone may send it.
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

    function revokeBinding(bytes32 bindingId) external;

    function bindingIdOf(NodeStatement calldata statement) external view returns (bytes32);
    function isBindingApproved(bytes32 bindingId) external view returns (bool);

    /// @notice The binding and whether it is valid now: attested, not expired, not revoked, endpoint and owner
    /// unchanged, provider active.
    function bindingOf(bytes32 bindingId) external view returns (bool valid, Binding memory);

    function providerOf(uint256 agentId) external view returns (Provider memory);
    function serviceOf(uint256 agentId, uint32 serviceId) external view returns (Service memory);
    function serviceCount(uint256 agentId) external view returns (uint32);
    function priceOf(uint256 agentId, uint32 serviceId, uint32 version) external view returns (Price memory);

    /// @notice registered && active && owner unchanged && bond ≥ minimum.
    function isActive(uint256 agentId) external view returns (bool);

    /// @notice Agent ids in registration order, from `cursor`, at most `limit`; `next` is 0 at the end.
    function listProviders(uint256 cursor, uint256 limit) external view returns (uint256[] memory agentIds, uint256 next);

    function domainSeparator() external view returns (bytes32);
}
