// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ComputeRegistry} from "../../src/ComputeRegistry.sol";
import {InferenceServing} from "../../src/InferenceServing.sol";
import {LedgerManager} from "../../src/LedgerManager.sol";
import {ILedgerManager} from "../../src/interfaces/ILedgerManager.sol";
import {ChannelCalls} from "./ChannelCalls.sol";
import {MarketWorld} from "./MarketWorld.sol";
import {WorkCalls} from "./WorkCalls.sol";

/// @title Users, a provider with two replicas, the owner and an attacker use ledger and serving in any order
/// @notice The node promises work as docs/protocol.md §5 allows it: only while a channel is OPEN and what is neither spent
/// nor promised covers the fee. Whatever the user does afterwards, a promise must be paid (attacks P2, P3, P13, P20).
contract MarketHandler is ChannelCalls, WorkCalls {
    constructor(
        ComputeRegistry registry_,
        LedgerManager ledger_,
        InferenceServing serving_,
        address provider_,
        Replica[2] memory replicas
    ) MarketWorld(registry_, ledger_, serving_, provider_, replicas) {}

    /* PROVIDER */

    /// The provider switches itself off and on; what was promised stays payable.
    function setActiveNoRevert(bool active) external {
        vm.prank(provider);
        registry.setActive(0, active);
    }

    function changeEndpointNoRevert() external {
        vm.prank(provider);
        registry.updateEndpoint(0, "https://moved.example");
    }

    /* OWNER */

    /// Every setter of the owner, within bounds and outside; whatever it does, promises and exits hold (I8, I9, P7).
    function governNoRevert(uint32 delay, bool paused, uint8 op) external {
        bytes[4] memory calls = [
            abi.encodeCall(ledger.setRefundDelay, (delay)),
            abi.encodeCall(ledger.setRefundDelay, (uint32(_bound(delay, 14 hours, 7 days)))),
            abi.encodeCall(ledger.setIntakePaused, (paused)),
            abi.encodeCall(ledger.charge, (channels[delay % channels.length], delay, 0))
        ];
        vm.prank(owner);
        (bool success,) = address(ledger).call(calls[op % 4]);
        vm.assertEq(
            success, op % 4 == 1 || op % 4 == 2 || (op % 4 == 0 && delay >= 14 hours && delay <= 7 days)
        );
    }

    /* ATTACKER */

    /// Everything an outsider can call with other people's ids. Nothing of it may succeed.
    function attackNoRevert(uint256 which, uint256 amount, uint256 op) external {
        (bytes32 id, ILedgerManager.Channel memory c) = _channel(which);
        bytes[8] memory calls = [
            abi.encodeCall(ledger.charge, (id, amount, 1)),
            abi.encodeCall(ledger.withdraw, (_bound(amount, 1, type(uint128).max), attacker)),
            abi.encodeCall(ledger.claim, (attacker)),
            abi.encodeCall(ledger.requestRefund, (id)),
            abi.encodeCall(ledger.cancelRefund, (id)),
            abi.encodeCall(ledger.releaseChannel, (id)),
            abi.encodeCall(ledger.setSessionKey, (id, attacker)),
            abi.encodeCall(ledger.topUp, (id, 1))
        ];
        vm.prank(attacker);
        (bool success,) = address(ledger).call(calls[op % calls.length]);
        vm.assertFalse(success, "an outsider succeeded");
        _requireNotLess(id, c);
    }

    function passTime(uint256 time) external {
        vm.warp(block.timestamp + _bound(time, 1, 9 hours));
    }
}
