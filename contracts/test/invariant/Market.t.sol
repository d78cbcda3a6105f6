// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ILedgerManager} from "../../src/interfaces/ILedgerManager.sol";
import {Fixture} from "../Fixture.sol";
import {MarketHandler} from "./MarketHandler.sol";

/// The money, in any order of calls.
contract MarketInvariants is Fixture {
    MarketHandler private handler;

    function setUp() public override {
        super.setUp();
        handler = new MarketHandler(registry, ledger, serving, provider, bindingId, SIGNER_KEY);
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

    /// P7, I8: who deployed, and who attacks, holds nothing that it did not bring. There is no owner to take more.
    function invariant_owner_cannot_take() public view {
        address[3] memory outsiders = [handler.attacker(), address(script), address(this)];
        for (uint256 i = 0; i < 3; ++i) {
            vm.assertEq(ledger.availableOf(outsiders[i]) + ledger.claimableOf(outsiders[i]), 0);
        }
        vm.assertEq(handler.attacker().balance, 1 ether);
        vm.assertEq(address(script).balance, 0);
    }

    function _rest(bytes32 id) private view returns (uint256) {
        ILedgerManager.Channel memory c = ledger.channelOf(id);
        return c.locked - c.spent;
    }
}
