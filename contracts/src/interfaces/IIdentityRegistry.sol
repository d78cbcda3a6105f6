// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";

/// @title ERC-8004 identity registry, the part this system uses
/// @notice A contract of others (canonical addresses: script/Erc8004.sol), upgradeable by them. What it answers decides
/// who is active and where new channels pay; it is never asked in settlement or on any way out.
interface IIdentityRegistry is IERC721 {
    struct MetadataEntry {
        string metadataKey;
        bytes metadataValue;
    }

    /// @notice A new agent.
    /// @param agentId ERC-8004 id
    /// @param agentURI where its registration file is
    /// @param owner of the agent
    event Registered(uint256 indexed agentId, string agentURI, address indexed owner);
    /// @notice The agent wallet is the key `agentWallet`; empty when cleared.
    /// @param agentId ERC-8004 id
    /// @param indexedMetadataKey the same, to be searched for
    /// @param metadataKey name of the entry
    /// @param metadataValue as it was set
    event MetadataSet(
        uint256 indexed agentId, string indexed indexedMetadataKey, string metadataKey, bytes metadataValue
    );
    /// @notice The registration file changed.
    /// @param agentId ERC-8004 id
    /// @param newURI where its registration file is
    /// @param updatedBy who did it
    event URIUpdated(uint256 indexed agentId, string newURI, address indexed updatedBy);

    /// @notice Mints the next agent to the caller, whose address becomes the agent wallet. Ids count from 0.
    /// @return agentId of the new agent
    function register() external returns (uint256 agentId);

    /// @notice The same with a registration file.
    /// @param agentURI where the file is, or the file itself as a data URI
    /// @return agentId of the new agent
    function register(string calldata agentURI) external returns (uint256 agentId);

    /// @notice The same with metadata; the key `agentWallet` is reserved.
    /// @param agentURI where the file is, or the file itself as a data URI
    /// @param metadata keys and values
    /// @return agentId of the new agent
    function register(string calldata agentURI, MetadataEntry[] calldata metadata)
        external
        returns (uint256 agentId);

    /// @notice Owner, approved or operator.
    /// @param agentId of the agent
    /// @param newURI of the registration file
    function setAgentURI(uint256 agentId, string calldata newURI) external;

    /// @notice Empty for an unknown key or agent.
    /// @param agentId any
    /// @param metadataKey any
    /// @return what was set
    function getMetadata(uint256 agentId, string calldata metadataKey) external view returns (bytes memory);

    /// @notice Owner, approved or operator; the key `agentWallet` is reserved.
    /// @param agentId of the agent
    /// @param metadataKey any other
    /// @param metadataValue any
    function setMetadata(uint256 agentId, string calldata metadataKey, bytes calldata metadataValue) external;

    /// @notice Where the agent is paid.
    /// @param agentId any
    /// @return zero after a transfer until it is set again, and for an unknown agent
    function getAgentWallet(uint256 agentId) external view returns (address);

    /// @notice Owner, approved or operator, with the consent of the new wallet.
    /// @param agentId of the agent
    /// @param newWallet who consents
    /// @param deadline of the consent, at most 5 minutes ahead
    /// @param signature EIP-712 `AgentWalletSet` of `newWallet` (its key, else ERC-1271)
    function setAgentWallet(uint256 agentId, address newWallet, uint256 deadline, bytes calldata signature)
        external;

    /// @notice Owner, approved or operator.
    /// @param agentId of the agent
    function unsetAgentWallet(uint256 agentId) external;

    /// @notice The registration file.
    /// @param agentId of an agent; reverts for an unknown one
    /// @return where the file is, or the file itself as a data URI
    function tokenURI(uint256 agentId) external view returns (string memory);

    /// @notice Version of the contract.
    /// @return "2.0.0"
    function getVersion() external pure returns (string memory);
}
