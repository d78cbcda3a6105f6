// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICases} from "../interfaces/staking/ICases.sol";

/// @title Clock and count of one case
/// @notice Rules: see ICases. Nothing here writes.
library CaseLib {
    /// @notice For the accused's answer.
    uint64 internal constant RESPONSE = 48 hours;
    /// @notice Of either panel.
    uint64 internal constant VOTING = 3 days;
    /// @notice For the loser to appeal.
    uint64 internal constant APPEAL = 3 days;
    /// @notice Three days more than the longest case takes, for somebody to finalise it.
    uint64 internal constant CASE_MAX = 14 days;

    /// @notice What can be done with the case.
    /// @param c the case
    /// @param time Unix seconds
    function stateAt(ICases.Case storage c, uint256 time) internal view returns (ICases.CaseState) {
        if (c.openedAt == 0) return ICases.CaseState.NONE;
        if (c.outcome != ICases.Outcome.PENDING) return ICases.CaseState.FINAL;
        if (time < c.openedAt + RESPONSE) return ICases.CaseState.OPENED;
        if (time < votingEnd(c)) return ICases.CaseState.VOTING;
        return c.appealedAt == 0 ? ICases.CaseState.DECIDED : ICases.CaseState.APPEALED;
    }

    /// @notice The first verdict stands from then on, unless it was appealed or there is none.
    /// @param c the case
    function appealEnd(ICases.Case storage c) internal view returns (uint64) {
        return votingEnd(c) + APPEAL;
    }

    /// @notice When the outcome is settled.
    /// @param c the case
    function finalAt(ICases.Case storage c) internal view returns (uint64) {
        if (c.appealedAt != 0) return c.appealedAt + VOTING;
        return hasQuorum(c) ? appealEnd(c) : votingEnd(c);
    }

    /// @notice What `finalize` makes of it.
    /// @param c the case
    /// @param time Unix seconds
    function outcomeAt(ICases.Case storage c, uint256 time) internal view returns (ICases.Outcome) {
        if (!hasQuorum(c)) return ICases.Outcome.NO_QUORUM;
        bool guilty = panelHasQuorum(c) ? _isGuilty(c, 1) : firstVerdict(c);
        if (!guilty) return ICases.Outcome.DISMISSED;
        return time < c.openedAt + CASE_MAX ? ICases.Outcome.SLASHED : ICases.Outcome.LAPSED;
    }

    /// @notice Whether the first panel decided anything.
    /// @param c the case
    function hasQuorum(ICases.Case storage c) internal view returns (bool) {
        return _votes(c, 0) >= c.quorum;
    }

    /// @notice Whether the second panel did: it takes as many votes as the first had.
    /// @param c the case
    function panelHasQuorum(ICases.Case storage c) internal view returns (bool) {
        return c.appealedAt != 0 && _votes(c, 1) >= _votes(c, 0);
    }

    /// @notice Guilty by the first panel; means something only with a quorum.
    /// @param c the case
    function firstVerdict(ICases.Case storage c) internal view returns (bool) {
        return _isGuilty(c, 0);
    }

    /// @notice Until then the first panel votes.
    /// @param c the case
    function votingEnd(ICases.Case storage c) internal view returns (uint64) {
        return c.openedAt + RESPONSE + VOTING;
    }

    /// @dev At least two thirds.
    function _isGuilty(ICases.Case storage c, uint256 panel) private view returns (bool) {
        return 3 * uint256(c.guilty[panel]) >= 2 * _votes(c, panel);
    }

    function _votes(ICases.Case storage c, uint256 panel) private view returns (uint256) {
        return uint256(c.guilty[panel]) + c.innocent[panel];
    }
}
