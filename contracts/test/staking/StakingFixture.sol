// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IComputeStaking} from "../../src/interfaces/IComputeStaking.sol";
import {IInferenceServing} from "../../src/interfaces/IInferenceServing.sol";
import {ILedgerManager} from "../../src/interfaces/ILedgerManager.sol";
import {IBindings} from "../../src/interfaces/registry/IBindings.sol";
import {NodeStatement} from "../../src/interfaces/NodeStatement.sol";
import {ICases} from "../../src/interfaces/staking/ICases.sol";
import {IEvidence} from "../../src/interfaces/staking/IEvidence.sol";
import {Fixture} from "../Fixture.sol";

/// @title Evidence against the provider of the fixture, and guardians who judge it
abstract contract StakingFixture is Fixture {
    /// Empty: what the registry says of it is given.
    IBindings.GrantProof internal _proof;

    uint256 internal constant GUARDIANS = 6;
    bytes32 internal constant SALT = keccak256("salt");
    bytes32 internal constant REPORT = keccak256("report");
    bytes internal constant EVIDENCE_BYTES = "evidence";

    address internal constant reporter = address(uint160(uint256(keccak256("reporter"))));
    address internal constant accuser = address(uint160(uint256(keccak256("accuser"))));

    bytes32 internal bond;
    address[] internal guardians;

    function setUp() public virtual override {
        super.setUp();
        bond = _bondId(IComputeStaking.Role.PROVIDER, agentId, provider);
    }

    /* EVIDENCE */

    /// Two receipts of the node for one authorisation of the user.
    function _conflict(uint256 nonce) internal view returns (IEvidence.Conflict memory) {
        return _conflictBy(_auth(channelId, bindingId, nonce), SIGNER_KEY);
    }

    function _conflictBy(IInferenceServing.RequestAuth memory auth, uint256 signerKey)
        internal
        view
        returns (IEvidence.Conflict memory c)
    {
        c.auth = auth;
        c.first = _receipt(serving.authDigest(auth), 100, 50);
        c.second = _receipt(serving.authDigest(auth), 100, 60);
        _sign(c, signerKey);
    }

    function _sign(IEvidence.Conflict memory c, uint256 signerKey) internal view {
        c.firstSig = _signature(signerKey, serving.receiptDigest(c.first));
        c.secondSig = _signature(signerKey, serving.receiptDigest(c.second));
    }

    /// A channel of the user at a price of 1e14 wei a token of output, where one fee can be more than a bond.
    function _dearChannel() internal returns (bytes32) {
        ILedgerManager.Open memory o = _open(1);
        o.serviceId = _service(provider, agentId, _price(0, 1e20));
        vm.prank(user);
        return ledger.openChannel{value: o.amount}(o);
    }

    /// Commits and lets the commitment come of age.
    function _commit(address who, bytes32 evidenceHash) internal {
        bytes32 commitment = staking.commitmentOf(who, evidenceHash, SALT);
        vm.prank(who);
        staking.commitEvidence(commitment);
        vm.warp(block.timestamp + staking.COMMIT_AGE());
    }

    function _proveConflict(address who, IEvidence.Conflict memory c) internal {
        _commit(who, staking.conflictHash(c));
        vm.prank(who);
        staking.proveConflict(c, SALT);
    }

    function _leakSig(bytes32 binding, address who, uint256 signerKey) internal view returns (bytes memory) {
        return _signature(signerKey, staking.leakDigest(binding, who));
    }

    /// To what `_leakSig` gives.
    function _commitLeak(address who, bytes32 binding, uint256 signerKey) internal {
        _commit(who, staking.leakHash(binding, _leakSig(binding, who, signerKey)));
    }

    function _proveLeakedKey(address who) internal {
        _commitLeak(who, bindingId, SIGNER_KEY);
        bytes memory sig = _leakSig(bindingId, who, SIGNER_KEY);
        vm.prank(who);
        staking.proveLeakedKey(bindingId, sig, SALT);
    }

    /// The registry's verifiers judge the evidence; here the answer is given.
    function _mockRefutes(bool answer) internal {
        vm.mockCall(
            address(registry),
            abi.encodeCall(
                registry.refutesEvidence, (bindingId, _fixtureStatement(), EVIDENCE_BYTES, _proof)
            ),
            abi.encode(answer)
        );
    }

    function _proveBadAttestation(address who) internal {
        _mockRefutes(true);
        _commit(who, staking.attestationHash(bindingId, EVIDENCE_BYTES));
        vm.prank(who);
        staking.proveBadAttestation(bindingId, _fixtureStatement(), EVIDENCE_BYTES, _proof, SALT);
    }

    function _fixtureStatement() internal view returns (NodeStatement memory) {
        return _statement(agentId, provider, signer, "instance");
    }

    /// The agent changes hands, and the buyer registers and stakes.
    function _sellAgentTo(address buyer) internal {
        vm.prank(provider);
        identity.transferFrom(provider, buyer, agentId);
        vm.startPrank(buyer);
        staking.stakeAsProvider{value: BOND}(agentId);
        vm.stopPrank();
    }

    /* CASES */

    function _guardian(uint256 i) internal pure returns (address) {
        return address(uint160(0x6000_0000 + i));
    }

    function _seatGuardians(uint256 count) internal {
        for (uint256 i = 0; i < count; ++i) {
            address guardian = _guardian(i);
            vm.deal(guardian, 10 ether);
            vm.prank(guardian);
            staking.stakeAsGuardian{value: 1 ether}();
            guardians.push(guardian);
        }
    }

    /// Guardians of a week, an accuser with a bond.
    function _prepareCases(uint256 count) internal {
        _seatGuardians(count);
        vm.warp(block.timestamp + 7 days);
        _stakeUser(accuser);
    }

    function _stakeUser(address who) internal {
        vm.deal(who, 10 ether);
        vm.prank(who);
        staking.stakeAsUser{value: 0.01 ether}();
    }

    function _openCase(uint16 bps) internal returns (uint256) {
        return _openCaseBy(accuser, bond, bps, REPORT);
    }

    function _openCaseBy(address who, bytes32 id, uint16 bps, bytes32 evidenceHash)
        internal
        returns (uint256)
    {
        uint256 deposit = staking.caseDepositOf(id, bps);
        vm.deal(who, 10 ether);
        vm.prank(who);
        return staking.openCase{value: deposit}(id, bps, evidenceHash, "ipfs://report");
    }

    /// To the first moment of voting.
    function _toVoting(uint256 caseId) internal {
        vm.warp(_opened(caseId) + 48 hours);
    }

    function _toDecided(uint256 caseId) internal {
        vm.warp(_opened(caseId) + 5 days);
    }

    function _toFinal(uint256 caseId) internal {
        vm.warp(_opened(caseId) + 8 days);
    }

    /// `guilty` votes first, then `innocent`, by the guardians in order.
    function _votes(uint256 caseId, uint256 guilty, uint256 innocent) internal {
        for (uint256 i = 0; i < guilty + innocent; ++i) {
            vm.prank(guardians[i]);
            staking.vote(caseId, i < guilty);
        }
    }

    /// Opened and voted on, at the end of voting.
    function _decided(uint16 bps, uint256 guilty, uint256 innocent) internal returns (uint256 caseId) {
        caseId = _openCase(bps);
        _toVoting(caseId);
        _votes(caseId, guilty, innocent);
        _toDecided(caseId);
    }

    function _appeal(uint256 caseId, address who) internal {
        (, ICases.Case memory c) = staking.caseOf(caseId);
        vm.deal(who, 10 ether);
        vm.prank(who);
        staking.appeal{value: 2 * c.deposit}(caseId);
    }

    function _opened(uint256 caseId) internal view returns (uint256) {
        (, ICases.Case memory c) = staking.caseOf(caseId);
        return c.openedAt;
    }

    function _requireState(uint256 caseId, ICases.CaseState wanted) internal view {
        (ICases.CaseState state,) = staking.caseOf(caseId);
        vm.assertEq(uint256(state), uint256(wanted), "case state");
    }

    function _outcome(uint256 caseId) internal view returns (ICases.Outcome) {
        (, ICases.Case memory c) = staking.caseOf(caseId);
        return c.outcome;
    }
}
