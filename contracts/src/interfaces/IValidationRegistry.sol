// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title ERC-8004 validation registry
/// @notice Under discussion in the specification, deployed nowhere, and used by nothing here: it stands on local chains for
/// whoever tries it.
interface IValidationRegistry {
    /// @notice The agent asks `validatorAddress` for its judgement.
    /// @param validatorAddress who is asked
    /// @param agentId ERC-8004 id
    /// @param requestURI where the request is
    /// @param requestHash of the request
    event ValidationRequest(
        address indexed validatorAddress,
        uint256 indexed agentId,
        string requestURI,
        bytes32 indexed requestHash
    );
    /// @notice The validator's judgement; may be given again.
    /// @param validatorAddress who is asked
    /// @param agentId ERC-8004 id
    /// @param requestHash of the request
    /// @param response 0 … 100
    /// @param responseURI where the response is
    /// @param responseHash of the response
    /// @param tag of the validator
    event ValidationResponse(
        address indexed validatorAddress,
        uint256 indexed agentId,
        bytes32 indexed requestHash,
        uint8 response,
        string responseURI,
        bytes32 responseHash,
        string tag
    );

    /// @notice The agent's owner, approved address or operator.
    /// @param validatorAddress whose judgement is asked for
    /// @param agentId of the agent
    /// @param requestURI what is to be judged
    /// @param requestHash names the request; new
    function validationRequest(
        address validatorAddress,
        uint256 agentId,
        string calldata requestURI,
        bytes32 requestHash
    ) external;

    /// @notice The named validator, as often as it likes.
    /// @param requestHash of a request
    /// @param response 0 to 100
    /// @param responseURI the judgement
    /// @param responseHash keccak256 of what stands there
    /// @param tag kind of judgement
    function validationResponse(
        bytes32 requestHash,
        uint8 response,
        string calldata responseURI,
        bytes32 responseHash,
        string calldata tag
    ) external;

    /// @notice Reverts for an unknown request.
    /// @param requestHash of a request
    /// @return validatorAddress who was asked
    /// @return agentId who asked
    /// @return response 0 until there is one
    /// @return responseHash of the last response
    /// @return tag of the last response
    /// @return lastUpdate Unix seconds
    function getValidationStatus(bytes32 requestHash)
        external
        view
        returns (
            address validatorAddress,
            uint256 agentId,
            uint8 response,
            bytes32 responseHash,
            string memory tag,
            uint256 lastUpdate
        );

    /// @notice Mean of the responses there are. Loops over all requests: never call it on chain.
    /// @param agentId any
    /// @param validatorAddresses empty for everyone
    /// @param tag empty for any
    /// @return count of responses
    /// @return averageResponse rounded down
    function getSummary(uint256 agentId, address[] calldata validatorAddresses, string calldata tag)
        external
        view
        returns (uint64 count, uint8 averageResponse);

    /// @notice The agent's requests.
    /// @param agentId any
    /// @return requestHashes in order
    function getAgentValidations(uint256 agentId) external view returns (bytes32[] memory requestHashes);

    /// @notice Requests to a validator.
    /// @param validatorAddress any
    /// @return requestHashes in order
    function getValidatorRequests(address validatorAddress)
        external
        view
        returns (bytes32[] memory requestHashes);

    /// @notice The identity registry it belongs to.
    /// @return never zero
    function getIdentityRegistry() external view returns (address);

    /// @notice Version of the contract.
    /// @return "2.0.0"
    function getVersion() external pure returns (string memory);
}
