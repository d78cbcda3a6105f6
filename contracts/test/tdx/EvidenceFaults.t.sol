// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {JudgeFixture} from "./JudgeFixture.sol";

/// @title Evidence against its own sender
contract EvidenceFaultsTest is JudgeFixture {
    function test_refutes() public {
        vm.assertFalse(_refutes(_evidence(_quote, 1, 0)));
        // A chain that does not hold, report data of something else, DEBUG.
        vm.assertTrue(_refutes(_evidence(_with(_quote, BODY, 9), 1, 0)));
        vm.assertTrue(_refutes(_evidence(_with(_quote, 636 + 584, 0xee), 1, 0)));
        vm.assertTrue(_refutes(_evidence(_with(_quote, 770, 0xee), 1, 0)));
        vm.assertTrue(_refutes(_evidence(_resign(_with(_quote, BODY + 120, 1)), 1, 0)));
        vm.assertTrue(_refutes(_evidence(genuine.quote, 1, 0)));
        vm.assertTrue(_refutes(_evidence(_quote, 1, keccak256("gpu"))));
        vm.assertTrue(
            _judge.refutes(keccak256("other"), _statement, BLOCK, BLOCK_HASH, _evidence(_quote, 1, 0))
        );
        vm.assertTrue(_judge.refutes(BINDING, _statement, BLOCK + 1, BLOCK_HASH, _evidence(_quote, 1, 0)));
        // What is of another kind is not judged.
        vm.assertFalse(_refutes(""));
        vm.assertFalse(_refutes(new bytes(2000)));
        vm.assertFalse(_refutes(_evidence(_with(_quote, 0, 3), 1, 0)));
        vm.assertFalse(_refutes(_evidence(bytes.concat(_quote, hex"00"), 1, 0)));
    }

    /// Nothing that passes with time, or that others decide, is a fault.
    function test_refutes_is_invariant_in_time() public {
        bytes memory evidence = _evidence(_quote, 1, 0);
        _judge.remove(_key);
        vm.assertFalse(_refutes(evidence));
        verifier.upsertRevocationList(_stored("pck-revoked").pckCrl);
        vm.assertFalse(_refutes(evidence));
        verifier.upsertRevocationList(_stored("ca-revoked").rootCrl);
        vm.warp(genuine.time + 3650 days);
        vm.assertFalse(_refutes(evidence));
        // A platform's key that nobody has brought is no fault either.
        bytes memory old = _register(_stored("qe-out-of-date").quote, 0);
        vm.assertFalse(_refutes(_evidence(old, 1, 0)));
    }

    /// However little gas a caller leaves, good evidence is not refuted.
    function testFuzz_no_gas_is_no_fault(uint256 gasLeft) public view {
        gasLeft = _bound(gasLeft, 1000, 200_000);
        bytes memory payload =
            abi.encodeCall(_judge.refutes, (BINDING, _statement, BLOCK, BLOCK_HASH, _evidence(_quote, 1, 0)));
        (bool ok, bytes memory said) = address(_judge).staticcall{gas: gasLeft}(payload);
        if (ok) vm.assertFalse(abi.decode(said, (bool)));
    }

    function _refutes(bytes memory evidence) private view returns (bool) {
        return _judge.refutes(BINDING, _statement, BLOCK, BLOCK_HASH, evidence);
    }
}
