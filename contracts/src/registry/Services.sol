// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IServices} from "../interfaces/registry/IServices.sol";
import {Providers} from "./Providers.sol";

/// @title Rows of services and prices
/// @notice Rules: see IServices.
abstract contract Services is Providers, IServices {
    using SafeCast for uint256;

    /// @dev What an opening asks stands in one slot, the last.
    struct ServiceRow {
        bytes32 modelId;
        string modelName;
        /// Zero for a service that does not exist.
        uint32 latestPriceVersion;
        bool active;
        /// `effectiveFrom` of the latest price.
        uint64 latestFrom;
    }

    /// @notice A mistake in `effectiveFrom` blocks the next price no longer than this.
    uint64 public constant MAX_PRICE_NOTICE = 30 days;
    /// @notice Lower bound of `priceDelay`.
    uint64 public constant MIN_PRICE_DELAY = 1 hours;
    /// @notice Upper bound of `priceDelay`.
    uint64 public constant MAX_PRICE_DELAY = 7 days;
    /// @notice Bytes of UTF-8.
    uint256 public constant MAX_MODEL_NAME_BYTES = 128;

    /// @inheritdoc IServices
    uint64 public priceDelay = MIN_PRICE_DELAY;

    mapping(uint256 agentId => mapping(uint32 serviceId => ServiceRow service)) private _services;
    mapping(uint256 agentId => uint32 count) private _serviceCounts;
    /// Version v stands at index v - 1; rows are never written again.
    mapping(uint256 agentId => mapping(uint32 serviceId => Price[] versions)) private _prices;

    /// @inheritdoc IServices
    function addService(uint256 agentId, bytes32 modelId, string calldata modelName, Price calldata price)
        external
        returns (uint32 serviceId)
    {
        _requireCurrent(agentId);
        require(modelId != 0, ModelIdZero());
        uint256 length = bytes(modelName).length;
        require(length != 0 && length <= MAX_MODEL_NAME_BYTES, ModelNameLength(length, MAX_MODEL_NAME_BYTES));

        serviceId = _serviceCounts[agentId];
        _serviceCounts[agentId] = serviceId + 1;
        ServiceRow storage row = _services[agentId][serviceId];
        row.modelId = modelId;
        row.modelName = modelName;
        row.active = true;

        emit ServiceAdded(agentId, serviceId, modelId, modelName);
        _appendPrice(agentId, serviceId, row, price, uint64(block.timestamp));
    }

    /// @inheritdoc IServices
    function setPrice(uint256 agentId, uint32 serviceId, Price calldata price)
        external
        returns (uint32 version)
    {
        _requireCurrent(agentId);
        ServiceRow storage row = _requireService(agentId, serviceId);
        require(row.latestFrom <= block.timestamp, PricePending(row.latestFrom));
        uint64 earliest = uint64(block.timestamp) + priceDelay;
        require(price.effectiveFrom >= earliest, PriceTooSoon(earliest, price.effectiveFrom));
        uint64 last = uint64(block.timestamp) + MAX_PRICE_NOTICE;
        require(price.effectiveFrom <= last, PriceTooLate(last, price.effectiveFrom));

        return _appendPrice(agentId, serviceId, row, price, price.effectiveFrom);
    }

    /// @inheritdoc IServices
    function setServiceActive(uint256 agentId, uint32 serviceId, bool active) external {
        _requireCurrent(agentId);

        _requireService(agentId, serviceId).active = active;

        emit ServiceActiveSet(agentId, serviceId, active);
    }

    /// @inheritdoc IServices
    function setPriceDelay(uint64 seconds_) external onlyOwner {
        _announcePolicy("priceDelay", seconds_, MIN_PRICE_DELAY, MAX_PRICE_DELAY);

        priceDelay = seconds_;
    }

    /// @inheritdoc IServices
    function serviceOf(uint256 agentId, uint32 serviceId) external view returns (Service memory) {
        ServiceRow storage row = _requireService(agentId, serviceId);
        return Service({
            modelId: row.modelId,
            modelName: row.modelName,
            latestPriceVersion: row.latestPriceVersion,
            active: row.active
        });
    }

    /// @inheritdoc IServices
    function offerOf(uint256 agentId, uint32 serviceId)
        external
        view
        returns (bool providerActive, bool serviceActive, uint32 priceVersion)
    {
        if (!isActive(agentId)) return (false, false, 0);
        ServiceRow storage row = _requireService(agentId, serviceId);
        return (true, row.active, _versionNow(row));
    }

    /// @inheritdoc IServices
    function serviceCount(uint256 agentId) external view returns (uint32) {
        return _serviceCounts[agentId];
    }

    /// @inheritdoc IServices
    function priceOf(uint256 agentId, uint32 serviceId, uint32 version) external view returns (Price memory) {
        Price[] storage versions = _prices[agentId][serviceId];
        require(version != 0 && version <= versions.length, UnknownPrice(agentId, serviceId, version));
        return versions[version - 1];
    }

    /// @inheritdoc IServices
    function currentPriceVersion(uint256 agentId, uint32 serviceId) external view returns (uint32 version) {
        return _versionNow(_requireService(agentId, serviceId));
    }

    function _appendPrice(
        uint256 agentId,
        uint32 serviceId,
        ServiceRow storage service,
        Price calldata price,
        uint64 effectiveFrom
    ) private returns (uint32 version) {
        require(price.maxOutputTokens != 0, MaxOutputTokensZero());

        Price memory row = price;
        row.effectiveFrom = effectiveFrom;
        _prices[agentId][serviceId].push(row);
        version = _prices[agentId][serviceId].length.toUint32();
        service.latestPriceVersion = version;
        service.latestFrom = effectiveFrom;

        emit PriceSet(agentId, serviceId, version, row);
    }

    /// @dev At most one version is pending, and the first never was.
    function _versionNow(ServiceRow storage service) private view returns (uint32 version) {
        version = service.latestPriceVersion;
        if (service.latestFrom > block.timestamp) --version;
    }

    function _requireService(uint256 agentId, uint32 serviceId)
        private
        view
        returns (ServiceRow storage row)
    {
        row = _services[agentId][serviceId];
        require(row.latestPriceVersion != 0, UnknownService(agentId, serviceId));
    }
}
