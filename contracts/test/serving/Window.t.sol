// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IInferenceServing} from "../../src/interfaces/IInferenceServing.sol";
import {ILedgerManager} from "../../src/interfaces/ILedgerManager.sol";
import {ChannelWords} from "../../src/libraries/ChannelWords.sol";
import {Fixture} from "../Fixture.sol";

/// P4: a nonce is used up once, wherever it is kept: the first of a channel beside what it spent, the others in words.
contract WindowTest is Fixture {
    using ChannelWords for uint256;

    uint256 private constant REPLICAS = 3;
    uint256 private constant EDGE = 24;
    /// Many windows, and the words at 256 in between.
    uint256 private constant LAST = 300;

    bytes32[3] private replicas;
    uint256[3] private keys = [SIGNER_KEY, 0xcafe, 0xd00d];
    mapping(bytes32 channelReplicaAndNonce => bool paid) private _paid;

    function setUp() public override {
        super.setUp();
        replicas[0] = bindingId;
        replicas[1] = _bind(_statement(agentId, provider, vm.addr(keys[1]), "second"), keys[1]);
        replicas[2] = _bind(_statement(agentId, provider, vm.addr(keys[2]), "third"), keys[2]);
    }

    /// Against a plain set: any order, batches of one and of many, nonces on both sides of the edge, three replicas, two
    /// channels. Preview says the same.
    function test_fuzz_every_nonce_pays_once(uint16[24] calldata picks, uint8 batch) public {
        bytes32[2] memory channels = [channelId, _channel(1)];
        uint256 size = 1 + batch % 8;
        for (uint256 from = 0; from < picks.length; from += size) {
            uint256 count = picks.length - from < size ? picks.length - from : size;
            IInferenceServing.Item[] memory items = new IInferenceServing.Item[](count);
            bool[] memory fresh = new bool[](count);
            for (uint256 i = 0; i < count; ++i) {
                uint256 pick = picks[from + i];
                // Three nonces on each side of the edge, so that many come twice.
                uint256 nonce = EDGE - 3 + (pick >> 8) % 6;
                items[i] = _itemOf(channels[pick & 1], (pick >> 1) % REPLICAS, nonce);
                bytes32 id = keccak256(abi.encode(pick & 1, (pick >> 1) % REPLICAS, nonce));
                fresh[i] = !_paid[id];
                _paid[id] = true;
            }
            (IInferenceServing.Status[] memory seen,) = serving.preview(items, false);
            (IInferenceServing.Status[] memory done,) = serving.settle(items, false);
            for (uint256 i = 0; i < count; ++i) {
                IInferenceServing.Status wanted =
                    fresh[i] ? IInferenceServing.Status.PAID : IInferenceServing.Status.ALREADY_USED;
                vm.assertEq(uint256(seen[i]), uint256(wanted), "preview");
                vm.assertEq(uint256(done[i]), uint256(wanted), "settle");
            }
        }
        for (uint256 c = 0; c < 2; ++c) {
            for (uint256 r = 0; r < REPLICAS; ++r) {
                for (uint256 nonce = EDGE - 3; nonce < EDGE + 3; ++nonce) {
                    vm.assertEq(
                        serving.isNonceUsed(channels[c], replicas[r], nonce),
                        _paid[keccak256(abi.encode(c, r, nonce))]
                    );
                }
            }
        }
    }

    /// Against a plain set again: nonces that go up as a client counts them, with gaps, stragglers and repetitions, through
    /// many windows and across the words' edge; two replicas take turns.
    function test_fuzz_counted_nonces_pay_once(uint16[40] calldata picks, uint8 batch) public {
        uint256 size = 1 + batch % 8;
        uint256 top = 0;
        for (uint256 from = 0; from < picks.length; from += size) {
            uint256 count = picks.length - from < size ? picks.length - from : size;
            IInferenceServing.Item[] memory items = new IInferenceServing.Item[](count);
            bool[] memory fresh = new bool[](count);
            for (uint256 i = 0; i < count; ++i) {
                uint256 pick = picks[from + i];
                // On by up to 24, and sometimes by more than a window may move; or back by up to 32.
                if (pick & 3 != 0) top += pick >> 10 == 63 ? 280 : (pick >> 4) % 25;
                uint256 back = pick & 3 == 0 ? (pick >> 4) % 33 : 0;
                uint256 nonce = back < top ? top - back : 0;
                uint256 replica = (pick >> 2) % 4 == 0 ? 1 : 0;
                items[i] = _itemOf(channelId, replica, nonce);
                bytes32 id = keccak256(abi.encode(0, replica, nonce));
                fresh[i] = !_paid[id];
                _paid[id] = true;
            }
            (IInferenceServing.Status[] memory seen,) = serving.preview(items, false);
            (IInferenceServing.Status[] memory done,) = serving.settle(items, false);
            for (uint256 i = 0; i < count; ++i) {
                IInferenceServing.Status wanted =
                    fresh[i] ? IInferenceServing.Status.PAID : IInferenceServing.Status.ALREADY_USED;
                vm.assertEq(uint256(seen[i]), uint256(wanted), "preview");
                vm.assertEq(uint256(done[i]), uint256(wanted), "settle");
            }
        }
        for (uint256 nonce = top > 60 ? top - 60 : 0; nonce <= top + 30; ++nonce) {
            for (uint256 r = 0; r < 2; ++r) {
                vm.assertEq(
                    serving.isNonceUsed(channelId, replicas[r], nonce),
                    _paid[keccak256(abi.encode(0, r, nonce))]
                );
            }
        }
    }

    /// What was paid above the window before it came there is paid still when it has come.
    function test_window_remembers_what_was_ahead_of_it() public {
        IInferenceServing.Item memory ahead = _itemOf(channelId, 0, 30);
        // Nobody has the window yet, so that this one goes into a word.
        _expectStatus(ahead, IInferenceServing.Status.PAID);
        _expectStatus(_itemOf(channelId, 0, 0), IInferenceServing.Status.PAID);
        _expectStatus(_itemOf(channelId, 0, 29), IInferenceServing.Status.PAID);
        vm.assertTrue(serving.isNonceUsed(channelId, replicas[0], 30));
        _expectStatus(ahead, IInferenceServing.Status.ALREADY_USED);
        vm.assertFalse(serving.isNonceUsed(channelId, replicas[0], 31));
    }

    /// A nonce far above, a random one or the last of all moves nothing: the window goes on counting.
    function test_far_nonces_leave_the_window(uint256 far) public {
        far = _bound(far, EDGE + 256, type(uint256).max);
        _expectStatus(_itemOf(channelId, 0, 0), IInferenceServing.Status.PAID);
        _expectStatus(_itemOf(channelId, 0, far), IInferenceServing.Status.PAID);
        _expectStatus(_itemOf(channelId, 0, far), IInferenceServing.Status.ALREADY_USED);
        (,, uint256 meter) = ledger.wordsOf(channelId);
        vm.assertEq(meter.windowStart(), 0);
        vm.assertEq(meter.windowBits(), 1);
    }

    /// Window after window, in one transaction and one by one.
    function test_windowFills_oneByOne() public {
        _fill(false);
    }

    function test_windowFills_together() public {
        _fill(true);
    }

    function _fill(bool together) private {
        uint256 from = together ? LAST - 49 : 0;
        for (uint256 nonce = together ? 1 : LAST; nonce < from; nonce += 10) {
            _expectStatus(_itemOf(channelId, 0, nonce), IInferenceServing.Status.PAID);
        }
        IInferenceServing.Item[] memory items = new IInferenceServing.Item[](LAST - from);
        for (uint256 i = 0; i < items.length; ++i) {
            items[i] = _itemOf(channelId, 0, from + i);
            if (!together) _expectStatus(items[i], IInferenceServing.Status.PAID);
        }
        if (together) serving.settle(items, false);
        for (uint256 i = 0; i < items.length; ++i) {
            vm.assertTrue(serving.isNonceUsed(channelId, replicas[0], from + i));
            vm.assertFalse(serving.isNonceUsed(channelId, replicas[1], from + i));
            _expectStatus(items[i], IInferenceServing.Status.ALREADY_USED);
        }
        vm.assertFalse(serving.isNonceUsed(channelId, replicas[0], LAST));
    }

    /// Nothing that user, payee or time does to the channel gives a nonce back, and nothing the window holds touches them.
    function test_fuzz_window_outlivesEverything(uint8 nonce, uint8[6] calldata acts) public {
        IInferenceServing.Item memory item = _itemOf(channelId, 1, nonce % EDGE);
        _expectStatus(item, IInferenceServing.Status.PAID);
        uint256 spent = ledger.channelOf(channelId).spent;
        ILedgerManager.Channel memory before = ledger.channelOf(channelId);
        for (uint256 i = 0; i < acts.length; ++i) {
            ILedgerManager.State state = ledger.channelOf(channelId).state;
            vm.startPrank(acts[i] % 5 == 4 ? provider : user);
            if (acts[i] % 5 == 0 && state == ILedgerManager.State.OPEN) ledger.requestRefund(channelId);
            if (acts[i] % 5 == 1 && state == ILedgerManager.State.CLOSING) ledger.cancelRefund(channelId);
            if (acts[i] % 5 == 2 && state == ILedgerManager.State.OPEN) {
                ledger.topUp{value: 0.1 ether}(channelId, 0.1 ether);
            }
            if (acts[i] % 5 == 3 && state != ILedgerManager.State.CLOSED) {
                ledger.setSessionKey(channelId, session);
            }
            if (acts[i] % 5 == 4 && i == 5 && state != ILedgerManager.State.CLOSED) {
                ledger.releaseChannel(channelId);
            }
            vm.stopPrank();
        }
        _expectStatus(item, IInferenceServing.Status.ALREADY_USED);
        vm.assertTrue(serving.isNonceUsed(channelId, replicas[1], nonce % EDGE));
        ILedgerManager.Channel memory c = ledger.channelOf(channelId);
        vm.assertEq(c.spent, spent);
        vm.assertEq(c.payee, before.payee);
        vm.assertEq(c.refundDelay, before.refundDelay);
        vm.assertEq(c.agentId, before.agentId);
        vm.assertEq(c.serviceId, before.serviceId);
        vm.assertEq(c.priceVersion, before.priceVersion);
        vm.assertEq(c.closeAt, c.state == ILedgerManager.State.CLOSING ? START + 24 hours : c.closeAt);
    }

    function test_unknownChannelHasNoUsedNonce(bytes32 id, bytes32 binding, uint256 nonce) public view {
        vm.assume(id != channelId);
        vm.assertFalse(serving.isNonceUsed(id, binding, nonce));
    }

    function _itemOf(bytes32 channel, uint256 replica, uint256 nonce)
        private
        view
        returns (IInferenceServing.Item memory)
    {
        IInferenceServing.RequestAuth memory auth = _auth(channel, replicas[replica], nonce);
        return _signedBy(auth, _receipt(serving.authDigest(auth), 100, 50), SESSION_KEY, keys[replica]);
    }
}
