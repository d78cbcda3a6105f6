// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IInferenceServing} from "../../src/interfaces/IInferenceServing.sol";
import {ILedgerManager} from "../../src/interfaces/ILedgerManager.sol";
import {Fixture} from "../Fixture.sol";

/// A provider that served while the channel was open, and holds both signatures, collects until `validUntil` + 12 h. What
/// user, owner, and whoever watches over the registry do from the receipt on changes nothing of it (P2, P7, P10, P13,
/// P14, P20). After that the user has finality, as exactly.
contract CollectGuaranteeTest is Fixture {
    address private owner;

    function setUp() public override {
        super.setUp();
        owner = ledger.owner();
    }

    /// Any life of the authorisation, any hostile acts in any order, any moment of the window.
    function test_fuzz_collectable(uint8[8] calldata acts, uint32 life, uint32 wait, uint32 delay) public {
        _openWithDelay(uint32(_bound(delay, 14 hours, 7 days)));
        IInferenceServing.RequestAuth memory auth = _auth(channelId, bindingId, 0);
        auth.validUntil = uint64(START + _bound(life, 0, 1 hours));
        IInferenceServing.Item memory item = _signed(auth, 100, 50);

        for (uint256 i = 0; i < acts.length; ++i) {
            _act(acts[i]);
        }
        vm.warp(_bound(wait, START, uint256(auth.validUntil) + 12 hours));
        for (uint256 i = 0; i < acts.length; ++i) {
            _act(acts[i]);
        }
        _collects(item);
    }

    /// The worst case: the shortest delay, the longest life, everything undone in the second of the receipt, and
    /// collected in the last second.
    function test_collectable_lastSecond() public {
        _openWithDelay(14 hours);
        IInferenceServing.Item memory item = _item(0);
        IInferenceServing.Item memory late = _item(1);
        for (uint8 act = 0; act < 12; ++act) {
            _act(act);
        }
        _act(0);
        vm.assertEq(ledger.channelOf(channelId).closeAt, START + 14 hours);
        uint256 end = START + 13 hours;
        vm.warp(end);
        vm.prank(user);
        (bool closed,) = address(ledger).call(abi.encodeCall(ledger.completeRefund, (channelId)));
        vm.assertFalse(closed);
        _collects(item);
        vm.warp(end + 1);
        _expectStatus(late, IInferenceServing.Status.EXPIRED);
        // And the user's money is back within the delay.
        vm.warp(START + 14 hours);
        ledger.completeRefund(channelId);
    }

    /// Work taken while the channel is closing is safe too where the window ends before `closeAt`; where it does not, the
    /// node settles by `closeAt`.
    function test_fuzz_collectable_whileClosing(uint32 servedAfter, uint32 life) public {
        vm.prank(user);
        ledger.requestRefund(channelId);
        vm.warp(START + _bound(servedAfter, 0, 11 hours));
        IInferenceServing.RequestAuth memory auth = _auth(channelId, bindingId, 0);
        auth.validUntil = uint64(block.timestamp + _bound(life, 0, 1 hours));
        vm.assertLe(uint256(auth.validUntil) + 12 hours, ledger.channelOf(channelId).closeAt);
        IInferenceServing.Item memory item = _signed(auth, 100, 50);
        vm.warp(uint256(auth.validUntil) + 12 hours - 1);
        _collects(item);
    }

    /// Without the bound on an authorisation's life the first two rules would not be enough: a receipt for one that lives
    /// longer is none, so no node gives work for it.
    function test_tooLongLivedIsNoReceipt() public {
        IInferenceServing.RequestAuth memory auth = _auth(channelId, bindingId, 0);
        auth.validUntil = uint64(START + 1 hours + 1);
        _expectStatus(_signed(auth, 100, 50), IInferenceServing.Status.BAD_RECEIPT);
    }

    /// Every key that was ever replaced keeps its own window, and setting the old key again does not end it.
    function test_fuzz_replacedKeys(uint8 times, bool back) public {
        _openWithDelay(14 hours);
        IInferenceServing.Item memory item = _item(0);
        vm.startPrank(user);
        for (uint160 i = 1; i <= _bound(times, 1, 30); ++i) {
            ledger.setSessionKey(channelId, address(i));
        }
        if (back) {
            ledger.setSessionKey(channelId, session);
            vm.warp(START + 5 hours);
            ledger.setSessionKey(channelId, attacker);
        }
        vm.stopPrank();
        vm.warp(START + 13 hours);
        _collects(item);
    }

    /// What user and owner can do, one act a code; those that are refused in this state are refused.
    function _act(uint8 code) private {
        code %= 12;
        if (code < 6) {
            bytes[6] memory calls = [
                abi.encodeCall(ledger.requestRefund, (channelId)),
                abi.encodeCall(ledger.setSessionKey, (channelId, attacker)),
                abi.encodeCall(ledger.completeRefund, (channelId)),
                abi.encodeCall(ledger.cancelRefund, (channelId)),
                abi.encodeCall(ledger.withdraw, (ledger.availableOf(user), user)),
                abi.encodeCall(ledger.setSessionKey, (channelId, session))
            ];
            _try(user, address(ledger), calls[code]);
        } else if (code < 10) {
            bytes[4] memory calls = [
                abi.encodeCall(ledger.setIntakePaused, (true)),
                abi.encodeCall(ledger.setRefundDelay, (14 hours)),
                abi.encodeCall(ledger.setRefundDelay, (7 days)),
                abi.encodeCall(ledger.transferOwnership, (attacker))
            ];
            _try(owner, address(ledger), calls[code - 6]);
        } else if (code == 10) {
            // What moderation and slashing come to: the binding ends, the provider is inactive.
            _try(provider, address(registry), abi.encodeCall(registry.revokeBinding, (bindingId)));
            _try(provider, address(registry), abi.encodeCall(registry.setActive, (agentId, false)));
        } else {
            _try(provider, address(identity), abi.encodeCall(identity.unsetAgentWallet, (agentId)));
            _try(user, address(ledger), abi.encodeCall(ledger.claim, (user)));
        }
    }

    function _try(address sender, address target, bytes memory data) private {
        vm.prank(sender);
        (bool success,) = target.call(data);
        success;
    }

    function _collects(IInferenceServing.Item memory item) private {
        uint256 before = relayer.balance;
        (IInferenceServing.Status status, uint256 fee) = _settle(item);
        vm.assertEq(uint256(status), uint256(IInferenceServing.Status.PAID));
        vm.prank(provider);
        vm.assertEq(ledger.claim(relayer), fee);
        vm.assertEq(relayer.balance, before + fee);
    }

    function _openWithDelay(uint32 delay) private {
        vm.prank(owner);
        ledger.setRefundDelay(delay);
        channelId = _channel(1);
        vm.assertEq(uint256(ledger.channelOf(channelId).state), uint256(ILedgerManager.State.OPEN));
    }
}
