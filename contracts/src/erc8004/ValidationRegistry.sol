// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IIdentityRegistry} from "../interfaces/IIdentityRegistry.sol";
import {IValidationRegistry} from "../interfaces/IValidationRegistry.sol";

/// @title ERC-8004 validation registry for local chains
/// @notice Written from the specification for Anvil and tests.
contract ValidationRegistry is IValidationRegistry {
    struct Validation {
        address validator;
        uint8 response;
        bool hasResponse;
        uint64 lastUpdate;
        uint256 agentId;
        bytes32 responseHash;
        string tag;
    }

    /// @notice Of a response.
    uint8 public constant MAX_RESPONSE = 100;

    IIdentityRegistry private immutable _identityRegistry;

    mapping(bytes32 requestHash => Validation validation) private _validations;
    mapping(uint256 agentId => bytes32[] requestHashes) private _ofAgent;
    mapping(address validator => bytes32[] requestHashes) private _ofValidator;

    error ZeroAddress();
    error RequestExists(bytes32 requestHash);
    error UnknownRequest(bytes32 requestHash);
    error NotAuthorized(uint256 agentId, address caller);
    error NotValidator(address expected, address actual);
    error ResponseOutOfRange(uint8 actual, uint8 max);

    /// @notice Belongs to one identity registry.
    /// @param identity whose agents ask
    constructor(IIdentityRegistry identity) {
        require(address(identity) != address(0), ZeroAddress());
        _identityRegistry = identity;
    }

    /// @inheritdoc IValidationRegistry
    function validationRequest(
        address validatorAddress,
        uint256 agentId,
        string calldata requestURI,
        bytes32 requestHash
    ) external {
        require(validatorAddress != address(0), ZeroAddress());
        require(_validations[requestHash].validator == address(0), RequestExists(requestHash));
        address owner = _identityRegistry.ownerOf(agentId);
        require(
            msg.sender == owner || msg.sender == _identityRegistry.getApproved(agentId)
                || _identityRegistry.isApprovedForAll(owner, msg.sender),
            NotAuthorized(agentId, msg.sender)
        );

        Validation storage validation = _validations[requestHash];
        validation.validator = validatorAddress;
        validation.agentId = agentId;
        validation.lastUpdate = uint64(block.timestamp);
        _ofAgent[agentId].push(requestHash);
        _ofValidator[validatorAddress].push(requestHash);

        emit ValidationRequest(validatorAddress, agentId, requestURI, requestHash);
    }

    /// @inheritdoc IValidationRegistry
    function validationResponse(
        bytes32 requestHash,
        uint8 response,
        string calldata responseURI,
        bytes32 responseHash,
        string calldata tag
    ) external {
        require(response <= MAX_RESPONSE, ResponseOutOfRange(response, MAX_RESPONSE));
        Validation storage validation = _requireRequest(requestHash);
        require(msg.sender == validation.validator, NotValidator(validation.validator, msg.sender));

        validation.response = response;
        validation.hasResponse = true;
        validation.responseHash = responseHash;
        validation.tag = tag;
        validation.lastUpdate = uint64(block.timestamp);

        emit ValidationResponse(
            msg.sender, validation.agentId, requestHash, response, responseURI, responseHash, tag
        );
    }

    /// @inheritdoc IValidationRegistry
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
        )
    {
        Validation storage v = _requireRequest(requestHash);
        return (v.validator, v.agentId, v.response, v.responseHash, v.tag, v.lastUpdate);
    }

    /// @inheritdoc IValidationRegistry
    function getSummary(uint256 agentId, address[] calldata validatorAddresses, string calldata tag)
        external
        view
        returns (uint64 count, uint8 averageResponse)
    {
        uint256 sum;
        bytes32[] storage requestHashes = _ofAgent[agentId];
        for (uint256 i = 0; i < requestHashes.length; ++i) {
            Validation storage validation = _validations[requestHashes[i]];
            if (!validation.hasResponse || !_isAmong(validation.validator, validatorAddresses)) continue;
            if (bytes(tag).length != 0 && keccak256(bytes(tag)) != keccak256(bytes(validation.tag))) {
                continue;
            }
            sum += validation.response;
            ++count;
        }
        // A mean of numbers up to 100.
        // forge-lint: disable-next-line(unsafe-typecast)
        if (count != 0) averageResponse = uint8(sum / count);
    }

    /// @inheritdoc IValidationRegistry
    function getAgentValidations(uint256 agentId) external view returns (bytes32[] memory requestHashes) {
        return _ofAgent[agentId];
    }

    /// @inheritdoc IValidationRegistry
    function getValidatorRequests(address validatorAddress)
        external
        view
        returns (bytes32[] memory requestHashes)
    {
        return _ofValidator[validatorAddress];
    }

    /// @inheritdoc IValidationRegistry
    function getIdentityRegistry() external view returns (address) {
        return address(_identityRegistry);
    }

    /// @inheritdoc IValidationRegistry
    function getVersion() external pure returns (string memory) {
        return "2.0.0";
    }

    function _requireRequest(bytes32 requestHash) private view returns (Validation storage validation) {
        validation = _validations[requestHash];
        require(validation.validator != address(0), UnknownRequest(requestHash));
    }

    /// @dev An empty list matches everyone.
    function _isAmong(address validator, address[] calldata validators) private pure returns (bool) {
        for (uint256 i = 0; i < validators.length; ++i) {
            if (validators[i] == validator) return true;
        }
        return validators.length == 0;
    }
}
