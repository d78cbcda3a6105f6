// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ComputeRegistry} from "../../src/ComputeRegistry.sol";
import {InferenceServing} from "../../src/InferenceServing.sol";
import {LedgerManager} from "../../src/LedgerManager.sol";
import {IInferenceServing} from "../../src/interfaces/IInferenceServing.sol";
import {ILedgerManager} from "../../src/interfaces/ILedgerManager.sol";
import {Test} from "../Test.sol";

/// @title Who uses the ledger, which channels there are, and what was promised on them
abstract contract MarketWorld is Test {
    struct Promise_ {
        IInferenceServing.Item item;
        uint256 fee;
        bool done;
    }

    struct Replica {
        bytes32 bindingId;
        uint256 signerKey;
    }

    LedgerManager internal immutable ledger;
    InferenceServing internal immutable serving;
    ComputeRegistry internal immutable registry;
    address internal immutable provider;
    address internal immutable owner;
    Replica[2] internal _replicas;

    uint256[3] public userKeys = [uint256(0xa1), 0xa2, 0xa3];
    address public immutable attacker = vm.addr(0xbad);
    bytes32[] public channels;
    mapping(bytes32 channelId => uint256) public sessionKeyOf;
    mapping(bytes32 channelId => uint256) public promisedOn;

    Promise_[] internal _promises;

    /// @notice How often each (channel, binding, nonce) was paid, for whatever receipt; see I4.
    mapping(bytes32 nonceId => uint256) public timesPaid;
    bytes32[] public paidNonces;
    /// @notice Highest voucher of each channel, and channels in that mode.
    mapping(bytes32 channelId => uint128) public promisedSum;

    constructor(
        ComputeRegistry registry_,
        LedgerManager ledger_,
        InferenceServing serving_,
        address provider_,
        Replica[2] memory replicas
    ) {
        (registry, ledger, serving) = (registry_, ledger_, serving_);
        (provider, owner) = (provider_, ledger_.owner());
        (_replicas[0], _replicas[1]) = (replicas[0], replicas[1]);
        for (uint256 i = 0; i < 3; ++i) {
            vm.deal(vm.addr(userKeys[i]), 100 ether);
        }
        vm.deal(attacker, 1 ether);
    }

    function channelCount() external view returns (uint256) {
        return channels.length;
    }

    function paidCount() external view returns (uint256) {
        return paidNonces.length;
    }

    /// I3: what a user does before closeAt never lowers what can be charged; a closed channel leaves nothing payable behind.
    function _requireNotLess(bytes32 id, ILedgerManager.Channel memory before) internal view {
        ILedgerManager.Channel memory c = ledger.channelOf(id);
        vm.assertGe(c.locked - c.spent, before.locked - before.spent, "chargeable went down");
        // Promises nobody redeemed in time still count while the channel lives, as the node counts them.
        uint256 owed = c.state == ILedgerManager.State.CLOSED ? _payableOn(id) : promisedOn[id];
        vm.assertGe(c.locked - c.spent, owed, "promises are not covered");
    }

    function _payableOn(bytes32 id) internal view returns (uint256 sum) {
        for (uint256 i = 0; i < _promises.length; ++i) {
            Promise_ storage made = _promises[i];
            if (made.done || made.item.auth.channelId != id) continue;
            if (block.timestamp <= uint256(made.item.auth.validUntil) + serving.SETTLE_WINDOW()) {
                sum += made.fee;
            }
        }
    }

    function _user(uint256 who) internal view returns (address) {
        return vm.addr(userKeys[who % 3]);
    }

    /// An unknown channel before the first is opened.
    function _channel(uint256 which) internal view returns (bytes32 id, ILedgerManager.Channel memory c) {
        if (channels.length != 0) id = channels[which % channels.length];
        c = ledger.channelOf(id);
    }
}
