// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IInferenceServing} from "../interfaces/IInferenceServing.sol";
import {IReputationRegistry} from "../interfaces/IReputationRegistry.sol";
import {Volumes} from "./Volumes.sol";

/// @title What was paid, as feedback in the reputation registry
/// @notice Rules: see IInferenceServing. Never part of settlement.
abstract contract Feedback is Volumes, ReentrancyGuardTransient {
    using SafeCast for uint256;
    using SafeCast for int256;

    /// @notice Between two posts for one agent.
    uint64 public constant FEEDBACK_INTERVAL = 1 days;
    /// @notice Gas that must be left for the reputation registry; its first entry costs about 210,000. Without this a
    /// caller could starve it and use up the interval, and a gas estimate would find exactly that.
    uint256 public constant FEEDBACK_GAS = 500_000;

    uint256 private constant WEI_PER_GWEI = 1e9;
    uint8 private constant GWEI_DECIMALS = 9;

    /// @inheritdoc IInferenceServing
    IReputationRegistry public immutable reputationRegistry;

    struct Posted {
        uint128 volume;
        uint64 time;
    }

    mapping(uint256 agentId => Posted posted) private _posted;

    constructor(IReputationRegistry reputation) {
        require(address(reputation) != address(0), ZeroAddress());
        reputationRegistry = reputation;
    }

    /// @inheritdoc IInferenceServing
    function postFeedback(uint256 agentId) external nonReentrant {
        Posted storage posted = _posted[agentId];
        uint64 earliest = posted.time == 0 ? 0 : posted.time + FEEDBACK_INTERVAL;
        require(block.timestamp >= earliest, FeedbackTooSoon(earliest));
        uint256 inGwei = (_counters[agentId].volume - posted.volume) / WEI_PER_GWEI;
        require(inGwei != 0, NothingNew(agentId));

        posted.time = uint64(block.timestamp);
        uint256 available = gasleft();
        require(available >= FEEDBACK_GAS, InsufficientGas(FEEDBACK_GAS, available));
        int128 value = inGwei.toInt256().toInt128();

        // A provider can make the registry refuse by approving this contract as operator, whose feedback counts as the
        // agent's own. The volume then waits for the next post, and the counters here stay the record.
        try reputationRegistry.giveFeedback(agentId, value, GWEI_DECIMALS, "revenues", "ETH", "", "", 0) {
            posted.volume += (inGwei * WEI_PER_GWEI).toUint128();
            emit FeedbackPosted(agentId, value);
        } catch (bytes memory reason) {
            emit FeedbackRefused(agentId, reason);
        }
    }
}
