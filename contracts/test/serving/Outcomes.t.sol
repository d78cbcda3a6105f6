// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IInferenceServing} from "../../src/interfaces/IInferenceServing.sol";
import {Fixture} from "../Fixture.sol";

/// Every way in which a deal ends moves all of its money to where it belongs.
contract OutcomesTest is Fixture {
    /// P29: paid in full, in part, not at all, by receipts or by vouchers; closed by the payee or by time; the ledger is
    /// empty afterwards, and user and payee have what was paid in.
    function test_every_outcome_pays_out(uint8 mode, uint8 ending, uint128 amount, uint32 tokens) public {
        bool byVoucher = mode & 1 == 1;
        amount = uint128(_bound(amount, 1, DEPOSIT));
        vm.prank(provider);
        ledger.releaseChannel(channelId);
        vm.prank(user);
        ledger.withdraw(DEPOSIT, user);
        bytes32 id = byVoucher ? _voucherChannel(1) : _channel(1);

        if (byVoucher) {
            _settleVoucher(id, amount);
        } else {
            // From nothing over something to more than there is.
            IInferenceServing.RequestAuth memory auth = _auth(id, bindingId, 0);
            auth.maxFee = type(uint128).max;
            IInferenceServing.Item memory item = _signed(auth, uint32(_bound(tokens, 0, 1e9)), 0);
            vm.prank(provider);
            serving.settle(_one(item), mode & 2 == 2);
        }
        _end(id, ending);

        uint256 spent = ledger.channelOf(id).spent;
        vm.assertEq(ledger.channelOf(id).locked, spent);
        vm.assertEq(ledger.claimableOf(provider), spent);
        vm.assertEq(ledger.availableOf(user), DEPOSIT - spent);
        if (spent != 0) {
            vm.prank(provider);
            ledger.claim(relayer);
        }
        if (spent != DEPOSIT) {
            vm.prank(user);
            ledger.withdraw(DEPOSIT - spent, user);
        }
        vm.assertEq(address(ledger).balance, 0);
        vm.assertEq(user.balance + relayer.balance, 10 ether);
    }

    function _end(bytes32 id, uint8 ending) private {
        if (ending % 3 != 0) {
            vm.prank(user);
            ledger.requestRefund(id);
        }
        if (ending % 3 == 2) {
            vm.warp(START + 24 hours);
            ledger.completeRefund(id);
        } else {
            vm.prank(provider);
            ledger.releaseChannel(id);
        }
    }
}
