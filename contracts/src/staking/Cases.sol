// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IComputeStaking} from "../interfaces/IComputeStaking.sol";
import {ICases} from "../interfaces/staking/ICases.sol";
import {Bonds} from "./Bonds.sol";
import {CaseLib} from "../libraries/CaseLib.sol";

/// @title Cases before the guardians
/// @notice Rules: see ICases.
abstract contract Cases is Bonds {
    using CaseLib for Case;
    using SafeCast for uint256;

    /// @notice Most that one case can ask for, in basis points of the bond.
    uint16 public constant MAX_CASE_BPS = 1000;
    /// @notice Most that cases take of a bond in 30 days, in basis points.
    uint256 public constant MAX_PERIOD_BPS = 2000;
    /// @notice The accuser risks as much as it asks for, at least this.
    uint256 public constant MIN_CASE_DEPOSIT = 0.01 ether;
    /// @notice Of what the accuser had to deposit. What it deposited beyond that must not make an appeal dearer.
    uint256 public constant APPEAL_FACTOR = 2;
    /// @notice Votes a panel needs in any event, and guardians without whom there are no cases.
    uint256 public constant MIN_QUORUM = 3;
    /// @notice When a freeze ends and a verdict lapses, after the case was opened.
    uint64 public constant CASE_MAX = CaseLib.CASE_MAX;
    /// @notice Bytes of UTF-8.
    uint256 public constant MAX_URI_BYTES = 256;

    /// Four of these always cover 30 days and at most 40: a slash counts against the next ones for at least 30 days.
    uint256 private constant PERIOD = 10 days;
    uint256 private constant PERIODS = 4;

    /// Of one bond, over its cases that are not final and may freeze.
    struct Freeze {
        uint64 newest;
        uint128 asked;
        uint128 limit;
    }

    uint64 private _caseCount;
    mapping(uint256 caseId => Case) private _cases;
    mapping(bytes32 bondId => Freeze) private _freezes;
    mapping(bytes32 bondId => mapping(uint256 period => uint256 amount)) private _taken;
    mapping(bytes32 bondId => mapping(bytes32 evidenceHash => bool reported)) private _reported;
    mapping(uint256 caseId => mapping(uint256 panel => mapping(address guardian => bool))) private _voted;

    /// @inheritdoc ICases
    function openCase(bytes32 bondId, uint16 bps, bytes32 evidenceHash, string calldata uri)
        external
        payable
        returns (uint256 caseId)
    {
        require(bps != 0 && bps <= MAX_CASE_BPS, BpsOutOfBounds(MAX_CASE_BPS, bps));
        require(evidenceHash != 0, EvidenceHashZero());
        require(!_reported[bondId][evidenceHash], AlreadyReported(bondId, evidenceHash));
        _requireUri(uri);
        uint32 quorum = _requireQuorum(_bond(bondId).staker);
        uint128 asked = _requireDeposit(bondId, bps);

        _reported[bondId][evidenceHash] = true;
        caseId = ++_caseCount;
        Case storage made = _cases[caseId];
        made.bondId = bondId;
        made.evidenceHash = evidenceHash;
        made.accuser = msg.sender;
        made.openedAt = uint64(block.timestamp);
        made.asked = asked;
        made.base = (slashable(bondId) + _takenLately(bondId)).toUint128();
        made.deposit = msg.value.toUint128();
        made.quorum = quorum;
        _freeze(_caseCount, made);

        emit CaseOpened(caseId, bondId, msg.sender, asked, msg.value, quorum, evidenceHash, uri);
    }

    /// @inheritdoc ICases
    function respond(uint256 caseId, bytes32 hash, string calldata uri) external {
        Case storage c = _cases[caseId];
        _requireState(caseId, c, CaseState.OPENED);
        require(msg.sender == _accusedOf(c), NotAccused(caseId, msg.sender));
        require(!c.responded, AlreadyResponded(caseId));
        _requireUri(uri);

        c.responded = true;

        emit CaseResponded(caseId, hash, uri);
    }

    /// @inheritdoc ICases
    function vote(uint256 caseId, bool guilty) external {
        Case storage c = _cases[caseId];
        uint256 panel = _panelOf(caseId, c);
        require(msg.sender != c.accuser && msg.sender != _accusedOf(c), PartyCannotVote(caseId, msg.sender));
        uint64 since = _guardianSince(msg.sender);
        require(since != 0 && since + SENIORITY <= c.openedAt, NotEligible(msg.sender, since));
        require(!_voted[caseId][panel][msg.sender], AlreadyVoted(caseId, msg.sender));

        _voted[caseId][panel][msg.sender] = true;
        if (guilty) ++c.guilty[panel];
        else ++c.innocent[panel];

        emit Voted(caseId, msg.sender, panel, guilty);
    }

    /// @inheritdoc ICases
    function appeal(uint256 caseId) external payable {
        Case storage c = _cases[caseId];
        _requireState(caseId, c, CaseState.DECIDED);
        uint64 closedAt = c.appealEnd();
        require(c.hasQuorum() && block.timestamp < closedAt, AppealClosed(closedAt, block.timestamp));
        address loser = c.firstVerdict() ? _accusedOf(c) : c.accuser;
        require(msg.sender == loser, NotLoser(caseId, loser));
        uint256 required = APPEAL_FACTOR * Math.max(MIN_CASE_DEPOSIT, c.asked);
        require(msg.value >= required, DepositTooSmall(required, msg.value));

        c.appellant = msg.sender;
        c.appealedAt = uint64(block.timestamp);
        c.appealDeposit = msg.value.toUint128();

        emit CaseAppealed(caseId, msg.sender, msg.value);
    }

    /// @inheritdoc ICases
    function finalize(uint256 caseId) external {
        Case storage c = _cases[caseId];
        CaseState state = _stateOf(c);
        require(state == CaseState.DECIDED || state == CaseState.APPEALED, WrongCaseState(caseId, state));
        uint64 finalAt = c.finalAt();
        require(block.timestamp >= finalAt, NotFinalYet(finalAt, block.timestamp));
        Outcome outcome = c.outcomeAt(block.timestamp);

        c.outcome = outcome;
        _unfreeze(c);
        if (outcome == Outcome.NO_QUORUM) delete _reported[c.bondId][c.evidenceHash];
        _settleDeposits(c, outcome);
        uint256 amount = outcome == Outcome.SLASHED ? _execute(c) : 0;

        emit CaseFinalized(caseId, outcome, amount);
    }

    /// @inheritdoc ICases
    function caseOf(uint256 caseId) external view returns (CaseState state, Case memory) {
        Case storage c = _cases[caseId];
        return (_stateOf(c), c);
    }

    /// @inheritdoc ICases
    function caseCount() external view returns (uint256) {
        return _caseCount;
    }

    /// @inheritdoc ICases
    function caseDepositOf(bytes32 bondId, uint16 bps) public view returns (uint256) {
        return Math.max(MIN_CASE_DEPOSIT, _askedOf(bondId, bps));
    }

    /// @inheritdoc ICases
    function eligibleGuardians(address accuser, address accused) public view returns (uint256 count) {
        count = _seniorGuardians();
        if (_isCountedSenior(accuser)) --count;
        if (accused != accuser && _isCountedSenior(accused)) --count;
    }

    /// @inheritdoc IComputeStaking
    /// @dev Of the newest open case depends whether there is a freeze at all, so that it ends without anybody's doing.
    function frozenOf(bytes32 bondId) public view override returns (uint256) {
        Freeze storage freeze = _freezes[bondId];
        if (!_isFrozen(freeze)) return 0;
        return Math.min(slashable(bondId), Math.min(freeze.asked, freeze.limit));
    }

    /* OUTCOME */

    /// @dev At most what is asked, what 20 % leave, and what is there.
    function _execute(Case storage c) private returns (uint256) {
        uint256 cap = _share(c.base, MAX_PERIOD_BPS);
        uint256 left = Math.saturatingSub(cap, _takenLately(c.bondId));
        uint256 taken = _slash(c.bondId, Math.min(c.asked, left), c.accuser, address(0), 0);

        _taken[c.bondId][block.timestamp / PERIOD] += taken;
        return taken;
    }

    /// @dev A deposit is lost only to a vote: the accuser's with the case, the appellant's with the appeal.
    function _settleDeposits(Case storage c, Outcome outcome) private {
        address accused = _accusedOf(c);
        _credit(outcome == Outcome.DISMISSED ? accused : c.accuser, c.deposit);

        address appellant = c.appellant;
        if (c.appealDeposit == 0) return;
        bool won = (appellant == accused) == (outcome == Outcome.DISMISSED);
        bool lost = !won && c.panelHasQuorum() && outcome != Outcome.LAPSED;
        address other = appellant == accused ? c.accuser : accused;
        _credit(lost ? other : appellant, c.appealDeposit);
    }

    /* FREEZE */

    /// @dev Not once the unbonding has ended: whoever could leave today is not held by a case of today, so that no chain of
    /// cases holds a bond longer than CASE_MAX after its day (attack K13).
    function _freeze(uint64 id, Case storage c) private {
        Bond storage bond = _bond(c.bondId);
        if (bond.unbonding != 0 && block.timestamp >= bond.unlockAt) return;

        Freeze storage freeze = _freezes[c.bondId];
        uint128 limit = _share(c.base, MAX_PERIOD_BPS).toUint128();
        if (!_isFrozen(freeze) || limit > freeze.limit) freeze.limit = limit;
        c.freezes = true;
        c.older = freeze.newest;
        if (c.older != 0) _cases[c.older].newer = id;
        freeze.newest = id;
        freeze.asked += c.asked;
    }

    function _unfreeze(Case storage c) private {
        if (!c.freezes) return;

        Freeze storage freeze = _freezes[c.bondId];
        freeze.asked -= c.asked;
        if (c.older != 0) _cases[c.older].newer = c.newer;
        if (c.newer != 0) _cases[c.newer].older = c.older;
        else freeze.newest = c.older;
    }

    function _isFrozen(Freeze storage freeze) private view returns (bool) {
        uint64 newest = freeze.newest;
        return newest != 0 && block.timestamp < _cases[newest].openedAt + CASE_MAX;
    }

    /* VIEWS */

    function _takenLately(bytes32 bondId) private view returns (uint256 sum) {
        uint256 period = block.timestamp / PERIOD;
        for (uint256 i = 0; i < PERIODS; ++i) {
            sum += _taken[bondId][period - i];
        }
    }

    function _askedOf(bytes32 bondId, uint16 bps) private view returns (uint256) {
        return _share(slashable(bondId), bps);
    }

    function _accusedOf(Case storage c) private view returns (address) {
        return _bond(c.bondId).staker;
    }

    function _stateOf(Case storage c) private view returns (CaseState) {
        return c.stateAt(block.timestamp);
    }

    function _panelOf(uint256 caseId, Case storage c) private view returns (uint256) {
        CaseState state = _stateOf(c);
        if (state == CaseState.VOTING) return 0;
        require(state == CaseState.APPEALED && block.timestamp < c.finalAt(), WrongCaseState(caseId, state));
        return 1;
    }

    function _requireState(uint256 caseId, Case storage c, CaseState wanted) private view {
        CaseState state = _stateOf(c);
        require(state == wanted, WrongCaseState(caseId, state));
    }

    /// @dev An accuser with something to lose, and enough guardians who are neither.
    function _requireQuorum(address accused) private view returns (uint32) {
        require(msg.sender != accused, AccuserIsAccused(msg.sender));
        require(
            isBonded(bondIdOf(Role.USER, 0, msg.sender)) || isBonded(bondIdOf(Role.GUARDIAN, 0, msg.sender)),
            NotBondedAccuser(msg.sender)
        );
        uint256 guardians = eligibleGuardians(msg.sender, accused);
        require(guardians >= MIN_QUORUM, TooFewGuardians(MIN_QUORUM, guardians));
        return Math.max(MIN_QUORUM, Math.ceilDiv(guardians, 2)).toUint32();
    }

    function _requireDeposit(bytes32 bondId, uint16 bps) private view returns (uint128) {
        uint256 asked = _askedOf(bondId, bps);
        require(asked != 0, NothingAtStake(bondId));
        uint256 deposit = caseDepositOf(bondId, bps);
        require(msg.value >= deposit, DepositTooSmall(deposit, msg.value));
        return asked.toUint128();
    }

    function _requireUri(string calldata uri) private pure {
        uint256 length = bytes(uri).length;
        require(length <= MAX_URI_BYTES, UriLength(length, MAX_URI_BYTES));
    }
}
