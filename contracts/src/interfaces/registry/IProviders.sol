// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IComputeStaking} from "../IComputeStaking.sol";
import {IIdentityRegistry} from "../IIdentityRegistry.sol";

/// @title Who is registered
/// @notice An agent's owner registers it once, with a bond and a wallet; a moderator can bar it from what is new.
interface IProviders {
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
}
