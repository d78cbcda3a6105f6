// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";

/// @title ERC-8004 identity registry, the part this system uses
/// @notice A contract of others (canonical addresses in the deploy script), upgradeable by them. What it answers decides
/// who is active and where new channels pay; it is never asked in settlement or on any way out.
interface IIdentityRegistry is IERC721 {
    struct MetadataEntry {
        string metadataKey;
        bytes metadataValue;
    }

    /// @notice A new agent.
    event Registered(uint256 indexed agentId, string agentURI, address indexed owner);
    /// @notice The agent wallet is the key `agentWallet`; empty when cleared.
    event MetadataSet(
        uint256 indexed agentId, string indexed indexedMetadataKey, string metadataKey, bytes metadataValue
    );
    /// @notice The registration file changed.
    event URIUpdated(uint256 indexed agentId, string newURI, address indexed updatedBy);

    /// @notice Mints the next agent to the caller, whose address becomes the agent wallet. Ids count from 0.
    function register() external returns (uint256 agentId);
    /// @notice The same with a registration file.
    function register(string calldata agentURI) external returns (uint256 agentId);
    /// @notice The same with metadata; the key `agentWallet` is reserved.
    function register(string calldata agentURI, MetadataEntry[] calldata metadata)
        external
        returns (uint256 agentId);
    /// @notice Owner, approved or operator.
    function setAgentURI(uint256 agentId, string calldata newURI) external;
    /// @notice Empty for an unknown key.
    function getMetadata(uint256 agentId, string calldata metadataKey) external view returns (bytes memory);
    /// @notice Owner, approved or operator; the key `agentWallet` is reserved.
    function setMetadata(uint256 agentId, string calldata metadataKey, bytes calldata metadataValue) external;
    /// @notice Where the agent is paid; zero after a transfer until it is set again.
    function getAgentWallet(uint256 agentId) external view returns (address);
    /// @notice EIP-712 consent of `newWallet` (its key, else ERC-1271), at most 5 minutes ahead.
    function setAgentWallet(uint256 agentId, address newWallet, uint256 deadline, bytes calldata signature)
        external;
    /// @notice Owner, approved or operator.
    function unsetAgentWallet(uint256 agentId) external;
    /// @notice The registration file.
    function tokenURI(uint256 agentId) external view returns (string memory);
    /// @notice "2.0.0".
    function getVersion() external pure returns (string memory);
}
