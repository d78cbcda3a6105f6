// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ILedgerManager} from "../../src/interfaces/ILedgerManager.sol";
import {ChannelWords} from "../../src/libraries/ChannelWords.sol";
import {Test} from "../Test.sol";

/// Every field keeps its place, whatever stands beside it.
contract ChannelWordsTest is Test {
    using ChannelWords for uint256;

    function test_fuzz_funds(address user, uint80 locked, uint8 mode) public view {
        ILedgerManager.Mode chosen = ILedgerManager.Mode(mode % 2);
        uint256 funds = ChannelWords.openFunds(user, locked, chosen);
        vm.assertEq(funds.account(), user);
        vm.assertEq(funds.locked(), locked);
        vm.assertEq(funds.isReceiptMode(), chosen == ILedgerManager.Mode.RECEIPT);
        vm.assertEq(uint256(funds.state()), uint256(ILedgerManager.State.OPEN));
        vm.assertTrue(funds.isChargeable());
        vm.assertFalse(funds.isClosed());
    }

    function test_fuzz_states(uint256 funds, uint8 code) public view {
        code = code % 4;
        funds = funds << 8 >> 8 | uint256(code) << 248;
        vm.assertEq(uint256(funds.state()), code);
        vm.assertEq(funds.isChargeable(), code == 1 || code == 2);
        vm.assertEq(funds.isClosed(), code == 3);
    }

    function test_fuzz_key(address session, uint48 agent, uint24 service, uint24 version) public view {
        uint256 key = ChannelWords.openKey(session, agent, service, version);
        vm.assertEq(key.account(), session);
        vm.assertEq(key.agentId(), agent);
        vm.assertEq(key.serviceId(), service);
        vm.assertEq(key.priceVersion(), version);
        vm.assertEq(key.offer(), key >> 160);
    }

    function test_fuzz_meter(uint40 payee, uint24 delay) public view {
        uint256 meter = ChannelWords.openMeter(payee, delay);
        vm.assertEq(meter.payeeNumber(), payee);
        vm.assertEq(meter.spent(), 0);
        vm.assertEq(meter.window(), 0);
        vm.assertEq(meter, uint256(payee) | uint256(delay) << 80);
    }

    /// A charge moves `spent` and puts the window there, and nothing else; a zero leaves it.
    function test_fuzz_charged(uint256 meter, uint80 amount, uint72 used) public view {
        uint256 spent = meter.spent();
        amount = uint80(_bound(amount, 0, type(uint80).max - spent));
        uint256 after_ = meter.charged(amount, used);
        vm.assertEq(after_.spent(), spent + amount);
        vm.assertEq(after_.window(), used == 0 ? meter.window() : used);
        vm.assertEq(uint104(after_), uint104(meter));
    }

    /// A nonce that was used up stays so, with its binding; no other nonce and no other binding's is.
    function test_fuzz_window(uint256 meter, bytes32 binding, bytes32 other, uint256 nonce, uint256 next)
        public
        view
    {
        // Nobody's yet, in any meter.
        meter &= ~(uint256(type(uint72).max) << 104);
        nonce = _bound(nonce, 0, 23);
        vm.assertTrue(meter.isInWindow(binding, nonce));
        vm.assertFalse(meter.isUsed(nonce));
        uint256 used = meter.use(binding, nonce);
        vm.assertTrue(used.isInWindow(binding, nonce));
        vm.assertTrue(used.isUsed(nonce));
        vm.assertEq(used.use(binding, nonce), used);
        vm.assertEq(used.spent(), meter.spent());
        vm.assertEq(uint104(used), uint104(meter));

        vm.assertEq(used.isInWindow(other, nonce), uint32(uint256(other)) == uint32(uint256(binding)));
        vm.assertFalse(used.isInWindow(binding, _bound(next, 24, type(uint256).max)));
        next = _bound(next, 0, 23);
        vm.assertEq(used.isUsed(next), next == nonce);
        uint256 both = used.use(binding, next);
        vm.assertTrue(both.isUsed(nonce));
        vm.assertTrue(both.isUsed(next));
        vm.assertTrue(both.isInWindow(binding, next));
        // What `charge` stores is what settlement saw.
        vm.assertEq(meter.charged(0, both.window()), both);
    }

    /// The window moves up by its own taker's nonces alone, and lands so that the nonce is in it, with what the words say.
    function test_fuzz_move(
        uint256 meter,
        bytes32 binding,
        bytes32 other,
        uint16 step,
        uint256 nonce,
        uint24 bits
    ) public view {
        meter = meter & ~(uint256(type(uint72).max) << 104);
        vm.assertFalse(meter.moves(binding, nonce), "nobody's");
        meter = meter.use(binding, 0).movedTo(uint256(step) << 3, bits | 1);
        uint256 start = uint256(step) << 3;
        vm.assertEq(meter.windowStart(), start);
        vm.assertEq(meter.windowBits(), bits | 1);
        vm.assertFalse(meter.moves(binding, start + 23));
        vm.assertFalse(meter.moves(binding, start + 24 + 256));
        if (start != 0) vm.assertFalse(meter.isInWindow(binding, start - 1));
        nonce = _bound(nonce, start + 24, start + 24 + 255);
        vm.assertEq(meter.moves(binding, nonce), nonce < 2 ** 19);
        if (uint32(uint256(other)) != uint32(uint256(binding))) {
            vm.assertFalse(meter.moves(other, nonce));
            vm.assertFalse(meter.isInWindow(other, start));
        }
        if (nonce >= 2 ** 19) return;

        uint256 to = ChannelWords.startFor(nonce);
        vm.assertTrue(to > start && nonce >= to + 8 && nonce < to + 16);
        uint256 moved = meter.movedTo(to, 0).use(binding, nonce);
        vm.assertTrue(moved.isInWindow(binding, nonce));
        vm.assertTrue(moved.isUsed(nonce));
        vm.assertFalse(moved.isUsed(nonce - 1));
        vm.assertEq(moved.windowStart(), to);
        vm.assertEq(moved.spent(), meter.spent());
        vm.assertEq(uint104(moved), uint104(meter));
    }
}
