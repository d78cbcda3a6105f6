// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ILedgerManager} from "../../src/interfaces/ILedgerManager.sol";
import {Fixture} from "../Fixture.sol";
import {MarketHandler} from "./MarketHandler.sol";
import {MarketWorld} from "./MarketWorld.sol";

/// The money, in any order of calls.
contract MarketInvariants is Fixture {
    MarketHandler private handler;

    function setUp() public override {
        super.setUp();
        uint256 replicaKey = uint256(keccak256("replica key"));
        bytes32 replica = _bind(_statement(agentId, provider, vm.addr(replicaKey), "replica"), replicaKey);
        handler = new MarketHandler(
            registry,
            ledger,
            serving,
            provider,
            [MarketWorld.Replica(bindingId, SIGNER_KEY), MarketWorld.Replica(replica, replicaKey)]
        );
        _addTarget(address(handler));
        for (uint256 i = 0; i < 3; ++i) {
            handler.openNoRevert(i, 0.5 ether);
        }
    }

    /// I1: the ledger holds exactly what it owes.
    function invariant_balanceCoversEverythingOwed() public view {
        uint256 owed = ledger.claimableOf(provider) + ledger.availableOf(user);
        owed += _rest(channelId);
        for (uint256 i = 0; i < 3; ++i) {
            address account = vm.addr(handler.userKeys(i));
            owed += ledger.availableOf(account) + ledger.claimableOf(account);
        }
        for (uint256 i = 0; i < handler.channelCount(); ++i) {
            owed += _rest(handler.channels(i));
        }
        vm.assertEq(address(ledger).balance, owed);
    }

    /// I2
    function invariant_spentLeLocked() public view {
        for (uint256 i = 0; i < handler.channelCount(); ++i) {
            ILedgerManager.Channel memory c = ledger.channelOf(handler.channels(i));
            vm.assertLe(c.spent, c.locked);
        }
    }

    /// P2, I3: what the node was promised stays chargeable; `redeem` fails the run when a promise is not paid.
    function invariant_chargeable_until_close() public view {
        for (uint256 i = 0; i < handler.channelCount(); ++i) {
            bytes32 id = handler.channels(i);
            if (ledger.channelOf(id).state == ILedgerManager.State.CLOSED) continue;
            vm.assertGe(_rest(id), handler.promisedOn(id), "promised more than there is");
        }
    }

    /// I4
    function invariant_noncePaysOnce() public view {
        for (uint256 i = 0; i < handler.paidCount(); ++i) {
            vm.assertEq(handler.timesPaid(handler.paidNonces(i)), 1);
        }
    }

    /// I4, I5 for vouchers: a channel is never charged more than its session key promised.
    function invariant_spentLePromisedSum() public view {
        for (uint256 i = 0; i < handler.channelCount(); ++i) {
            bytes32 id = handler.channels(i);
            ILedgerManager.Channel memory c = ledger.channelOf(id);
            if (c.mode == ILedgerManager.Mode.VOUCHER) vm.assertLe(c.spent, handler.promisedSum(id));
        }
    }

    /// I9: in every state, paused or not, what is available and claimable can be taken out, and channels whose time has
    /// come can be closed.
    function invariant_exitsWorkWhilePaused() public {
        vm.prank(ledger.owner());
        ledger.setIntakePaused(true);
        for (uint256 i = 0; i < handler.channelCount(); ++i) {
            bytes32 id = handler.channels(i);
            ILedgerManager.Channel memory c = ledger.channelOf(id);
            if (c.state == ILedgerManager.State.OPEN) {
                vm.prank(c.user);
                ledger.requestRefund(id);
            }
        }
        vm.warp(block.timestamp + 7 days);
        for (uint256 i = 0; i < handler.channelCount(); ++i) {
            bytes32 id = handler.channels(i);
            if (ledger.channelOf(id).state == ILedgerManager.State.CLOSING) ledger.completeRefund(id);
        }
        vm.prank(provider);
        ledger.releaseChannel(channelId);
        _takeOut(provider);
        _takeOut(user);
        for (uint256 i = 0; i < 3; ++i) {
            _takeOut(vm.addr(handler.userKeys(i)));
        }
        vm.assertEq(address(ledger).balance, 0);
    }

    /// P7, I8: the owner, who deployed, and who attacks hold nothing that they did not bring.
    function invariant_owner_cannot_take() public view {
        address[4] memory outsiders = [handler.attacker(), address(script), address(this), ledger.owner()];
        for (uint256 i = 0; i < 4; ++i) {
            vm.assertEq(ledger.availableOf(outsiders[i]) + ledger.claimableOf(outsiders[i]), 0);
        }
        vm.assertEq(handler.attacker().balance, 1 ether);
        vm.assertEq(address(script).balance + ledger.owner().balance, 0);
    }

    function _takeOut(address account) private {
        vm.startPrank(account);
        if (ledger.availableOf(account) != 0) ledger.withdraw(ledger.availableOf(account), account);
        if (ledger.claimableOf(account) != 0) ledger.claim(account);
        vm.stopPrank();
    }

    function _rest(bytes32 id) private view returns (uint256) {
        ILedgerManager.Channel memory c = ledger.channelOf(id);
        return c.locked - c.spent;
    }
}
