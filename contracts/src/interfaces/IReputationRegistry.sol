// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title ERC-8004 reputation registry, the part this system uses
/// @notice A contract of others (canonical addresses in the deploy script). Nothing that moves money depends on it.
interface IReputationRegistry {
    /// @notice `feedbackIndex` counts from 1 for each agent and client.
    event NewFeedback(
        uint256 indexed agentId,
        address indexed clientAddress,
        uint64 feedbackIndex,
        int128 value,
        uint8 valueDecimals,
        string indexed indexedTag1,
        string tag1,
        string tag2,
        string endpoint,
        string feedbackURI,
        bytes32 feedbackHash
    );
    /// @notice By its client.
    event FeedbackRevoked(
        uint256 indexed agentId, address indexed clientAddress, uint64 indexed feedbackIndex
    );

    /// @notice Anyone but the agent's owner, approved address and operators. At most 18 decimals, |value| ≤ 1e38.
    function giveFeedback(
        uint256 agentId,
        int128 value,
        uint8 valueDecimals,
        string calldata tag1,
        string calldata tag2,
        string calldata endpoint,
        string calldata feedbackURI,
        bytes32 feedbackHash
    ) external;
    /// @notice By the client who gave it.
    function revokeFeedback(uint256 agentId, uint64 feedbackIndex) external;
    /// @notice Indices count from 1 for each agent and client.
    function readFeedback(uint256 agentId, address clientAddress, uint64 feedbackIndex)
        external
        view
        returns (int128 value, uint8 valueDecimals, string memory tag1, string memory tag2, bool isRevoked);
    /// @notice Mean over the feedback of these clients that is not revoked and carries the tags (empty: any), in the most
    /// frequent decimals. Loops over all of it: never call it on chain.
    function getSummary(
        uint256 agentId,
        address[] calldata clientAddresses,
        string calldata tag1,
        string calldata tag2
    ) external view returns (uint64 count, int128 summaryValue, uint8 summaryValueDecimals);
    /// @notice Everyone who ever gave feedback.
    function getClients(uint256 agentId) external view returns (address[] memory);
    /// @notice Zero when the client never gave feedback.
    function getLastIndex(uint256 agentId, address clientAddress) external view returns (uint64);
    /// @notice The identity registry it belongs to.
    function getIdentityRegistry() external view returns (address);
}
