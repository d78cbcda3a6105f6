// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IInferenceServing} from "../../src/interfaces/IInferenceServing.sol";
import {ILedgerManager} from "../../src/interfaces/ILedgerManager.sol";
import {LedgerFixture} from "../ledger/LedgerFixture.sol";

/// Gas of whole transactions, base fee of 21,000 and calldata included, under osaka rules and `--isolate`; kept in
/// snapshots/Settlement.json. What no code can save of one receipt in a channel of its own: calldata 5,200, two ecrecover
/// 6,200, three words of the channel 9,200, event 2,643, a fiftieth of what is paid once 1,200, calls 400: 24,800; a user of
/// its own 5,000 more, 17,100 more the first time. Counted nonces stand in a word that is written anyway; every 16th moves them
/// on and costs the 5,000 of a word of nonces, 17,100 more for the first of 256.
contract SettlementGasTest is LedgerFixture {
    uint256 private constant BATCH = 50;
    string private constant GROUP = "Settlement";

    uint256 private _salt = 100;

    function test_gas_oneChannel() public {
        _measure("receipt in one channel, fresh", _batch(_repeat(channelId), 0));
        _measure("receipt in one channel, steady", _batch(_repeat(channelId), 50), 25_000);
    }

    function test_gas_distinctChannels() public {
        _settle(_item(1000));
        bytes32[] memory channels = new bytes32[](BATCH);
        for (uint256 i = 0; i < BATCH; ++i) {
            channels[i] = _channelOf(USER_KEY);
        }
        _measure("receipt in distinct channels, fresh", _batch(channels, 0), 35_000);
        _measure("receipt in distinct channels, steady", _batch(channels, 1), 35_000);
        _measure("receipt in distinct channels, window moves first", _batch(channels, 24));
        // From one move of the window to the next.
        uint256 moving = _measure("receipt in distinct channels, window moves", _batch(channels, 40));
        uint256 sum = moving;
        for (uint256 nonce = 41; nonce < 56; ++nonce) {
            sum += _measure("receipt in distinct channels, after a move", _batch(channels, nonce));
        }
        vm.snapshotValue(GROUP, "receipt in distinct channels, nonces 40 to 55", sum / 16);
        vm.assertLe(sum / 16, 35_000);
    }

    function test_gas_distinctUsers() public {
        _settle(_item(1000));
        bytes32[] memory channels = new bytes32[](BATCH);
        for (uint256 i = 0; i < BATCH; ++i) {
            channels[i] = _channelOf(uint256(keccak256(abi.encode("user", i))));
        }
        _measure("receipt of distinct users, fresh", _batch(channels, 0));
        _measure("receipt of distinct users, steady", _batch(channels, 1));
    }

    function test_gas_single() public {
        IInferenceServing.Item[] memory items = new IInferenceServing.Item[](1);
        items[0] = _item(0);
        serving.settle(items, false);
        vm.snapshotGasLastCall(GROUP, "settle one receipt, fresh");
        items[0] = _item(1);
        serving.settle(items, false);
        vm.snapshotGasLastCall(GROUP, "settle one receipt, steady");
    }

    function test_gas_voucher() public {
        _settle(_item(1000));
        ILedgerManager.Open memory o = _open(1);
        o.mode = ILedgerManager.Mode.VOUCHER;
        vm.prank(user);
        bytes32 id = ledger.openChannel{value: o.amount}(o);
        _settleVoucher(id, 0.1 ether);
        vm.snapshotGasLastCall(GROUP, "settleVoucher, fresh");
        _settleVoucher(id, 0.2 ether);
        vm.assertLe(vm.snapshotGasLastCall(GROUP, "settleVoucher, steady"), 60_000);
    }

    function test_gas_opening() public {
        vm.prank(user);
        ledger.deposit{value: 5 ether}();
        ILedgerManager.Open memory o = _open(uint256(keccak256("salt")));
        bytes memory sig = _openSig(o, START, USER_KEY);
        vm.prank(relayer);
        ledger.openChannelWithSig(o, START, sig);
        vm.assertLe(vm.snapshotGasLastCall(GROUP, "openChannelWithSig"), 150_000);

        // The first channel that a payee ever has gives the payee a number.
        vm.deal(attacker, 1 ether);
        o.agentId = _provider(attacker);
        o.serviceId = _service(attacker, o.agentId, _price(IN_PRICE, OUT_PRICE));
        sig = _openSig(o, START, USER_KEY);
        vm.prank(relayer);
        ledger.openChannelWithSig(o, START, sig);
        vm.snapshotGasLastCall(GROUP, "openChannelWithSig, first of a payee");

        o = _open(uint256(keccak256("another salt")));
        vm.prank(user);
        ledger.openChannel{value: o.amount}(o);
        vm.snapshotGasLastCall(GROUP, "openChannel");
    }

    function _measure(string memory name, IInferenceServing.Item[] memory items, uint256 limit) private {
        vm.assertLe(_measure(name, items), limit, name);
    }

    function _measure(string memory name, IInferenceServing.Item[] memory items)
        private
        returns (uint256 each)
    {
        vm.prank(relayer);
        serving.settle(items, false);
        each = vm.lastCallGas().gasTotalUsed / BATCH;
        vm.snapshotValue(GROUP, name, each);
    }

    function _batch(bytes32[] memory channels, uint256 nonce)
        private
        view
        returns (IInferenceServing.Item[] memory items)
    {
        items = new IInferenceServing.Item[](BATCH);
        for (uint256 i = 0; i < BATCH; ++i) {
            uint256 next = i != 0 && channels[i] == channels[i - 1] ? nonce + i : nonce;
            items[i] = _signed(_auth(channels[i], bindingId, next), 1234, 567);
        }
    }

    function _repeat(bytes32 channel) private pure returns (bytes32[] memory channels) {
        channels = new bytes32[](BATCH);
        for (uint256 i = 0; i < BATCH; ++i) {
            channels[i] = channel;
        }
    }

    function _channelOf(uint256 key) private returns (bytes32) {
        ILedgerManager.Open memory o = _open(++_salt);
        o.user = vm.addr(key);
        vm.deal(o.user, 1 ether);
        vm.prank(o.user);
        return ledger.openChannel{value: o.amount}(o);
    }
}
