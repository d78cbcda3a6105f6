// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IIdentityRegistry} from "../interfaces/IIdentityRegistry.sol";
import {IReputationRegistry} from "../interfaces/IReputationRegistry.sol";

/// @title ERC-8004 reputation registry for local chains
/// @notice Written from the specification for Anvil and tests; public chains have the canonical registry.
contract ReputationRegistry is IReputationRegistry {
    using SafeCast for int256;

    struct Entry {
        int128 value;
        uint8 valueDecimals;
        bool isRevoked;
        string tag1;
        string tag2;
    }

    /// @dev Parallel lists, filled up to `length`.
    struct Listing {
        uint256 length;
        address[] clients;
        uint64[] feedbackIndexes;
        int128[] values;
        uint8[] valueDecimals;
        string[] tag1s;
        string[] tag2s;
        bool[] revokedStatuses;
    }

    /// @notice Of a value.
    uint8 public constant MAX_DECIMALS = 18;
    /// @notice Of a value, either sign.
    int128 public constant MAX_ABSOLUTE_VALUE = 1e38;

    IIdentityRegistry private immutable _identityRegistry;

    /// Feedback i of a client stands at index i - 1.
    mapping(uint256 agentId => mapping(address client => Entry[] entries)) private _entries;
    mapping(uint256 agentId => address[] clients) private _clients;
    mapping(bytes32 entryId => address[] responders) private _responders;
    mapping(bytes32 entryId => mapping(address responder => uint64 count)) private _responseCounts;

    error ZeroAddress();
    error DecimalsOutOfRange(uint8 actual, uint8 max);
    error ValueOutOfRange(int128 actual, int128 maxAbsolute);
    error SelfFeedback(uint256 agentId, address client);
    error UnknownFeedback(uint256 agentId, address client, uint64 feedbackIndex);
    error AlreadyRevoked(uint256 agentId, uint64 feedbackIndex);
    error NoClients();
    error EmptyResponseURI();

    constructor(IIdentityRegistry identity) {
        require(address(identity) != address(0), ZeroAddress());
        _identityRegistry = identity;
    }

    // solhint-disable gas-calldata-parameters

    /// @inheritdoc IReputationRegistry
    /// @dev Strings in memory: with calldata pairs the event runs out of stack.
    function giveFeedback(
        uint256 agentId,
        int128 value,
        uint8 valueDecimals,
        string memory tag1,
        string memory tag2,
        string memory endpoint,
        string memory feedbackURI,
        bytes32 feedbackHash
    ) external {
        require(valueDecimals <= MAX_DECIMALS, DecimalsOutOfRange(valueDecimals, MAX_DECIMALS));
        require(
            value <= MAX_ABSOLUTE_VALUE && value >= -MAX_ABSOLUTE_VALUE,
            ValueOutOfRange(value, MAX_ABSOLUTE_VALUE)
        );
        _requireStranger(agentId, msg.sender);

        Entry[] storage entries = _entries[agentId][msg.sender];
        if (entries.length == 0) _clients[agentId].push(msg.sender);
        entries.push(
            Entry({value: value, valueDecimals: valueDecimals, isRevoked: false, tag1: tag1, tag2: tag2})
        );

        emit NewFeedback(
            agentId,
            msg.sender,
            uint64(entries.length),
            value,
            valueDecimals,
            tag1,
            tag1,
            tag2,
            endpoint,
            feedbackURI,
            feedbackHash
        );
    }

    // solhint-enable gas-calldata-parameters

    /// @inheritdoc IReputationRegistry
    function revokeFeedback(uint256 agentId, uint64 feedbackIndex) external {
        Entry storage entry = _entry(agentId, msg.sender, feedbackIndex);
        require(!entry.isRevoked, AlreadyRevoked(agentId, feedbackIndex));

        entry.isRevoked = true;

        emit FeedbackRevoked(agentId, msg.sender, feedbackIndex);
    }

    /// @inheritdoc IReputationRegistry
    function appendResponse(
        uint256 agentId,
        address clientAddress,
        uint64 feedbackIndex,
        string calldata responseURI,
        bytes32 responseHash
    ) external {
        _entry(agentId, clientAddress, feedbackIndex);
        require(bytes(responseURI).length != 0, EmptyResponseURI());

        bytes32 id = _entryId(agentId, clientAddress, feedbackIndex);
        if (_responseCounts[id][msg.sender] == 0) _responders[id].push(msg.sender);
        ++_responseCounts[id][msg.sender];

        emit ResponseAppended(agentId, clientAddress, feedbackIndex, msg.sender, responseURI, responseHash);
    }

    /// @inheritdoc IReputationRegistry
    function readFeedback(uint256 agentId, address clientAddress, uint64 feedbackIndex)
        external
        view
        returns (int128 value, uint8 valueDecimals, string memory tag1, string memory tag2, bool isRevoked)
    {
        Entry storage entry = _entry(agentId, clientAddress, feedbackIndex);
        return (entry.value, entry.valueDecimals, entry.tag1, entry.tag2, entry.isRevoked);
    }

    /// @inheritdoc IReputationRegistry
    function getSummary(
        uint256 agentId,
        address[] calldata clientAddresses,
        string calldata tag1,
        string calldata tag2
    ) external view returns (uint64 count, int128 summaryValue, uint8 summaryValueDecimals) {
        require(clientAddresses.length != 0, NoClients());

        int256 sum;
        uint64[19] memory used;
        for (uint256 c = 0; c < clientAddresses.length; ++c) {
            Entry[] storage entries = _entries[agentId][clientAddresses[c]];
            for (uint256 i = 0; i < entries.length; ++i) {
                Entry storage entry = entries[i];
                if (entry.isRevoked || !_matches(tag1, entry.tag1) || !_matches(tag2, entry.tag2)) continue;
                sum += entry.value * _scale(entry.valueDecimals);
                ++used[entry.valueDecimals];
                ++count;
            }
        }
        if (count == 0) return (0, 0, 0);

        summaryValueDecimals = _mostFrequent(used);
        int256 mean = sum / int256(uint256(count));
        summaryValue = (mean / _scale(summaryValueDecimals)).toInt128();
    }

    // solhint-disable gas-calldata-parameters

    /// @inheritdoc IReputationRegistry
    /// @dev Lists and strings in memory: with calldata pairs it runs out of stack.
    function readAllFeedback(
        uint256 agentId,
        address[] memory clientAddresses,
        string memory tag1,
        string memory tag2,
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
        )
    {
        Listing memory found = _find(agentId, clientAddresses, [tag1, tag2], includeRevoked);
        return (
            found.clients,
            found.feedbackIndexes,
            found.values,
            found.valueDecimals,
            found.tag1s,
            found.tag2s,
            found.revokedStatuses
        );
    }

    // solhint-enable gas-calldata-parameters

    /// @inheritdoc IReputationRegistry
    function getResponseCount(
        uint256 agentId,
        address clientAddress,
        uint64 feedbackIndex,
        address[] calldata responders
    ) external view returns (uint64 count) {
        if (clientAddress != address(0)) {
            return _countOfClient(agentId, clientAddress, feedbackIndex, responders);
        }
        address[] storage clients = _clients[agentId];
        for (uint256 c = 0; c < clients.length; ++c) {
            count += _countOfClient(agentId, clients[c], 0, responders);
        }
    }

    /// @inheritdoc IReputationRegistry
    function getClients(uint256 agentId) external view returns (address[] memory) {
        return _clients[agentId];
    }

    /// @inheritdoc IReputationRegistry
    function getLastIndex(uint256 agentId, address clientAddress) external view returns (uint64) {
        return uint64(_entries[agentId][clientAddress].length);
    }

    /// @inheritdoc IReputationRegistry
    function getIdentityRegistry() external view returns (address) {
        return address(_identityRegistry);
    }

    /// @inheritdoc IReputationRegistry
    function getVersion() external pure returns (string memory) {
        return "2.0.0";
    }

    /// @dev Everyone's where `clients` is empty. Two passes: how many match, then which.
    function _find(uint256 agentId, address[] memory clients, string[2] memory tags, bool includeRevoked)
        private
        view
        returns (Listing memory found)
    {
        if (clients.length == 0) clients = _clients[agentId];
        uint256 total;
        for (uint256 c = 0; c < clients.length; ++c) {
            Entry[] storage entries = _entries[agentId][clients[c]];
            for (uint256 i = 0; i < entries.length; ++i) {
                if (_isListed(entries[i], tags, includeRevoked)) ++total;
            }
        }
        found = _listing(total);
        for (uint256 c = 0; c < clients.length; ++c) {
            Entry[] storage entries = _entries[agentId][clients[c]];
            for (uint256 i = 0; i < entries.length; ++i) {
                if (!_isListed(entries[i], tags, includeRevoked)) continue;
                _note(found, clients[c], uint64(i + 1), entries[i]);
            }
        }
    }

    function _isListed(Entry storage entry, string[2] memory tags, bool includeRevoked)
        private
        view
        returns (bool)
    {
        return (includeRevoked || !entry.isRevoked) && _matches(tags[0], entry.tag1)
            && _matches(tags[1], entry.tag2);
    }

    /// @dev All of the client's feedback where `feedbackIndex` is 0.
    function _countOfClient(
        uint256 agentId,
        address client,
        uint64 feedbackIndex,
        address[] memory responders
    ) private view returns (uint64 count) {
        if (feedbackIndex != 0) {
            return _countOfEntry(agentId, client, feedbackIndex, responders);
        }
        for (uint64 i = 1; i <= _entries[agentId][client].length; ++i) {
            count += _countOfEntry(agentId, client, i, responders);
        }
    }

    function _countOfEntry(uint256 agentId, address client, uint64 feedbackIndex, address[] memory responders)
        private
        view
        returns (uint64 count)
    {
        bytes32 id = _entryId(agentId, client, feedbackIndex);
        if (responders.length == 0) responders = _responders[id];
        for (uint256 r = 0; r < responders.length; ++r) {
            count += _responseCounts[id][responders[r]];
        }
    }

    function _requireStranger(uint256 agentId, address client) private view {
        address owner = _identityRegistry.ownerOf(agentId);
        require(
            client != owner && client != _identityRegistry.getApproved(agentId)
                && !_identityRegistry.isApprovedForAll(owner, client),
            SelfFeedback(agentId, client)
        );
    }

    function _entry(uint256 agentId, address client, uint64 feedbackIndex)
        private
        view
        returns (Entry storage)
    {
        Entry[] storage entries = _entries[agentId][client];
        require(
            feedbackIndex != 0 && feedbackIndex <= entries.length,
            UnknownFeedback(agentId, client, feedbackIndex)
        );
        return entries[feedbackIndex - 1];
    }

    function _note(Listing memory found, address client, uint64 feedbackIndex, Entry storage entry)
        private
        view
    {
        uint256 next = found.length;
        ++found.length;
        found.clients[next] = client;
        found.feedbackIndexes[next] = feedbackIndex;
        found.values[next] = entry.value;
        found.valueDecimals[next] = entry.valueDecimals;
        found.tag1s[next] = entry.tag1;
        found.tag2s[next] = entry.tag2;
        found.revokedStatuses[next] = entry.isRevoked;
    }

    function _listing(uint256 total) private pure returns (Listing memory) {
        return Listing({
            length: 0,
            clients: new address[](total),
            feedbackIndexes: new uint64[](total),
            values: new int128[](total),
            valueDecimals: new uint8[](total),
            tag1s: new string[](total),
            tag2s: new string[](total),
            revokedStatuses: new bool[](total)
        });
    }

    function _entryId(uint256 agentId, address client, uint64 feedbackIndex) private pure returns (bytes32) {
        return keccak256(abi.encode(agentId, client, feedbackIndex));
    }

    /// @dev An empty filter matches everything.
    function _matches(string memory filter, string memory tag) private pure returns (bool) {
        return bytes(filter).length == 0 || keccak256(bytes(filter)) == keccak256(bytes(tag));
    }

    /// @dev From `decimals` to 18 decimals.
    function _scale(uint8 decimals) private pure returns (int256) {
        return int256(10 ** uint256(MAX_DECIMALS - decimals));
    }

    /// @dev The smallest on a tie.
    function _mostFrequent(uint64[19] memory used) private pure returns (uint8 decimals) {
        for (uint8 i = 1; i <= MAX_DECIMALS; ++i) {
            if (used[i] > used[decimals]) decimals = i;
        }
    }
}
