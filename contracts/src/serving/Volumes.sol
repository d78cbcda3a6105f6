// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IInferenceServing} from "../interfaces/IInferenceServing.sol";

/// @title What was paid to each agent, and by whom
/// @notice Rules: see IInferenceServing. Receipts and vouchers are counted alike.
abstract contract Volumes is IInferenceServing {
    using SafeCast for uint256;

    /// One word.
    struct Counters {
        uint64 settled;
        uint128 volume;
        uint64 users;
    }

    mapping(address user => mapping(uint256 agentId => uint256 wei_)) private _volume;
    mapping(uint256 agentId => Counters counters) internal _counters;

    /// @inheritdoc IInferenceServing
    function settledVolume(address user, uint256 agentId) external view returns (uint256) {
        return _volume[user][agentId];
    }

    /// @inheritdoc IInferenceServing
    function counters(uint256 agentId) external view returns (uint64 settled, uint128 volume, uint64 users) {
        Counters storage counted = _counters[agentId];
        return (counted.settled, counted.volume, counted.users);
    }

    function _count(address user, uint256 agentId, uint256 items, uint256 paid) internal {
        if (paid == 0) return;

        Counters storage counted = _counters[agentId];
        uint256 before = _volume[user][agentId];
        uint64 users = counted.users;
        if (before == 0) ++users;
        // forge-lint: disable-next-line(unsafe-typecast) -- at most MAX_BATCH
        uint64 settled = counted.settled + uint64(items);
        uint128 volume = counted.volume + paid.toUint128();
        (counted.settled, counted.volume, counted.users) = (settled, volume, users);
        _volume[user][agentId] = before + paid;
    }
}
