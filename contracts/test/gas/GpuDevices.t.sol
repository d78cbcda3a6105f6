// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {GpuFixture} from "../registry/GpuFixture.sol";

/// Gas of whole transactions, in snapshots/GpuDevices.json.
contract GpuDevicesGasTest is GpuFixture {
    string private constant GROUP = "GpuDevices";

    function test_gas_claim() public {
        _devices.claim(_mine.statement, _list(2));
        vm.assertLe(vm.snapshotGasLastCall(GROUP, "claim, first, 2 devices"), 180_000);

        _later();
        vm.warp(_devices.claimOf(_id, false).keptUntil - LEASE / 2);
        _renew(_mine, _gpuAppraisal());
        _devices.claim(_mine.statement, _list(2));
        vm.assertLe(vm.snapshotGasLastCall(GROUP, "claim, renewal, 2 devices"), 110_000);
    }

    function test_gas_takeover() public {
        _devices.claim(_mine.statement, _list(2));
        _later();
        vm.warp(_devices.claimOf(_id, false).keptUntil + 1);
        (, Attest memory a) = _shown(_rivalAgent, RIVAL, "next tenant", _list(2));
        _devices.claim(a.statement, _list(2));
        vm.snapshotGasLastCall(GROUP, "claim, 2 devices of another binding");
    }

    function test_gas_server() public {
        (, Attest memory a) = _shown(agentId, provider, "8 GPUs, 4 switches", _list(12));
        _devices.claim(a.statement, _list(12));
        vm.snapshotGasLastCall(GROUP, "claim, first, 8 GPUs and 4 switches");
    }
}
