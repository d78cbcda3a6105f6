// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title What a provider sells
/// @notice A service is a model, and immutable price versions of it.
interface IServices {
    struct Service {
        /// sha256 of the JCS model descriptor in the node's catalogue: name, weights, engine, quantisation.
        bytes32 modelId;
        string modelName;
        uint32 latestPriceVersion;
        bool active;
    }

    /// @notice Immutable once written. Prices in wei per million tokens.
    struct Price {
        uint128 inPerMTok;
        uint128 outPerMTok;
        uint32 maxOutputTokens;
        /// From when on channels may be opened at this price.
        uint64 effectiveFrom;
    }

    /// @notice Followed by `PriceSet` for version 1.
    /// @param agentId ERC-8004 id
    /// @param serviceId from 0
    /// @param modelId digest of the model descriptor
    /// @param modelName as clients ask for it
    event ServiceAdded(
        uint256 indexed agentId, uint32 indexed serviceId, bytes32 indexed modelId, string modelName
    );
    /// @notice Whether new channels can be opened.
    /// @param agentId ERC-8004 id
    /// @param serviceId from 0
    /// @param active whether new channels may be opened
    event ServiceActiveSet(uint256 indexed agentId, uint32 indexed serviceId, bool active);
    /// @notice A row was appended.
    /// @param agentId ERC-8004 id
    /// @param serviceId from 0
    /// @param version from 1
    /// @param price the new row
    event PriceSet(uint256 indexed agentId, uint32 indexed serviceId, uint32 version, Price price);

    error ModelNameLength(uint256 length, uint256 max);
    error ModelIdZero();
    error UnknownService(uint256 agentId, uint32 serviceId);
    error UnknownPrice(uint256 agentId, uint32 serviceId, uint32 version);
    error PriceTooSoon(uint64 earliest, uint64 actual);
    error PriceTooLate(uint64 latest, uint64 actual);
    error PricePending(uint64 effectiveFrom);
    error MaxOutputTokensZero();

    /// @notice Offers a model. The first price takes effect at once (`price.effectiveFrom` is set to now).
    /// @param agentId of a registered provider
    /// @param modelId digest of the model descriptor
    /// @param modelName as clients ask for it, UTF-8
    /// @param price version 1
    /// @return serviceId of the new service
    function addService(uint256 agentId, bytes32 modelId, string calldata modelName, Price calldata price)
        external
        returns (uint32 serviceId);

    /// @notice Appends a price version, effective at `price.effectiveFrom` between now + `priceDelay` and now +
    /// MAX_PRICE_NOTICE; one may be pending. Open channels keep theirs.
    /// @param agentId of a registered provider
    /// @param serviceId of the service
    /// @param price next version
    /// @return version of the new row
    function setPrice(uint256 agentId, uint32 serviceId, Price calldata price)
        external
        returns (uint32 version);

    /// @notice An inactive service takes no new channels; open ones stay chargeable.
    /// @param agentId of a registered provider
    /// @param serviceId of the service
    /// @param active whether new channels may be opened
    function setServiceActive(uint256 agentId, uint32 serviceId, bool active) external;

    /// @notice Owner only, 1 hour to 7 days. Prices announced before keep their date.
    /// @param seconds_ new `priceDelay`
    function setPriceDelay(uint64 seconds_) external;

    /// @notice Shortest notice of a new price: caches of discovery live shorter than this.
    /// @return seconds
    function priceDelay() external view returns (uint64);

    /// @notice Reverts for an unknown service.
    /// @param agentId of a registered provider
    /// @param serviceId of the service
    /// @return the service
    function serviceOf(uint256 agentId, uint32 serviceId) external view returns (Service memory);

    /// @notice Service ids are 0 … count - 1.
    /// @param agentId any
    /// @return 0 for an unknown agent
    function serviceCount(uint256 agentId) external view returns (uint32);

    /// @notice Reverts for an unknown version.
    /// @param agentId of a registered provider
    /// @param serviceId of the service
    /// @param version from 1
    /// @return the row
    function priceOf(uint256 agentId, uint32 serviceId, uint32 version) external view returns (Price memory);

    /// @notice The one version at which channels can be opened now.
    /// @param agentId of a registered provider
    /// @param serviceId of the service
    /// @return version for `priceOf`
    function currentPriceVersion(uint256 agentId, uint32 serviceId) external view returns (uint32 version);

    /// @notice What opening a channel asks, in one call. Reverts for an unknown service of an active provider.
    /// @param agentId any
    /// @param serviceId of the service
    /// @return providerActive as `isActive`; if not, the rest is zero
    /// @return serviceActive as in `serviceOf`
    /// @return priceVersion as `currentPriceVersion`
    function offerOf(uint256 agentId, uint32 serviceId)
        external
        view
        returns (bool providerActive, bool serviceActive, uint32 priceVersion);
}
