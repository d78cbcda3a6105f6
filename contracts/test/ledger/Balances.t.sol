// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {LedgerManager} from "../../src/LedgerManager.sol";
import {IComputeRegistry} from "../../src/interfaces/IComputeRegistry.sol";
import {IIdentityRegistry} from "../../src/interfaces/IIdentityRegistry.sol";
import {ILedgerManager} from "../../src/interfaces/ILedgerManager.sol";
import {Fixture} from "../Fixture.sol";
import {ReenteringReceiver, RefusingReceiver} from "../Receivers.sol";

contract LedgerBalancesTest is Fixture {
    function test_constructor_revertsOnZeroPeers() public {
        bytes memory wanted = abi.encodeWithSelector(ILedgerManager.ZeroAddress.selector);
        vm.expectRevert(wanted);
        new LedgerManager(IComputeRegistry(address(0)), identity, address(serving), address(this));
        vm.expectRevert(wanted);
        new LedgerManager(registry, IIdentityRegistry(address(0)), address(serving), address(this));
        vm.expectRevert(wanted);
        new LedgerManager(registry, identity, address(0), address(this));
    }

    /// What settlement and the ledger assume of each other.
    function test_windowsFit() public view {
        vm.assertEq(serving.SETTLE_WINDOW(), ledger.SETTLE_WINDOW());
        vm.assertEq(serving.MAX_AUTH_LIFE(), ledger.MAX_AUTH_LIFE());
        // A refund asked for after the answer never outruns settlement, whatever the owner chooses.
        vm.assertLt(ledger.SETTLE_WINDOW() + ledger.MAX_AUTH_LIFE(), ledger.MIN_REFUND_DELAY());
    }

    function test_fuzz_depositAndWithdraw(uint96 amount, uint96 out) public {
        amount = uint96(_bound(amount, 1, type(uint96).max));
        out = uint96(_bound(out, 1, amount));
        vm.deal(attacker, amount);

        vm.startPrank(attacker);
        vm.expectEmit(address(ledger));
        emit ILedgerManager.Deposited(attacker, attacker, amount);
        ledger.deposit{value: amount}();
        vm.assertEq(ledger.availableOf(attacker), amount);

        vm.expectEmit(address(ledger));
        emit ILedgerManager.Withdrawn(attacker, relayer, out);
        ledger.withdraw(out, relayer);
        vm.stopPrank();

        vm.assertEq(relayer.balance, out);
        vm.assertEq(ledger.availableOf(attacker), amount - out);
    }

    /// P25: the side door has the same checks and gives the payer nothing.
    function test_deposit_for_same_checks() public {
        vm.expectRevert(abi.encodeWithSelector(ILedgerManager.ZeroAmount.selector));
        ledger.deposit();
        vm.expectRevert(abi.encodeWithSelector(ILedgerManager.ZeroAmount.selector));
        ledger.depositFor(user);
        vm.expectRevert(abi.encodeWithSelector(ILedgerManager.ZeroAddress.selector));
        vm.prank(attacker);
        ledger.depositFor{value: 1}(address(0));

        vm.expectEmit(address(ledger));
        emit ILedgerManager.Deposited(user, attacker, 5);
        vm.prank(attacker);
        ledger.depositFor{value: 5}(user);
        vm.assertEq(ledger.availableOf(user), 5);
        vm.assertEq(ledger.availableOf(attacker), 0);
    }

    function test_withdraw_reverts() public {
        vm.startPrank(user);
        ledger.deposit{value: 5}();
        vm.expectRevert(abi.encodeWithSelector(ILedgerManager.ZeroAddress.selector));
        ledger.withdraw(1, address(0));
        vm.expectRevert(abi.encodeWithSelector(ILedgerManager.ZeroAmount.selector));
        ledger.withdraw(0, user);
        // What is locked in the channel is out of reach.
        vm.expectRevert(abi.encodeWithSelector(ILedgerManager.InsufficientBalance.selector, 6, 5));
        ledger.withdraw(6, user);
        address refusing = address(new RefusingReceiver());
        vm.expectRevert(abi.encodeWithSelector(ILedgerManager.TransferFailed.selector, refusing, 5));
        ledger.withdraw(5, refusing);
        vm.stopPrank();
        vm.assertEq(ledger.availableOf(user), 5);
    }

    /// Not even for what it could have called for by itself.
    function test_withdraw_receiverCannotReenter() public {
        ReenteringReceiver receiver = new ReenteringReceiver();
        vm.deal(address(receiver), 2);
        receiver.run(address(ledger), 2, abi.encodeCall(ledger.deposit, ()));
        bytes memory withdraw = abi.encodeCall(ledger.withdraw, (1, address(receiver)));
        receiver.onReceive(address(ledger), withdraw);

        vm.expectRevert(abi.encodeWithSelector(ILedgerManager.TransferFailed.selector, address(receiver), 1));
        receiver.run(address(ledger), 0, withdraw);
        vm.assertEq(ledger.availableOf(address(receiver)), 2);
    }

    function test_claim_receiverCannotReenter() public {
        (, uint256 fee) = _settle(_item(0));
        vm.prank(provider);
        ledger.deposit{value: 1}();
        vm.etch(provider, address(new ReenteringReceiver()).code);
        ReenteringReceiver receiver = ReenteringReceiver(payable(provider));
        receiver.onReceive(address(ledger), abi.encodeCall(ledger.withdraw, (1, provider)));

        vm.expectRevert(abi.encodeWithSelector(ILedgerManager.TransferFailed.selector, provider, fee));
        receiver.run(address(ledger), 0, abi.encodeCall(ledger.claim, (provider)));
        vm.assertEq(ledger.claimableOf(provider), fee);
        vm.assertEq(ledger.availableOf(provider), 1);
    }

    function test_claim() public {
        (, uint256 fee) = _settle(_item(0));
        vm.expectEmit(address(ledger));
        emit ILedgerManager.Claimed(provider, relayer, fee);
        vm.prank(provider);
        vm.assertEq(ledger.claim(relayer), fee);
        vm.assertEq(relayer.balance, fee);
        vm.assertEq(ledger.claimableOf(provider), 0);

        vm.startPrank(provider);
        vm.expectRevert(abi.encodeWithSelector(ILedgerManager.ZeroAmount.selector));
        ledger.claim(relayer);
        vm.expectRevert(abi.encodeWithSelector(ILedgerManager.ZeroAddress.selector));
        ledger.claim(address(0));
        vm.stopPrank();
    }

    /// P11: a payee that refuses ether harms only itself and can name another address.
    function test_reverting_payee() public {
        _settle(_item(0));
        address refusing = address(new RefusingReceiver());
        uint256 owed = ledger.claimableOf(provider);
        vm.expectRevert(abi.encodeWithSelector(ILedgerManager.TransferFailed.selector, refusing, owed));
        vm.prank(provider);
        ledger.claim(refusing);
        vm.assertEq(ledger.claimableOf(provider), owed);
        vm.prank(provider);
        vm.assertEq(ledger.claim(relayer), owed);
    }

    /// P16, P30: nobody but InferenceServing charges, and no route there avoids the two signatures.
    function test_default_closed(address caller, uint256 amount) public {
        vm.assume(caller != address(serving));
        vm.expectRevert(abi.encodeWithSelector(ILedgerManager.NotServing.selector, caller));
        vm.prank(caller);
        ledger.charge(channelId, amount, 0);
    }

    /// P26, I2: not even InferenceServing takes more than this channel holds.
    function test_payout_le_own_escrow(uint256 amount) public {
        vm.prank(user);
        ledger.deposit{value: 3 ether}();
        amount = _bound(amount, uint256(DEPOSIT) + 1, type(uint256).max);
        vm.expectRevert(abi.encodeWithSelector(ILedgerManager.InsufficientBalance.selector, amount, DEPOSIT));
        vm.prank(address(serving));
        ledger.charge(channelId, amount, 0);

        vm.prank(address(serving));
        ledger.charge(channelId, DEPOSIT, 0);
        vm.assertEq(ledger.claimableOf(provider), DEPOSIT);
    }

    function test_charge_revertsOutsideOfAChannel() public {
        vm.startPrank(address(serving));
        vm.expectRevert(
            abi.encodeWithSelector(
                ILedgerManager.WrongState.selector, bytes32("none"), ILedgerManager.State.NONE
            )
        );
        ledger.charge("none", 0, 0);
        vm.stopPrank();
        vm.prank(provider);
        ledger.releaseChannel(channelId);
        vm.expectRevert(
            abi.encodeWithSelector(ILedgerManager.WrongState.selector, channelId, ILedgerManager.State.CLOSED)
        );
        vm.prank(address(serving));
        ledger.charge(channelId, 0, 0);
    }

    function test_plainTransferIsRefused() public {
        vm.prank(user);
        (bool sent,) = address(ledger).call{value: 1}("");
        vm.assertFalse(sent);
    }
}
