// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IComputeRegistry} from "../interfaces/IComputeRegistry.sol";
import {Providers} from "./Providers.sol";

/// @title Rows of services and prices
/// @notice Rules: see IComputeRegistry.
abstract contract Services is Providers {
    using SafeCast for uint256;

    /// @notice A mistake in `effectiveFrom` blocks the next price no longer than this.
    uint64 public constant MAX_PRICE_NOTICE = 30 days;
    /// @notice Lower bound of `priceDelay`.
    uint64 public constant MIN_PRICE_DELAY = 1 hours;
    /// @notice Upper bound of `priceDelay`.
    uint64 public constant MAX_PRICE_DELAY = 7 days;
    /// @notice Bytes of UTF-8.
    uint256 public constant MAX_MODEL_NAME_BYTES = 128;

    /// @inheritdoc IComputeRegistry
    uint64 public priceDelay = MIN_PRICE_DELAY;

    mapping(uint256 agentId => Service[] services) private _services;
    /// Version v stands at index v - 1; rows are never written again.
    mapping(uint256 agentId => mapping(uint32 serviceId => Price[] versions)) private _prices;

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
        uint64 earliest = uint64(block.timestamp) + priceDelay;
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

    /// @inheritdoc IComputeRegistry
    function setPriceDelay(uint64 seconds_) external onlyOwner {
        _announcePolicy("priceDelay", seconds_, MIN_PRICE_DELAY, MAX_PRICE_DELAY);

        priceDelay = seconds_;
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

    function _requireService(uint256 agentId, uint32 serviceId) private view returns (Service storage) {
        require(serviceId < _services[agentId].length, UnknownService(agentId, serviceId));
        return _services[agentId][serviceId];
    }

    function _latestPrice(uint256 agentId, uint32 serviceId) private view returns (Price storage) {
        return _prices[agentId][serviceId][_requireService(agentId, serviceId).latestPriceVersion - 1];
    }
}
