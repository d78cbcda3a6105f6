// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ComputeRegistry} from "../../src/ComputeRegistry.sol";
import {ComputeStaking} from "../../src/ComputeStaking.sol";
import {InferenceServing} from "../../src/InferenceServing.sol";
import {IComputeStaking} from "../../src/interfaces/IComputeStaking.sol";
import {IInferenceServing} from "../../src/interfaces/IInferenceServing.sol";
import {IBindings} from "../../src/interfaces/registry/IBindings.sol";
import {NodeStatement} from "../../src/interfaces/NodeStatement.sol";
import {ICases} from "../../src/interfaces/staking/ICases.sol";
import {IEvidence} from "../../src/interfaces/staking/IEvidence.sol";
import {Test} from "../Test.sol";

/// @title Stakers, guardians, reporters, an owner and an attacker use the bond contract in any order
/// @notice Whatever goes in and comes out is counted here, and each call is held against what it may change.
contract StakingHandler is Test {
    struct Node {
        bytes32 bindingId;
        bytes32 bondId;
        uint256 signerKey;
        NodeStatement statement;
    }

    uint256 private constant STAKERS = 9;
    bytes private constant EVIDENCE = "evidence";

    ComputeStaking private immutable staking;
    ComputeRegistry private immutable registry;
    InferenceServing private immutable serving;
    bytes32 private immutable channelId;
    address public immutable attacker = vm.addr(0xbad);
    address public immutable sink = vm.addr(0xfee);

    Node[] private _nodes;
    bytes32[] public bonds;
    address[] public accounts;
    mapping(bytes32 bondId => bool) private _knownBond;
    mapping(address account => bool) private _knownAccount;

    /// @notice Wei that went in minus wei that came out or was burned.
    uint256 public inside;
    /// @notice How often each thing succeeded, so that a run can be seen to have done something.
    mapping(bytes32 what => uint256 times) public done;

    uint256 private _counter;

    constructor(
        ComputeStaking staking_,
        ComputeRegistry registry_,
        InferenceServing serving_,
        bytes32 channelId_,
        address channelUser_,
        Node[] memory nodes
    ) {
        (staking, registry, serving) = (staking_, registry_, serving_);
        channelId = channelId_;
        inside = address(staking_).balance;
        _know(channelUser_);
        _know(attacker);
        for (uint256 i = 0; i < STAKERS; ++i) {
            _know(_staker(i));
        }
        for (uint256 i = 0; i < nodes.length; ++i) {
            _nodes.push(nodes[i]);
            _knowBond(nodes[i].bondId);
            _know(nodes[i].statement.operator);
        }
    }

    /* BONDS */

    function stake(uint256 who, uint256 role, uint256 amount) external {
        address staker = _staker(who);
        role = _bound(role, 1, 3);
        if (staking.intakePaused()) return;
        amount = _bound(amount, staking.minimumOf(IComputeStaking.Role(role)), 5 ether);
        vm.deal(staker, amount);
        vm.prank(staker);
        bytes32 id;
        if (role == 1) id = staking.stakeAsUser{value: amount}();
        else if (role == 2) id = staking.stakeAsProvider{value: amount}(who % 2);
        else id = staking.stakeAsGuardian{value: amount}();
        inside += amount;
        _knowBond(id);
    }

    function addStake(uint256 which, uint256 amount) external {
        (bytes32 id, IComputeStaking.Bond memory bond) = _bond(which);
        if (staking.intakePaused()) return;
        amount = _bound(amount, staking.minimumOf(bond.role), 5 ether);
        vm.deal(bond.staker, amount);
        vm.prank(bond.staker);
        staking.addStake{value: amount}(id);
        inside += amount;
    }

    /// The provider on its way out, with whatever part.
    function requestUnstake(uint256 which, uint256 amount) external {
        (bytes32 id, IComputeStaking.Bond memory bond) = _bond(which);
        if (bond.bonded == 0 || bond.unbonding != 0) return;
        uint256 minimum = staking.minimumOf(bond.role);
        amount = _bound(amount, 1, bond.bonded);
        if (bond.bonded - amount < minimum) amount = bond.bonded;
        vm.prank(bond.staker);
        staking.requestUnstake(id, uint128(amount));
        vm.assertEq(staking.activeBond(id), bond.bonded - amount);
        vm.assertEq(staking.slashable(id), uint256(bond.bonded) + bond.unbonding);
    }

    function cancelUnstake(uint256 which) external {
        (bytes32 id, IComputeStaking.Bond memory bond) = _bond(which);
        if (bond.unbonding == 0) return;
        vm.prank(bond.staker);
        staking.cancelUnstake(id);
    }

    /// I9: only time and an open case's part hold a bond back, paused or not.
    function completeUnstake(uint256 which) external {
        (bytes32 id, IComputeStaking.Bond memory bond) = _bond(which);
        if (bond.unbonding == 0) return;
        uint256 free = staking.slashable(id) - staking.frozenOf(id);
        uint256 wanted = free < bond.unbonding ? free : bond.unbonding;
        uint256 before = sink.balance;
        vm.prank(bond.staker);
        try staking.completeUnstake(id, sink) {
            vm.assertTrue(block.timestamp >= bond.unlockAt, "before the delay ended");
            vm.assertEq(sink.balance, before + wanted, "paid another amount");
            inside -= wanted;
            ++done["exit"];
        } catch {
            vm.assertTrue(block.timestamp < bond.unlockAt || wanted == 0, "exit blocked");
        }
        // K13: two spans after it was asked for, nothing of it is frozen any more.
        if (block.timestamp >= uint256(bond.unlockAt) + staking.CASE_MAX()) {
            vm.assertGe(wanted, bond.unbonding, "frozen for ever");
        }
    }

    /* EVIDENCE */

    function proveConflict(uint256 which, uint256 nonce, uint32 more) external {
        Node storage node = _node(which);
        IEvidence.Conflict memory c = _conflict(node, nonce % 50, more);
        address who = _staker(nonce);
        _commit(who, staking.conflictHash(c));
        uint256 before = staking.slashable(node.bondId);
        uint256 burned = address(0).balance;
        uint256 others = _sumOfBonds() - before;
        vm.prank(who);
        try staking.proveConflict(c, 0) {
            vm.assertEq(staking.slashable(node.bondId), before / 2, "half");
            _slashed("conflict", node.bondId, before, burned);
        } catch {
            vm.assertEq(staking.slashable(node.bondId), before);
        }
        vm.assertEq(_sumOfBonds() - staking.slashable(node.bondId), others, "another bond was touched");
    }

    function proveLeakedKey(uint256 which, uint256 who, bool stolen) external {
        Node storage node = _node(which);
        address reporter = _staker(who);
        bytes memory sig = _signature(node.signerKey, staking.leakDigest(node.bindingId, reporter));
        _commit(stolen ? attacker : reporter, staking.leakHash(node.bindingId, sig));
        uint256 before = staking.slashable(node.bondId);
        uint256 burned = address(0).balance;
        vm.prank(stolen ? attacker : reporter);
        try staking.proveLeakedKey(node.bindingId, sig, 0) {
            vm.assertFalse(stolen, "in another name");
            _slashed("leak", node.bondId, before, burned);
        } catch {
            vm.assertEq(staking.slashable(node.bondId), before);
        }
    }

    function proveBadAttestation(uint256 which, uint256 who, bool refuted) external {
        Node storage node = _node(which);
        address reporter = _staker(who);
        IBindings.GrantProof memory proof;
        vm.mockCall(
            address(registry),
            abi.encodeCall(registry.refutesEvidence, (node.bindingId, node.statement, EVIDENCE, proof)),
            abi.encode(refuted)
        );
        _commit(reporter, staking.attestationHash(node.bindingId, EVIDENCE));
        uint256 before = staking.slashable(node.bondId);
        uint256 burned = address(0).balance;
        vm.prank(reporter);
        try staking.proveBadAttestation(node.bindingId, node.statement, EVIDENCE, proof, 0) {
            vm.assertTrue(refuted, "not refuted");
            _slashed("attestation", node.bondId, before, burned);
        } catch {
            vm.assertEq(staking.slashable(node.bondId), before);
        }
    }

    /* CASES */

    function openCase(uint256 who, uint256 which, uint256 bps) public returns (uint256 caseId) {
        (bytes32 id,) = _bond(which);
        address accuser = _staker(who);
        uint16 asked = uint16(_bound(bps, 0, 1001));
        uint256 deposit = staking.caseDepositOf(id, asked) + who % 3;
        vm.deal(accuser, deposit);
        vm.prank(accuser);
        try staking.openCase{value: deposit}(id, asked, keccak256(abi.encode(++_counter)), "") returns (
            uint256 opened
        ) {
            inside += deposit;
            ++done["open"];
            return opened;
        } catch {
            return 0;
        }
    }

    function respond(uint256 which) external {
        (uint256 caseId, ICases.Case memory c) = _case(which);
        vm.prank(staking.bondOf(c.bondId).staker);
        try staking.respond(caseId, bytes32(which), "") {} catch {}
    }

    /// Guardians vote in every way, also those who may not.
    function vote(uint256 which, uint256 who, bool guilty) public {
        (uint256 caseId, ICases.Case memory c) = _case(which);
        address guardian = _staker(who);
        uint64 since =
            staking.bondOf(staking.bondIdOf(IComputeStaking.Role.GUARDIAN, 0, guardian)).guardianSince;
        vm.prank(guardian);
        try staking.vote(caseId, guilty) {
            vm.assertTrue(since != 0 && since + 7 days <= c.openedAt, "voted without a seat");
            vm.assertTrue(guardian != c.accuser && guardian != staking.bondOf(c.bondId).staker, "party voted");
            ++done["vote"];
        } catch {}
    }

    function appeal(uint256 which, bool byAccuser) public {
        (uint256 caseId, ICases.Case memory c) = _case(which);
        address who = byAccuser ? c.accuser : staking.bondOf(c.bondId).staker;
        uint256 deposit = 2 * uint256(c.deposit);
        vm.deal(who, deposit);
        vm.prank(who);
        try staking.appeal{value: deposit}(caseId) {
            inside += deposit;
            ++done["appeal"];
        } catch {}
    }

    function finalize(uint256 which) public {
        (uint256 caseId, ICases.Case memory c) = _case(which);
        uint256 before = staking.slashable(c.bondId);
        uint256 burned = address(0).balance;
        try staking.finalize(caseId) {
            (, ICases.Case memory after_) = staking.caseOf(caseId);
            uint256 taken = before - staking.slashable(c.bondId);
            vm.assertLe(taken, c.asked, "more than was asked for");
            if (after_.outcome == ICases.Outcome.SLASHED) {
                _slashed("case", c.bondId, before, burned);
                vm.assertTrue(block.timestamp < c.openedAt + staking.CASE_MAX(), "after CASE_MAX");
                vm.assertTrue(c.guilty[0] + c.innocent[0] >= c.quorum, "no quorum");
            } else {
                vm.assertEq(taken, 0, "slashed without a verdict");
            }
            ++done["final"];
        } catch {}
    }

    /// A whole case, which single calls seldom add up to.
    function trial(uint256 seed, uint256 which, uint256 bps, uint256 votes, bool appealed) external {
        openCase(seed, which, bps);
        uint256 caseId = staking.caseCount();
        if (caseId == 0) return;
        vm.warp(block.timestamp + 48 hours);
        for (uint256 i = 0; i < STAKERS; ++i) {
            vote(caseId - 1, i, (votes >> i) & 3 != 0);
        }
        vm.warp(block.timestamp + 3 days);
        if (appealed) {
            appeal(caseId - 1, seed % 2 == 0);
            appeal(caseId - 1, seed % 2 != 0);
            for (uint256 i = 0; i < STAKERS; ++i) {
                if ((votes >> (i + 20)) & 3 != 0) vote(caseId - 1, i, (votes >> (i + 40)) & 3 != 0);
            }
        }
        vm.warp(block.timestamp + 3 days);
        finalize(caseId - 1);
    }

    function claimReward(uint256 who) external {
        address account = accounts[who % accounts.length];
        uint256 owed = staking.rewardOf(account);
        if (owed == 0) return;
        uint256 before = sink.balance;
        vm.prank(account);
        staking.claimReward(sink);
        vm.assertEq(sink.balance, before + owed);
        inside -= owed;
        ++done["claim"];
    }

    /* POWERS */

    /// I8: the owner calls everything it has, and nobody has less than before.
    function owner(uint256 op, uint256 role, uint128 value) external {
        (uint256 bondsBefore, uint256 rewardsBefore) = (_sumOfBonds(), sumOfRewards());
        uint256 frozenBefore = _sumOfFrozen();
        vm.startPrank(staking.owner());
        if (op % 3 == 0) {
            staking.setIntakePaused(value % 4 == 0);
        } else if (op % 3 == 1) {
            try staking.setMinimum(IComputeStaking.Role(role % 4), value % 5 ether) {} catch {}
        } else {
            (bytes32 id,) = _bond(role);
            bytes[4] memory calls = [
                abi.encodeCall(staking.completeUnstake, (id, sink)),
                abi.encodeCall(staking.requestUnstake, (id, 1)),
                abi.encodeCall(staking.claimReward, (sink)),
                abi.encodeCall(staking.vote, (_bound(value, 0, staking.caseCount()), true))
            ];
            (bool success,) = address(staking).call(calls[value % 4]);
            vm.assertFalse(success, "the owner succeeded");
        }
        vm.stopPrank();
        vm.assertEq(_sumOfBonds(), bondsBefore);
        vm.assertEq(sumOfRewards(), rewardsBefore);
        vm.assertEq(_sumOfFrozen(), frozenBefore);
    }

    /// No outsider touches a bond, whatever it calls.
    function attack(uint256 which, uint128 amount, uint256 op) external {
        (bytes32 id,) = _bond(which);
        bytes[8] memory calls = [
            abi.encodeCall(staking.requestUnstake, (id, amount)),
            abi.encodeCall(staking.cancelUnstake, (id)),
            abi.encodeCall(staking.completeUnstake, (id, attacker)),
            abi.encodeCall(staking.addStake, (id)),
            abi.encodeCall(staking.claimReward, (attacker)),
            abi.encodeCall(staking.vote, (which, true)),
            abi.encodeCall(staking.respond, (which, 0, "")),
            abi.encodeCall(staking.setMinimum, (IComputeStaking.Role.USER, 0.01 ether))
        ];
        vm.prank(attacker);
        (bool success,) = address(staking).call(calls[op % calls.length]);
        vm.assertFalse(success, "an outsider succeeded");
    }

    function passTime(uint256 time) external {
        vm.warp(block.timestamp + _bound(time, 1, 10 days));
    }

    /* WHAT THERE IS */

    function bondCount() external view returns (uint256) {
        return bonds.length;
    }

    function accountCount() external view returns (uint256) {
        return accounts.length;
    }

    function sumOfRewards() public view returns (uint256 sum) {
        for (uint256 i = 0; i < accounts.length; ++i) {
            sum += staking.rewardOf(accounts[i]);
        }
    }

    /// I11, K4, K9: no more than there was; at least 85 % of it burned or above the reporter's bound.
    function _slashed(bytes32 what, bytes32 bondId, uint256 before, uint256 burnedBefore) private {
        uint256 taken = before - staking.slashable(bondId);
        uint256 burned = address(0).balance - burnedBefore;
        vm.assertLe(burned, taken);
        vm.assertGe(burned, taken * 85 / 100, "less than 85 % burned");
        inside -= burned;
        ++done[what];
    }

    function _commit(address who, bytes32 evidenceHash) private {
        bytes32 commitment = staking.commitmentOf(who, evidenceHash, 0);
        vm.prank(who);
        try staking.commitEvidence(commitment) {} catch {}
        vm.warp(block.timestamp + 5 minutes);
    }

    function _conflict(Node storage node, uint256 nonce, uint32 more)
        private
        view
        returns (IEvidence.Conflict memory c)
    {
        c.auth = IInferenceServing.RequestAuth({
            channelId: channelId,
            nonce: nonce,
            bindingId: node.bindingId,
            requestHash: bytes32(nonce),
            maxFee: 0.5 ether,
            validUntil: 1
        });
        c.first.authHash = serving.authDigest(c.auth);
        c.second.authHash = c.first.authHash;
        c.first.outputTokens = 4000;
        c.second.outputTokens = 4001 + more % 90;
        c.firstSig = _signature(node.signerKey, serving.receiptDigest(c.first));
        c.secondSig = _signature(node.signerKey, serving.receiptDigest(c.second));
    }

    function _sumOfBonds() private view returns (uint256 sum) {
        for (uint256 i = 0; i < bonds.length; ++i) {
            sum += staking.slashable(bonds[i]);
        }
    }

    function _sumOfFrozen() private view returns (uint256 sum) {
        for (uint256 i = 0; i < bonds.length; ++i) {
            sum += staking.frozenOf(bonds[i]);
        }
    }

    function _bond(uint256 which) private view returns (bytes32 id, IComputeStaking.Bond memory bond) {
        id = bonds[which % bonds.length];
        bond = staking.bondOf(id);
    }

    function _case(uint256 which) private view returns (uint256 caseId, ICases.Case memory c) {
        uint256 count = staking.caseCount();
        caseId = count == 0 ? 0 : 1 + which % count;
        (, c) = staking.caseOf(caseId);
    }

    function _node(uint256 which) private view returns (Node storage) {
        return _nodes[which % _nodes.length];
    }

    function _know(address account) private {
        if (!_knownAccount[account]) accounts.push(account);
        _knownAccount[account] = true;
    }

    function _knowBond(bytes32 id) private {
        if (!_knownBond[id]) bonds.push(id);
        _knownBond[id] = true;
    }

    function _staker(uint256 who) private pure returns (address) {
        return vm.addr(1 + who % STAKERS);
    }
}
