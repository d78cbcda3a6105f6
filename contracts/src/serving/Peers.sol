// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IComputeRegistry} from "../interfaces/IComputeRegistry.sol";
import {IInferenceServing} from "../interfaces/IInferenceServing.sol";
import {ILedgerManager} from "../interfaces/ILedgerManager.sol";
import {IServices} from "../interfaces/registry/IServices.sol";
import {ChannelWords} from "../libraries/ChannelWords.sol";
import {SettlementLib} from "../libraries/SettlementLib.sol";

/// @title Registry and ledger, and what settlement of either kind asks them about a channel
/// @notice Rules: see IInferenceServing.
abstract contract Peers is IInferenceServing {
    using ChannelWords for uint256;

    /// @inheritdoc IInferenceServing
    IComputeRegistry public immutable computeRegistry;
    /// @inheritdoc IInferenceServing
    ILedgerManager public immutable ledgerManager;

    constructor(IComputeRegistry registry, ILedgerManager ledger) {
        require(address(registry) != address(0) && address(ledger) != address(0), ZeroAddress());
        computeRegistry = registry;
        ledgerManager = ledger;
    }

    /// @inheritdoc IInferenceServing
    function feeOf(bytes32 channelId, uint32 inputTokens, uint32 outputTokens)
        external
        view
        returns (uint256)
    {
        (, uint256 key,) = ledgerManager.wordsOf(channelId);
        return SettlementLib.fee(_priceOf(key), inputTokens, outputTokens);
    }

    function _priceOf(uint256 key) internal view returns (IServices.Price memory) {
        return computeRegistry.priceOf(key.agentId(), key.serviceId(), key.priceVersion());
    }

    /// @dev `signer` is not zero and is the channel's session key or one that was replaced not long ago.
    function _speaksFor(uint256 key, bytes32 channelId, address signer) internal view returns (bool) {
        if (signer == address(0)) return false;
        return signer == key.account() || ledgerManager.isSessionKey(channelId, signer);
    }
}
