// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {MeasurementPolicy} from "../../src/MeasurementPolicy.sol";
import {IBindings} from "../../src/interfaces/registry/IBindings.sol";
import {IMeasurementPolicy} from "../../src/interfaces/IMeasurementPolicy.sol";
import {Test, Vm} from "../Test.sol";

/// @title The list alone
contract AllowList is MeasurementPolicy {
    constructor(address owner_, address remover_, uint256 delay_)
        MeasurementPolicy(owner_, remover_, delay_)
    {}
}

/// @title The allow-list: what comes in waits, what goes goes at once
contract MeasurementPolicyTest is Test {
    address private constant OWNER = address(0xA11CE);
    address private constant REMOVER = address(0xB0B);
    address private constant ANYONE = address(0xCAFE);
    uint64 private constant SEPT_VE_DISABLE = 1 << 28;

    MeasurementPolicy private _policy;

    function setUp() public {
        vm.warp(1_800_000_000);
        _policy = new AllowList(OWNER, REMOVER, 48 hours);
    }

    function test_delay_is_at_least_48_hours() public {
        vm.expectRevert(
            abi.encodeWithSelector(
                IMeasurementPolicy.DelayOutOfBounds.selector, 48 hours, 30 days, 48 hours - 1
            )
        );
        new AllowList(OWNER, REMOVER, 48 hours - 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                IMeasurementPolicy.DelayOutOfBounds.selector, 48 hours, 30 days, 30 days + 1
            )
        );
        new AllowList(OWNER, REMOVER, 30 days + 1);
        vm.assertEq(_policy.delay(), 48 hours);
    }

    function test_constructor_names_the_remover() public {
        vm.expectEmit(vm.computeCreateAddress(address(this), vm.getNonce(address(this))));
        emit IMeasurementPolicy.RemoverSet(address(this), REMOVER);
        new AllowList(OWNER, REMOVER, 48 hours);
    }

    function test_addition_waits() public {
        bytes32 key = _policy.keyOf(_measurement());
        uint256 ready = block.timestamp + 48 hours;
        vm.expectEmit(address(_policy));
        emit IMeasurementPolicy.EntryProposed(key, OWNER, ready, _measurement(), _rule(), _origin());
        vm.prank(OWNER);
        vm.assertEq(_policy.propose(_measurement(), _rule(), _origin()), key);
        vm.assertEq(_policy.readyAt(key), ready);
        vm.assertEq(_policy.ruleOf(key).index, 0);

        vm.warp(ready - 1);
        vm.expectRevert(abi.encodeWithSelector(IMeasurementPolicy.TooEarly.selector, ready, ready - 1));
        _policy.accept(key);
        vm.warp(ready);
        vm.expectEmit(address(_policy));
        emit IMeasurementPolicy.EntryAccepted(key, 1);
        vm.prank(ANYONE);
        vm.assertEq(_policy.accept(key), 1);

        IMeasurementPolicy.Rule memory rule = _policy.ruleOf(key);
        vm.assertEq(rule.index, 1);
        vm.assertEq(uint256(rule.tier), uint256(IBindings.Tier.TDX));
        vm.assertEq(rule.tcbStatuses, 0x03);
        vm.assertEq(rule.tdAttributes, SEPT_VE_DISABLE);
        vm.assertEq(rule.maxValidity, 1 days);
        vm.assertEq(_policy.ruleAt(1).index, 1);
        vm.assertEq(_policy.entryCount(), 1);
        vm.assertEq(_policy.readyAt(key), 0);
        vm.expectRevert(abi.encodeWithSelector(IMeasurementPolicy.NotProposed.selector, key));
        _policy.accept(key);
    }

    function test_removal_is_immediate() public {
        bytes32 key = _listed();
        vm.expectRevert(abi.encodeWithSelector(IMeasurementPolicy.NotRemover.selector, ANYONE));
        vm.prank(ANYONE);
        _policy.remove(key);
        vm.expectEmit(address(_policy));
        emit IMeasurementPolicy.EntryRemoved(key, 1, REMOVER);
        vm.prank(REMOVER);
        _policy.remove(key);
        vm.assertEq(_policy.ruleOf(key).index, 0);
        vm.assertEq(_policy.ruleAt(1).index, 0);
        vm.expectRevert(abi.encodeWithSelector(IMeasurementPolicy.NotListed.selector, key));
        vm.prank(REMOVER);
        _policy.remove(key);
    }

    function test_removed_comes_back_as_a_new_entry() public {
        bytes32 key = _listed();
        vm.prank(OWNER);
        _policy.remove(key);
        vm.assertEq(uint256(_listed()), uint256(key));
        vm.assertEq(_policy.ruleOf(key).index, 2);
        // What hung on the first entry stays out.
        vm.assertEq(_policy.ruleAt(1).index, 0);
        vm.assertEq(_policy.ruleAt(2).index, 2);
    }

    function test_withdrawal() public {
        vm.prank(OWNER);
        bytes32 key = _policy.propose(_measurement(), _rule(), _origin());
        vm.expectRevert(abi.encodeWithSelector(IMeasurementPolicy.NotRemover.selector, ANYONE));
        vm.prank(ANYONE);
        _policy.withdraw(key);
        vm.expectEmit(address(_policy));
        emit IMeasurementPolicy.EntryWithdrawn(key, REMOVER);
        vm.prank(REMOVER);
        _policy.withdraw(key);
        vm.warp(block.timestamp + 48 hours);
        vm.expectRevert(abi.encodeWithSelector(IMeasurementPolicy.NotProposed.selector, key));
        _policy.accept(key);
        vm.expectRevert(abi.encodeWithSelector(IMeasurementPolicy.NotProposed.selector, key));
        vm.prank(REMOVER);
        _policy.withdraw(key);
    }

    /// A remover can deny and nothing else; nobody but the owner can propose.
    function test_powers() public {
        address[2] memory others = [REMOVER, ANYONE];
        for (uint256 i = 0; i < others.length; ++i) {
            bytes memory unauthorized =
                abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, others[i]);
            vm.expectRevert(unauthorized);
            vm.prank(others[i]);
            _policy.propose(_measurement(), _rule(), _origin());
            vm.expectRevert(unauthorized);
            vm.prank(others[i]);
            _policy.setRemover(ANYONE);
        }
        vm.expectEmit(address(_policy));
        emit IMeasurementPolicy.RemoverSet(OWNER, ANYONE);
        vm.prank(OWNER);
        _policy.setRemover(ANYONE);
        vm.assertEq(_policy.remover(), ANYONE);
    }

    /// No second announcement can shorten the first, and no listed entry is repointed.
    function test_entries_are_never_repointed() public {
        vm.startPrank(OWNER);
        bytes32 key = _policy.propose(_measurement(), _rule(), _origin());
        vm.expectRevert(abi.encodeWithSelector(IMeasurementPolicy.AlreadyProposed.selector, key));
        _policy.propose(_measurement(), _rule(), _origin());
        vm.warp(block.timestamp + 48 hours);
        _policy.accept(key);
        IMeasurementPolicy.Rule memory other = _rule();
        other.tcbStatuses = 0x0f;
        vm.expectRevert(abi.encodeWithSelector(IMeasurementPolicy.AlreadyListed.selector, key));
        _policy.propose(_measurement(), other, _origin());
        vm.stopPrank();
    }

    function test_what_no_entry_can_say() public {
        IMeasurementPolicy.Measurement memory m = _measurement();
        IMeasurementPolicy.Rule memory r = _rule();
        m.imageId = 0;
        _refused(m, r, abi.encodeWithSelector(IMeasurementPolicy.ImageIdZero.selector));
        m = _measurement();
        m.workload = 0;
        _refused(
            m, r, abi.encodeWithSelector(IMeasurementPolicy.WorkloadMismatch.selector, m.pin, m.workload)
        );
        m = _measurement();
        m.pin = IMeasurementPolicy.WorkloadPin.NONE;
        _refused(
            m, r, abi.encodeWithSelector(IMeasurementPolicy.WorkloadMismatch.selector, m.pin, m.workload)
        );
        // What no contract sees of a GPU rests on software that is pinned.
        m.workload = 0;
        r.tier = IBindings.Tier.TDX_GPU;
        _refused(m, r, abi.encodeWithSelector(MeasurementPolicy.GpuWorkloadNotPinned.selector));
        m = _measurement();
        r.tier = IBindings.Tier.SIMULATED;
        _refused(m, r, abi.encodeWithSelector(IMeasurementPolicy.TierNotAllowed.selector, r.tier));
        r = _rule();
        // OutOfDate, and nothing at all.
        r.tcbStatuses = 0x11;
        _refused(m, r, abi.encodeWithSelector(IMeasurementPolicy.StatusesNotAllowed.selector, 0x0f, 0x11));
        r.tcbStatuses = 0;
        _refused(m, r, abi.encodeWithSelector(IMeasurementPolicy.StatusesNotAllowed.selector, 0x0f, 0));
    }

    /// DEBUG, profiling, MIGRATABLE and reserved bits are nothing that an entry can allow.
    function test_attributes_no_entry_can_allow() public {
        uint64 allowed = _policy.ALLOWED_ATTRIBUTES();
        for (uint256 bit = 0; bit < 64; ++bit) {
            IMeasurementPolicy.Rule memory r = _rule();
            r.tdAttributes |= uint64(1) << uint64(bit);
            bool fine = bit == 16 || bit == 27 || bit == 28 || bit == 30 || bit == 31 || bit >= 62;
            vm.assertEq(allowed & (uint64(1) << uint64(bit)) != 0, fine);
            if (fine) continue;
            bytes memory reason = abi.encodeWithSelector(
                IMeasurementPolicy.AttributesNotAllowed.selector, allowed, r.tdAttributes
            );
            _refused(_measurement(), r, reason);
        }
    }

    function test_origin_is_required() public {
        IMeasurementPolicy.Origin memory origin = _origin();
        origin.commit = 0;
        vm.expectRevert(IMeasurementPolicy.NoOrigin.selector);
        vm.prank(OWNER);
        _policy.propose(_measurement(), _rule(), origin);
        origin = _origin();
        origin.sources = new string[](0);
        vm.expectRevert(IMeasurementPolicy.NoOrigin.selector);
        vm.prank(OWNER);
        _policy.propose(_measurement(), _rule(), origin);
    }

    function testFuzz_every_field_is_in_the_key(bytes32 noise) public view {
        IMeasurementPolicy.Measurement memory m = _measurement();
        bytes32 key = _policy.keyOf(m);
        m.imageId ^= bytes32(uint256(noise) | 1);
        vm.assertNotEq(_policy.keyOf(m), key);
        m = _measurement();
        m.pin = IMeasurementPolicy.WorkloadPin.RTMR3;
        vm.assertNotEq(_policy.keyOf(m), key);
        m = _measurement();
        m.workload ^= bytes32(uint256(noise) | 1);
        vm.assertNotEq(_policy.keyOf(m), key);
        m = _measurement();
        m.mrServiceTd ^= bytes32(uint256(noise) | 1);
        vm.assertNotEq(_policy.keyOf(m), key);
    }

    /// Replaying the events from the start gives the list.
    function testFuzz_events_replay_to_the_list(uint256 seed) public {
        vm.recordLogs();
        bytes32[4] memory keys;
        for (uint256 i = 0; i < 4; ++i) {
            IMeasurementPolicy.Measurement memory m = _measurement();
            m.imageId = bytes32(i + 1);
            keys[i] = _policy.keyOf(m);
            vm.prank(OWNER);
            _policy.propose(m, _rule(), _origin());
        }
        vm.warp(block.timestamp + 48 hours);
        for (uint256 i = 0; i < 4; ++i) {
            uint256 fate = (seed >> (2 * i)) & 3;
            vm.startPrank(REMOVER);
            if (fate == 0) _policy.withdraw(keys[i]);
            if (fate > 1) _policy.accept(keys[i]);
            if (fate > 2) _policy.remove(keys[i]);
            vm.stopPrank();
        }
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < 4; ++i) {
            uint256 index;
            bool announced;
            for (uint256 j = 0; j < logs.length; ++j) {
                bytes32 topic = logs[j].topics[0];
                if (logs[j].topics[1] != keys[i]) continue;
                if (topic == IMeasurementPolicy.EntryProposed.selector) announced = true;
                if (topic == IMeasurementPolicy.EntryWithdrawn.selector) announced = false;
                if (topic == IMeasurementPolicy.EntryAccepted.selector) {
                    announced = false;
                    index = uint256(logs[j].topics[2]);
                }
                if (topic == IMeasurementPolicy.EntryRemoved.selector) index = 0;
            }
            vm.assertEq(_policy.ruleOf(keys[i]).index, index);
            vm.assertEq(_policy.readyAt(keys[i]) != 0, announced);
        }
    }

    function _listed() private returns (bytes32 key) {
        vm.prank(OWNER);
        key = _policy.propose(_measurement(), _rule(), _origin());
        vm.warp(block.timestamp + 48 hours);
        _policy.accept(key);
    }

    function _refused(
        IMeasurementPolicy.Measurement memory m,
        IMeasurementPolicy.Rule memory r,
        bytes memory reason
    ) private {
        vm.expectRevert(reason);
        vm.prank(OWNER);
        _policy.propose(m, r, _origin());
    }

    function _measurement() private pure returns (IMeasurementPolicy.Measurement memory) {
        return IMeasurementPolicy.Measurement({
            imageId: keccak256("image"),
            pin: IMeasurementPolicy.WorkloadPin.COMPOSE_HASH,
            workload: keccak256("compose"),
            mrServiceTd: 0
        });
    }

    function _rule() private pure returns (IMeasurementPolicy.Rule memory) {
        return IMeasurementPolicy.Rule({
            index: 0,
            tier: IBindings.Tier.TDX,
            tcbStatuses: 0x03,
            tdAttributes: SEPT_VE_DISABLE,
            maxValidity: 1 days
        });
    }

    function _origin() private pure returns (IMeasurementPolicy.Origin memory origin) {
        origin.commit = bytes32(bytes20(keccak256("commit")));
        origin.sources = new string[](1);
        origin.sources[0] = "https://git.example/image";
    }
}
