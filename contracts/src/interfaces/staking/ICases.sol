// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Faults that only people can judge
/// @notice Guardians decide, M of N, in the open, with a deposit on either side, an appeal and small caps: at most 10 % of a
/// bond in a case and 20 % in any 30 days. With fewer than three guardians there are no cases.
///
/// ```
/// OPENED ─ 48 h ─► VOTING ─ 3 d ─► DECIDED ─ 3 d, no appeal ─────────► FINAL
///    (accused responds)               │ loser, double deposit            ▲
///                                     └──────► APPEALED ─ 3 d ───────────┘
/// ```
/// An outcome is executed by `finalize`, by anyone. No quorum dismisses a case and returns the deposit. A case freezes what it
/// asks for, never after CASE_MAX, whether anybody finalises it or not; a verdict of guilty that nobody executed by then lapses.
///
/// Who may vote, in both panels: guardians bonded for SENIORITY when the case was opened and still bonded, except accuser and
/// accused. The second panel is this same whole body, everybody votes anew, and it overturns the first only with at least as
/// many votes. If those who had voted were left out, a minority could hold back its votes and be the second panel alone; with
/// three guardians there would be none. Without enough votes the first verdict stands: the appellant has to convince.
interface ICases {
    enum CaseState {
        NONE,
        OPENED,
        VOTING,
        DECIDED,
        APPEALED,
        FINAL
    }

    enum Outcome {
        PENDING,
        SLASHED,
        /// Not guilty by vote: the deposit is the accused's.
        DISMISSED,
        NO_QUORUM,
        /// Guilty, but not executed before CASE_MAX: all deposits go back.
        LAPSED
    }

    struct Case {
        bytes32 bondId;
        bytes32 evidenceHash;
        address accuser;
        uint64 openedAt;
        Outcome outcome;
        bool responded;
        /// Whether the bond's unbonding had not ended when the case was opened.
        bool freezes;
        /// Wei to be slashed.
        uint128 asked;
        /// What 20 % are counted of: the bond then, and what cases took from it lately.
        uint128 base;
        uint128 deposit;
        uint128 appealDeposit;
        address appellant;
        uint64 appealedAt;
        /// Votes that a panel needs.
        uint32 quorum;
        uint32[2] guilty;
        uint32[2] innocent;
        /// Neighbours among the open cases of the bond that freeze, by time.
        uint64 older;
        uint64 newer;
    }

    /// @notice `asked` of the bond is frozen while the case is open. `uri` leads to what hashes to `evidenceHash`.
    /// @param caseId from 1
    /// @param bondId of the accused
    /// @param accuser who opened it
    /// @param asked wei to be slashed
    /// @param deposit wei
    /// @param quorum votes that a panel needs
    /// @param evidenceHash of the evidence
    /// @param uri UTF-8, at most MAX_URI_BYTES
    event CaseOpened(
        uint256 indexed caseId,
        bytes32 indexed bondId,
        address indexed accuser,
        uint128 asked,
        uint256 deposit,
        uint32 quorum,
        bytes32 evidenceHash,
        string uri
    );
    /// @notice By the accused.
    /// @param caseId from 1
    /// @param hash of the answer
    /// @param uri UTF-8, at most MAX_URI_BYTES
    event CaseResponded(uint256 indexed caseId, bytes32 hash, string uri);
    /// @notice `panel` 0, or 1 after an appeal.
    /// @param caseId from 1
    /// @param guardian who
    /// @param panel 0, or 1 after an appeal
    /// @param guilty the vote
    event Voted(uint256 indexed caseId, address indexed guardian, uint256 indexed panel, bool guilty);
    /// @notice A second vote begins.
    /// @param caseId from 1
    /// @param appellant who lost by vote
    /// @param deposit wei
    event CaseAppealed(uint256 indexed caseId, address indexed appellant, uint256 deposit);
    /// @notice Final; `amount` was slashed.
    /// @param caseId from 1
    /// @param outcome see Outcome
    /// @param amount wei slashed
    event CaseFinalized(uint256 indexed caseId, Outcome indexed outcome, uint256 amount);

    error WrongCaseState(uint256 caseId, CaseState actual);
    error NotBondedAccuser(address caller);
    error AccuserIsAccused(address caller);
    error BpsOutOfBounds(uint256 max, uint256 actual);
    error NothingAtStake(bytes32 bondId);
    error EvidenceHashZero();
    error AlreadyReported(bytes32 bondId, bytes32 evidenceHash);
    error DepositTooSmall(uint256 required, uint256 actual);
    error TooFewGuardians(uint256 required, uint256 actual);
    error UriLength(uint256 length, uint256 max);
    error NotAccused(uint256 caseId, address caller);
    error AlreadyResponded(uint256 caseId);
    error PartyCannotVote(uint256 caseId, address caller);
    error NotEligible(address caller, uint64 guardianSince);
    error AlreadyVoted(uint256 caseId, address caller);
    error NotLoser(uint256 caseId, address expected);
    error AppealClosed(uint64 closedAt, uint256 nowAt);
    error NotFinalYet(uint64 finalAt, uint256 nowAt);

    /// @notice Caller holds a user or guardian bond and pays at least `caseDepositOf`, all of which is at risk.
    /// One case for each bond and evidence, unless the earlier one had no quorum.
    /// @param bondId of the accused
    /// @param bps of the bond, 1 … MAX_CASE_BPS
    /// @param evidenceHash of what `uri` leads to
    /// @param uri UTF-8, at most MAX_URI_BYTES
    /// @return caseId of the new case
    function openCase(bytes32 bondId, uint16 bps, bytes32 evidenceHash, string calldata uri)
        external
        payable
        returns (uint256 caseId);

    /// @notice The accused, once, while OPENED.
    /// @param caseId from 1
    /// @param hash of the answer
    /// @param uri UTF-8, at most MAX_URI_BYTES
    function respond(uint256 caseId, bytes32 hash, string calldata uri) external;

    /// @notice A guardian, once in each panel, while VOTING or APPEALED.
    /// @param caseId from 1
    /// @param guilty the vote
    function vote(uint256 caseId, bool guilty) external;

    /// @notice Whoever lost by vote, once, within the appeal window, with twice what the accuser had to deposit. Lost again by
    /// vote, it goes to the other side.
    /// @param caseId from 1
    function appeal(uint256 caseId) external payable;

    /// @notice Anyone, as soon as the outcome is settled.
    /// @param caseId from 1
    function finalize(uint256 caseId) external;

    /// @notice All zero for an unknown id. Ids count from 1.
    /// @param caseId any
    /// @return state what can be done with it now
    /// @return the case
    function caseOf(uint256 caseId) external view returns (CaseState state, Case memory);
    /// @notice How many have been opened; the latest id.
    function caseCount() external view returns (uint256);
    /// @notice What the accuser has to deposit: as much as is asked for, at least MIN_CASE_DEPOSIT.
    /// @param bondId of the accused
    /// @param bps of the bond
    function caseDepositOf(bytes32 bondId, uint16 bps) external view returns (uint256);
    /// @notice Guardians who could vote in a case opened now, excluding these two. Those who are within a day of SENIORITY are
    /// counted, which only raises the quorum.
    /// @param accuser any
    /// @param accused whose bond it is
    function eligibleGuardians(address accuser, address accused) external view returns (uint256);
}
