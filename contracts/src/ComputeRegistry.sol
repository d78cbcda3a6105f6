// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IComputeRegistry} from "./interfaces/IComputeRegistry.sol";
import {IComputeStaking} from "./interfaces/IComputeStaking.sol";
import {IIdentityRegistry} from "./interfaces/IIdentityRegistry.sol";
import {NodeStatement} from "./interfaces/NodeStatement.sol";
import {NodeStatementLib} from "./libraries/NodeStatementLib.sol";
import {SettlementLib} from "./libraries/SettlementLib.sol";

/// @title Registry of providers on top of the canonical ERC-8004 identity registry
/// @notice Rules and powers: see IComputeRegistry. It holds no money.
contract ComputeRegistry is IComputeRegistry, EIP712 {
    using SafeCast for uint256;

    /// @notice Shorter than ComputeStaking.UNBONDING.
    uint64 public constant MAX_BINDING_VALIDITY = 7 days;
    /// @notice Discovery caches live shorter than this.
    uint64 public constant PRICE_DELAY = 1 hours;
    /// @notice A mistake in `effectiveFrom` blocks the next price no longer than this.
    uint64 public constant MAX_PRICE_NOTICE = 30 days;
    /// @notice Bytes of UTF-8.
    uint256 public constant MAX_ENDPOINT_BYTES = 256;
    /// @notice Bytes of UTF-8.
    uint256 public constant MAX_MODEL_NAME_BYTES = 128;

    /// @inheritdoc IComputeRegistry
    IIdentityRegistry public immutable identityRegistry;
    /// @inheritdoc IComputeRegistry
    IComputeStaking public immutable computeStaking;

    uint256[] private _agentIds;
    mapping(uint256 agentId => Provider provider) private _providers;
    mapping(uint256 agentId => Service[] services) private _services;
    /// Version v stands at index v - 1; rows are never written again.
    mapping(uint256 agentId => mapping(uint32 serviceId => Price[] versions)) private _prices;
    /// By endpoint version, so that a change of endpoint or owner ends every approval at once.
    mapping(
        uint256 agentId => mapping(uint32 endpointVersion => mapping(bytes32 bindingId => bool approved))
    ) private _approvals;
    mapping(bytes32 bindingId => Binding binding) private _bindings;

    constructor(IIdentityRegistry identity, IComputeStaking staking) EIP712("Jeju Compute Node", "1") {
        require(address(identity) != address(0) && address(staking) != address(0), ZeroAddress());
        identityRegistry = identity;
        computeStaking = staking;
    }

    /* PROVIDERS */

    /// @inheritdoc IComputeRegistry
    function register(uint256 agentId, string calldata endpoint) external {
        Provider storage provider = _providers[agentId];
        require(provider.registeredAt == 0, AlreadyRegistered(agentId));
        address owner = _requireController(agentId);
        _requireBondAndWallet(agentId, owner);
        _requireEndpoint(endpoint);

        provider.owner = owner;
        provider.registeredAt = uint64(block.timestamp);
        provider.active = true;
        provider.endpointVersion = 1;
        provider.endpoint = endpoint;
        _agentIds.push(agentId);

        emit ProviderRegistered(agentId, owner, endpoint);
    }

    /// @inheritdoc IComputeRegistry
    function refreshOwner(uint256 agentId) external {
        Provider storage provider = _requireRegistered(agentId);
        address owner = _requireController(agentId);
        require(owner != provider.owner, OwnerUnchanged(agentId));
        _requireBondAndWallet(agentId, owner);

        provider.owner = owner;
        ++provider.endpointVersion;

        emit OwnerRefreshed(agentId, owner);
    }

    /// @inheritdoc IComputeRegistry
    function updateEndpoint(uint256 agentId, string calldata endpoint) external {
        Provider storage provider = _requireCurrent(agentId);
        _requireEndpoint(endpoint);

        uint32 endpointVersion = provider.endpointVersion + 1;
        provider.endpointVersion = endpointVersion;
        provider.endpoint = endpoint;

        emit EndpointUpdated(agentId, endpointVersion, endpoint);
    }

    /// @inheritdoc IComputeRegistry
    function setActive(uint256 agentId, bool active) external {
        Provider storage provider = _requireCurrent(agentId);

        provider.active = active;

        emit ProviderActiveSet(agentId, active);
    }

    /* SERVICES AND PRICES */

    /// @inheritdoc IComputeRegistry
    function addService(uint256 agentId, bytes32 modelId, string calldata modelName, Price calldata price)
        external
        returns (uint32 serviceId)
    {
        _requireCurrent(agentId);
        require(modelId != 0, ModelIdZero());
        uint256 length = bytes(modelName).length;
        require(length != 0 && length <= MAX_MODEL_NAME_BYTES, ModelNameLength(length, MAX_MODEL_NAME_BYTES));

        serviceId = _services[agentId].length.toUint32();
        _services[agentId].push(
            Service({modelId: modelId, modelName: modelName, latestPriceVersion: 0, active: true})
        );

        emit ServiceAdded(agentId, serviceId, modelId, modelName);
        _appendPrice(agentId, serviceId, price, uint64(block.timestamp));
    }

    /// @inheritdoc IComputeRegistry
    function setPrice(uint256 agentId, uint32 serviceId, Price calldata price)
        external
        returns (uint32 version)
    {
        _requireCurrent(agentId);
        Price storage latest = _latestPrice(agentId, serviceId);
        require(latest.effectiveFrom <= block.timestamp, PricePending(latest.effectiveFrom));
        uint64 earliest = uint64(block.timestamp) + PRICE_DELAY;
        require(price.effectiveFrom >= earliest, PriceTooSoon(earliest, price.effectiveFrom));
        uint64 last = uint64(block.timestamp) + MAX_PRICE_NOTICE;
        require(price.effectiveFrom <= last, PriceTooLate(last, price.effectiveFrom));

        return _appendPrice(agentId, serviceId, price, price.effectiveFrom);
    }

    /// @inheritdoc IComputeRegistry
    function setServiceActive(uint256 agentId, uint32 serviceId, bool active) external {
        _requireCurrent(agentId);

        _requireService(agentId, serviceId).active = active;

        emit ServiceActiveSet(agentId, serviceId, active);
    }

    /* BINDINGS */

    /// @inheritdoc IComputeRegistry
    function approveBinding(uint256 agentId, bytes32 bindingId) external {
        Provider storage provider = _requireCurrent(agentId);
        Binding storage binding = _bindings[bindingId];
        require(
            binding.signer == address(0) || binding.agentId == agentId,
            BindingOfOtherAgent(bindingId, agentId)
        );
        require(binding.revokedAt == 0, BindingIsRevoked(bindingId));

        _approvals[agentId][provider.endpointVersion][bindingId] = true;

        emit BindingApproved(agentId, bindingId, provider.owner);
    }

    /// @inheritdoc IComputeRegistry
    function withdrawApproval(uint256 agentId, bytes32 bindingId) external {
        Provider storage provider = _requireCurrent(agentId);
        require(_approvals[agentId][provider.endpointVersion][bindingId], BindingNotApproved(bindingId));

        _approvals[agentId][provider.endpointVersion][bindingId] = false;

        emit BindingApprovalWithdrawn(agentId, bindingId);
    }

    /// @inheritdoc IComputeRegistry
    function attest(
        NodeStatement calldata statement,
        bytes32 evidenceHash,
        uint64 blockNumber,
        uint64 validUntil,
        uint256 deadline,
        bytes calldata signerSig
    ) external returns (bytes32 bindingId) {
        bindingId = bindingIdOf(statement);
        _requireConsent(statement, bindingId);
        require(evidenceHash != 0, EvidenceHashZero());
        bytes32 blockHash = _requireFresh(bindingId, blockNumber);
        uint64 max = uint64(block.timestamp) + MAX_BINDING_VALIDITY;
        require(validUntil > block.timestamp && validUntil <= max, ValidityOutOfRange(validUntil, max));
        _requirePossession(
            statement.signer,
            NodeStatementLib.hashAttestation(bindingId, evidenceHash, blockNumber, validUntil, deadline),
            deadline,
            signerSig
        );

        // NONE for everyone: this contract has not judged the evidence, and a hash is not a proof (attack R1).
        _bindings[bindingId] = Binding({
            agentId: statement.agentId,
            signer: statement.signer,
            tier: Tier.NONE,
            validFrom: uint64(block.timestamp),
            validUntil: validUntil,
            revokedAt: 0,
            endpointVersion: _providers[statement.agentId].endpointVersion,
            blockNumber: blockNumber,
            evidenceHash: evidenceHash
        });

        emit Attested(
            statement.agentId,
            bindingId,
            statement.signer,
            Tier.NONE,
            validUntil,
            evidenceHash,
            blockNumber,
            blockHash
        );
    }

    /// @inheritdoc IComputeRegistry
    function revokeBinding(bytes32 bindingId) external {
        Binding storage binding = _bindings[bindingId];
        require(binding.signer != address(0), UnknownBinding(bindingId));
        _requireCurrent(binding.agentId);
        require(binding.revokedAt == 0, BindingIsRevoked(bindingId));

        binding.revokedAt = uint64(block.timestamp);

        emit BindingRevoked(binding.agentId, bindingId);
    }

    /* VIEWS */

    /// @inheritdoc IComputeRegistry
    function isBindingApproved(uint256 agentId, bytes32 bindingId) external view returns (bool) {
        return _approvals[agentId][_providers[agentId].endpointVersion][bindingId];
    }

    /// @inheritdoc IComputeRegistry
    function bindingOf(bytes32 bindingId) external view returns (bool valid, Binding memory binding) {
        binding = _bindings[bindingId];
        valid = binding.signer != address(0) && binding.revokedAt == 0
            && block.timestamp <= binding.validUntil
            && binding.endpointVersion == _providers[binding.agentId].endpointVersion
            && isActive(binding.agentId);
    }

    /// @inheritdoc IComputeRegistry
    function signerOf(bytes32 bindingId) external view returns (uint256 agentId, address signer) {
        Binding storage binding = _bindings[bindingId];
        return (binding.agentId, binding.signer);
    }

    /// @inheritdoc IComputeRegistry
    function providerOf(uint256 agentId) external view returns (Provider memory) {
        return _providers[agentId];
    }

    /// @inheritdoc IComputeRegistry
    function serviceOf(uint256 agentId, uint32 serviceId) external view returns (Service memory) {
        return _requireService(agentId, serviceId);
    }

    /// @inheritdoc IComputeRegistry
    function serviceCount(uint256 agentId) external view returns (uint32) {
        return _services[agentId].length.toUint32();
    }

    /// @inheritdoc IComputeRegistry
    function priceOf(uint256 agentId, uint32 serviceId, uint32 version) external view returns (Price memory) {
        Price[] storage versions = _prices[agentId][serviceId];
        require(version != 0 && version <= versions.length, UnknownPrice(agentId, serviceId, version));
        return versions[version - 1];
    }

    /// @inheritdoc IComputeRegistry
    function currentPriceVersion(uint256 agentId, uint32 serviceId) external view returns (uint32 version) {
        version = _requireService(agentId, serviceId).latestPriceVersion;
        // At most one version is pending, and the first never was.
        if (_latestPrice(agentId, serviceId).effectiveFrom > block.timestamp) --version;
    }

    /// @inheritdoc IComputeRegistry
    function listProviders(uint256 cursor, uint256 limit)
        external
        view
        returns (uint256[] memory agentIds, uint256 next)
    {
        uint256 total = _agentIds.length;
        if (cursor >= total) return (agentIds, 0);

        uint256 count = Math.min(limit, total - cursor);
        agentIds = new uint256[](count);
        for (uint256 i = 0; i < count; ++i) {
            agentIds[i] = _agentIds[cursor + i];
        }
        next = cursor + count == total ? 0 : cursor + count;
    }

    /// @inheritdoc IComputeRegistry
    function domainSeparator() external view returns (bytes32) {
        return _domainSeparatorV4();
    }

    /// @inheritdoc IComputeRegistry
    function bindingIdOf(NodeStatement calldata statement) public view returns (bytes32) {
        return _hashTypedDataV4(NodeStatementLib.hash(statement));
    }

    /// @inheritdoc IComputeRegistry
    function isActive(uint256 agentId) public view returns (bool) {
        Provider storage provider = _providers[agentId];
        if (provider.registeredAt == 0 || !provider.active) return false;
        // ownerOf reverts for a burned agent.
        try identityRegistry.ownerOf(agentId) returns (address owner) {
            return owner == provider.owner && _bondOf(agentId, owner) >= _minimumBond();
        } catch {
            return false;
        }
    }

    /* INTERNAL */

    function _appendPrice(uint256 agentId, uint32 serviceId, Price calldata price, uint64 effectiveFrom)
        private
        returns (uint32 version)
    {
        require(price.maxOutputTokens != 0, MaxOutputTokensZero());

        Price memory row = price;
        row.effectiveFrom = effectiveFrom;
        _prices[agentId][serviceId].push(row);
        version = _prices[agentId][serviceId].length.toUint32();
        _services[agentId][serviceId].latestPriceVersion = version;

        emit PriceSet(agentId, serviceId, version, row);
    }

    /// @dev The statement names the recorded owner, and the owner approved exactly this statement.
    function _requireConsent(NodeStatement calldata statement, bytes32 bindingId) private view {
        Provider storage provider = _requireRegistered(statement.agentId);
        require(statement.operator == provider.owner, OperatorMismatch(provider.owner, statement.operator));
        require(
            _approvals[statement.agentId][provider.endpointVersion][bindingId], BindingNotApproved(bindingId)
        );
        require(_bindings[bindingId].revokedAt == 0, BindingIsRevoked(bindingId));
    }

    /// @dev Named by one of the last 256 blocks and by a later one than the last grant: neither an old quote nor an
    /// older attestation can be played again (attack R12).
    function _requireFresh(bytes32 bindingId, uint64 blockNumber) private view returns (bytes32 blockHash) {
        blockHash = blockhash(blockNumber);
        require(blockHash != 0, BlockOutOfWindow(blockNumber, block.number));
        Binding storage binding = _bindings[bindingId];
        require(
            binding.signer == address(0) || blockNumber > binding.blockNumber,
            StaleAttestation(binding.blockNumber, blockNumber)
        );
    }

    function _requirePossession(
        address signer,
        bytes32 structHash,
        uint256 deadline,
        bytes calldata signature
    ) private view {
        require(block.timestamp <= deadline, SignatureExpired(deadline));
        address actual = SettlementLib.signerOf(_hashTypedDataV4(structHash), signature);
        require(actual != address(0) && actual == signer, InvalidSignature(signer));
    }

    function _requireRegistered(uint256 agentId) private view returns (Provider storage provider) {
        provider = _providers[agentId];
        require(provider.registeredAt != 0, UnknownProvider(agentId));
    }

    /// @dev Registered, the caller may act for the agent, and the agent has not been transferred since.
    function _requireCurrent(uint256 agentId) private view returns (Provider storage provider) {
        provider = _requireRegistered(agentId);
        address owner = _requireController(agentId);
        require(owner == provider.owner, OperatorMismatch(provider.owner, owner));
    }

    /// @dev Live ERC-721 owner, approved address or operator (attack R4); ownerOf reverts for an unknown agent.
    function _requireController(uint256 agentId) private view returns (address owner) {
        owner = identityRegistry.ownerOf(agentId);
        require(
            msg.sender == owner || msg.sender == identityRegistry.getApproved(agentId)
                || identityRegistry.isApprovedForAll(owner, msg.sender),
            NotAgentOwner(agentId, msg.sender)
        );
    }

    function _requireBondAndWallet(uint256 agentId, address owner) private view {
        uint256 bond = _bondOf(agentId, owner);
        require(bond >= _minimumBond(), InsufficientBond(_minimumBond(), bond));
        require(identityRegistry.getAgentWallet(agentId) != address(0), NoAgentWallet(agentId));
    }

    function _requireService(uint256 agentId, uint32 serviceId) private view returns (Service storage) {
        require(serviceId < _services[agentId].length, UnknownService(agentId, serviceId));
        return _services[agentId][serviceId];
    }

    function _latestPrice(uint256 agentId, uint32 serviceId) private view returns (Price storage) {
        return _prices[agentId][serviceId][_requireService(agentId, serviceId).latestPriceVersion - 1];
    }

    function _bondOf(uint256 agentId, address owner) private view returns (uint256) {
        bytes32 bondId = computeStaking.bondIdOf(IComputeStaking.Role.PROVIDER, agentId, owner);
        return computeStaking.activeBond(bondId);
    }

    function _minimumBond() private view returns (uint256) {
        return computeStaking.minimumOf(IComputeStaking.Role.PROVIDER);
    }

    function _requireEndpoint(string calldata endpoint) private pure {
        uint256 length = bytes(endpoint).length;
        require(length != 0 && length <= MAX_ENDPOINT_BYTES, EndpointLength(length, MAX_ENDPOINT_BYTES));
    }
}
