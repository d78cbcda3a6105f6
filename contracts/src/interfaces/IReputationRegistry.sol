// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title ERC-8004 reputation registry, the part this system uses
/// @notice A contract of others (canonical addresses: script/Erc8004.sol). Nothing that moves money depends on it.
interface IReputationRegistry {
    /// @notice `feedbackIndex` counts from 1 for each agent and client.
    /// @param agentId ERC-8004 id
    /// @param clientAddress who gave it
    /// @param feedbackIndex from 1, of this client
    /// @param value of the feedback
    /// @param valueDecimals 0 … 18
    /// @param indexedTag1 the same as tag1, to be searched for
    /// @param tag1 of the client
    /// @param tag2 of the client
    /// @param endpoint of the agent
    /// @param feedbackURI where more of it is
    /// @param feedbackHash of what is there
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
    /// @param agentId ERC-8004 id
    /// @param clientAddress who gave it
    /// @param feedbackIndex from 1, of this client
    event FeedbackRevoked(
        uint256 indexed agentId, address indexed clientAddress, uint64 indexed feedbackIndex
    );
    /// @notice By anyone.
    /// @param agentId ERC-8004 id
    /// @param clientAddress who gave it
    /// @param feedbackIndex from 1, of this client
    /// @param responder who responded
    /// @param responseURI where the response is
    /// @param responseHash of the response
    event ResponseAppended(
        uint256 indexed agentId,
        address indexed clientAddress,
        uint64 feedbackIndex,
        address indexed responder,
        string responseURI,
        bytes32 responseHash
    );

    /// @notice Anyone but the agent's owner, approved address and operators.
    /// @param agentId of an existing agent
    /// @param value at most 1e38, either sign
    /// @param valueDecimals of `value`, at most 18
    /// @param tag1 what is judged
    /// @param tag2 more of it
    /// @param endpoint that was used
    /// @param feedbackURI more, off chain
    /// @param feedbackHash keccak256 of what stands there
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

    /// @notice By the client who gave it, once.
    /// @param agentId it was about
    /// @param feedbackIndex from 1
    function revokeFeedback(uint256 agentId, uint64 feedbackIndex) external;

    /// @notice Anyone.
    /// @param agentId the feedback was about
    /// @param clientAddress who gave it
    /// @param feedbackIndex from 1
    /// @param responseURI not empty
    /// @param responseHash keccak256 of what stands there
    function appendResponse(
        uint256 agentId,
        address clientAddress,
        uint64 feedbackIndex,
        string calldata responseURI,
        bytes32 responseHash
    ) external;

    /// @notice One entry; reverts for an unknown one.
    /// @param agentId it was about
    /// @param clientAddress who gave it
    /// @param feedbackIndex from 1
    /// @return value as given
    /// @return valueDecimals as given
    /// @return tag1 as given
    /// @return tag2 as given
    /// @return isRevoked by its client
    function readFeedback(uint256 agentId, address clientAddress, uint64 feedbackIndex)
        external
        view
        returns (int128 value, uint8 valueDecimals, string memory tag1, string memory tag2, bool isRevoked);

    /// @notice Mean over the feedback of these clients that is not revoked and carries the tags, in the most frequent
    /// decimals, the fewest on a tie. Loops over all of it: never call it on chain.
    /// @param agentId any
    /// @param clientAddresses at least one
    /// @param tag1 empty for any
    /// @param tag2 empty for any
    /// @return count of entries
    /// @return summaryValue mean
    /// @return summaryValueDecimals of the mean
    function getSummary(
        uint256 agentId,
        address[] calldata clientAddresses,
        string calldata tag1,
        string calldata tag2
    ) external view returns (uint64 count, int128 summaryValue, uint8 summaryValueDecimals);

    /// @notice All entries that match, client by client. Loops over all of it: never call it on chain.
    /// @param agentId any
    /// @param clientAddresses empty for everyone
    /// @param tag1 empty for any
    /// @param tag2 empty for any
    /// @param includeRevoked whether revoked entries are listed
    /// @return clients who gave them
    /// @return feedbackIndexes from 1
    /// @return values as given
    /// @return valueDecimals as given
    /// @return tag1s as given
    /// @return tag2s as given
    /// @return revokedStatuses whether revoked
    function readAllFeedback(
        uint256 agentId,
        address[] calldata clientAddresses,
        string calldata tag1,
        string calldata tag2,
        bool includeRevoked
    )
        external
        view
        returns (
            address[] memory clients,
            uint64[] memory feedbackIndexes,
            int128[] memory values,
            uint8[] memory valueDecimals,
            string[] memory tag1s,
            string[] memory tag2s,
            bool[] memory revokedStatuses
        );

    /// @notice How many responses there are.
    /// @param agentId any
    /// @param clientAddress zero for all clients
    /// @param feedbackIndex 0 for all of the client's feedback
    /// @param responders empty for everyone
    /// @return count of responses
    function getResponseCount(
        uint256 agentId,
        address clientAddress,
        uint64 feedbackIndex,
        address[] calldata responders
    ) external view returns (uint64 count);

    /// @notice Everyone who ever gave feedback.
    /// @param agentId any
    /// @return in order of their first feedback
    function getClients(uint256 agentId) external view returns (address[] memory);

    /// @notice Index of the client's last feedback.
    /// @param agentId any
    /// @param clientAddress any
    /// @return zero when the client never gave feedback
    function getLastIndex(uint256 agentId, address clientAddress) external view returns (uint64);

    /// @notice The identity registry it belongs to.
    /// @return never zero
    function getIdentityRegistry() external view returns (address);

    /// @notice Version of the contract.
    /// @return "2.0.0"
    function getVersion() external pure returns (string memory);
}
