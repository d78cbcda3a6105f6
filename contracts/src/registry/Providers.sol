// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Governed} from "../governance/Governed.sol";
import {IComputeStaking} from "../interfaces/IComputeStaking.sol";
import {IIdentityRegistry} from "../interfaces/IIdentityRegistry.sol";
import {IProviders} from "../interfaces/registry/IProviders.sol";
import {BondLib} from "../libraries/BondLib.sol";
import {PackedTextLib} from "../libraries/PackedTextLib.sol";

/// @title Rows of providers, and who may act for them
/// @notice Rules: see IProviders.
abstract contract Providers is Governed, IProviders {
    using PackedTextLib for PackedTextLib.PackedText;

    /// @dev One slot, so that registration and the checks of an attestation cost little.
    struct ProviderRow {
        address owner;
        uint40 registeredAt;
        uint24 endpointVersion;
        bool active;
        bool barred;
        /// ComputeStaking ended a binding of the agent once, whoever owned it.
        bool faulted;
    }

    /// @dev One slot.
    struct EndedVersion {
        /// Zero while the version lasts.
        uint40 time;
        /// Who owned the agent in that version, and so is the operator of every binding granted in it.
        address owner;
    }

    /// @dev Bytes of UTF-8.
    uint256 private constant MAX_ENDPOINT_BYTES = 255;
    /// @dev Bytes of UTF-8.
    uint256 private constant MAX_REASON_BYTES = 256;
    /// @dev Ids count from 0; a larger one is of no genuine registry, and channels have room for no more.
    uint256 private constant MAX_AGENT_ID = type(uint48).max;

    /// @inheritdoc IProviders
    IIdentityRegistry public immutable identityRegistry;
    /// @inheritdoc IProviders
    IComputeStaking public immutable computeStaking;

    /// @inheritdoc IProviders
    address public moderator;

    uint64[] private _agentIds;
    mapping(uint256 agentId => ProviderRow row) internal _rows;
    mapping(uint256 agentId => PackedTextLib.PackedText text) private _endpoints;
    /// By a change of endpoint or owner.
    mapping(uint256 agentId => mapping(uint256 endpointVersion => EndedVersion ended)) internal _ended;

    constructor(IIdentityRegistry identity, IComputeStaking staking) {
        require(address(identity) != address(0) && address(staking) != address(0), ZeroAddress());
        identityRegistry = identity;
        computeStaking = staking;
    }

    /// @inheritdoc IProviders
    function register(uint256 agentId, string calldata endpoint) external whileIntakeOpen {
        require(agentId <= MAX_AGENT_ID, AgentIdTooLarge(agentId, MAX_AGENT_ID));
        require(_rows[agentId].registeredAt == 0, AlreadyRegistered(agentId));
        address owner = _requireController(agentId);
        _requireBondAndWallet(agentId, owner);
        _requireEndpoint(endpoint);

        ProviderRow storage row = _rows[agentId];
        row.owner = owner;
        row.registeredAt = uint40(block.timestamp);
        row.endpointVersion = 1;
        row.active = true;
        _endpoints[agentId].store(endpoint);
        _agentIds.push(uint64(agentId));

        emit ProviderRegistered(agentId, owner, endpoint);
    }

    /// @inheritdoc IProviders
    function refreshOwner(uint256 agentId) external {
        ProviderRow storage row = _requireRegistered(agentId);
        address owner = _requireController(agentId);
        require(owner != row.owner, OwnerUnchanged(agentId));
        _requireBondAndWallet(agentId, owner);

        _endVersion(agentId, row);
        row.owner = owner;

        emit OwnerRefreshed(agentId, owner);
    }

    /// @inheritdoc IProviders
    function updateEndpoint(uint256 agentId, string calldata endpoint) external {
        ProviderRow storage row = _requireCurrent(agentId);
        _requireEndpoint(endpoint);

        uint32 endpointVersion = _endVersion(agentId, row);
        _endpoints[agentId].store(endpoint);

        emit EndpointUpdated(agentId, endpointVersion, endpoint);
    }

    /// @inheritdoc IProviders
    function setActive(uint256 agentId, bool active) external {
        ProviderRow storage row = _requireCurrent(agentId);

        row.active = active;

        emit ProviderActiveSet(agentId, active);
    }

    /// @inheritdoc IProviders
    function setBarred(uint256 agentId, bool barred, string calldata reason) external {
        require(msg.sender == moderator, NotModerator(moderator, msg.sender));
        uint256 length = bytes(reason).length;
        require(length != 0 && length <= MAX_REASON_BYTES, ReasonLength(length, MAX_REASON_BYTES));
        ProviderRow storage row = _requireRegistered(agentId);

        row.barred = barred;

        emit ProviderBarred(agentId, msg.sender, barred, reason);
    }

    /// @inheritdoc IProviders
    function setModerator(address moderator_) external onlyOwner {
        address previous = moderator;

        moderator = moderator_;

        emit ModeratorChanged(previous, moderator_);
    }

    /// @inheritdoc IProviders
    function providerOf(uint256 agentId) external view returns (Provider memory) {
        ProviderRow storage row = _rows[agentId];
        return Provider({
            owner: row.owner,
            registeredAt: row.registeredAt,
            active: row.active,
            barred: row.barred,
            endpointVersion: row.endpointVersion,
            endpoint: _endpoints[agentId].load()
        });
    }

    /// @inheritdoc IProviders
    function listProviders(uint256 cursor, uint256 limit)
        external
        view
        returns (uint256[] memory agentIds, uint256 next)
    {
        uint256 total = _agentIds.length;
        if (cursor >= total) return (agentIds, 0);

        uint256 count = Math.min(limit, total - cursor);
        agentIds = new uint256[](count);
        unchecked {
            // Not beyond the total.
            for (uint256 i = 0; i < count; ++i) {
                agentIds[i] = _agentIds[cursor + i];
            }
            next = cursor + count;
        }
        if (next == total) next = 0;
    }

    /// @inheritdoc IProviders
    function isActive(uint256 agentId) public view returns (bool) {
        ProviderRow memory row = _rows[agentId];
        return row.registeredAt != 0 && _ownerIs(agentId, row.owner) && _isOpen(agentId, row);
    }

    /// @dev Switched on, not barred, bonded.
    function _isOpen(uint256 agentId, ProviderRow memory row) internal view returns (bool) {
        return row.active && !row.barred && computeStaking.isBonded(_bondIdOf(agentId, row.owner));
    }

    /// @dev False for a burned agent, of which ownerOf reverts.
    function _ownerIs(uint256 agentId, address recorded) internal view returns (bool) {
        try identityRegistry.ownerOf(agentId) returns (address owner) {
            return owner == recorded;
        } catch {
            return false;
        }
    }

    function _operatorOf(uint256 agentId, uint256 endpointVersion) internal view returns (address) {
        ProviderRow storage row = _rows[agentId];
        return endpointVersion == row.endpointVersion ? row.owner : _ended[agentId][endpointVersion].owner;
    }

    function _requireRegistered(uint256 agentId) internal view returns (ProviderRow storage row) {
        row = _rows[agentId];
        require(row.registeredAt != 0, UnknownProvider(agentId));
    }

    /// @dev Registered, the caller may act for the agent, and the agent has not been transferred since.
    function _requireCurrent(uint256 agentId) internal view returns (ProviderRow storage row) {
        row = _requireRegistered(agentId);
        address owner = _requireController(agentId);
        require(owner == row.owner, OperatorMismatch(row.owner, owner));
    }

    function _endVersion(uint256 agentId, ProviderRow storage row) private returns (uint32) {
        uint24 ended = row.endpointVersion;
        _ended[agentId][ended] = EndedVersion({time: uint40(block.timestamp), owner: row.owner});
        uint24 following = ended + 1;
        row.endpointVersion = following;
        return following;
    }

    /// @dev Live ERC-721 owner, approved address or operator (attack R4); ownerOf reverts for an unknown agent. Only the
    /// specification's own surface is asked.
    function _requireController(uint256 agentId) private view returns (address owner) {
        owner = identityRegistry.ownerOf(agentId);
        require(
            msg.sender == owner || msg.sender == identityRegistry.getApproved(agentId)
                || identityRegistry.isApprovedForAll(owner, msg.sender),
            NotAgentOwner(agentId, msg.sender)
        );
    }

    /// @dev The minimum of when the bond was made counts, not that of today.
    function _requireBondAndWallet(uint256 agentId, address owner) private view {
        bytes32 bondId = _bondIdOf(agentId, owner);
        require(
            computeStaking.isBonded(bondId),
            InsufficientBond(
                computeStaking.minimumOf(IComputeStaking.Role.PROVIDER), computeStaking.activeBond(bondId)
            )
        );
        require(identityRegistry.getAgentWallet(agentId) != address(0), NoAgentWallet(agentId));
    }

    function _bondIdOf(uint256 agentId, address owner) internal pure returns (bytes32) {
        return BondLib.idOf(IComputeStaking.Role.PROVIDER, agentId, owner);
    }

    function _requireEndpoint(string calldata endpoint) private pure {
        uint256 length = bytes(endpoint).length;
        require(length != 0 && length <= MAX_ENDPOINT_BYTES, EndpointLength(length, MAX_ENDPOINT_BYTES));
    }
}
