// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Sha256} from "../../src/tdx/Sha256.sol";
import {ITdxCollateral} from "../../src/tdx/interfaces/ITdxCollateral.sol";
import {TdxFixture} from "./TdxFixture.sol";

/// @title Both hashes as calls of their own
contract Sha256Harness {
    function one(bytes calldata data) external view returns (bytes32) {
        return Sha256.ofCalldata(_start(data), data.length);
    }

    /// The same bytes in two pieces.
    function two(bytes calldata data) external view returns (bytes32) {
        uint256 first = data.length / 3;
        return Sha256.ofCalldata(_start(data), first, _start(data) + first, data.length - first);
    }

    function _start(bytes calldata data) private pure returns (uint256 pos) {
        assembly ("memory-safe") {
            pos := data.offset
        }
    }
}

/// @title Whoever sends a call chooses its gas: a call within that fails for want of it changes no answer
contract WantOfGasTest is TdxFixture {
    uint256 private constant MAX_GAS = 3_000_000;

    /// With any amount of gas there is the right hash or none.
    function test_no_hash_for_want_of_gas() public {
        Sha256Harness harness = new Sha256Harness();
        // Long enough for a 64th of what the precompile needs to pay for the refusal.
        bytes memory data = new bytes(200_000);
        bytes32 expected = sha256(data);
        bytes[2] memory calls =
            [abi.encodeCall(Sha256Harness.one, (data)), abi.encodeCall(Sha256Harness.two, (data))];
        for (uint256 i = 0; i < calls.length; ++i) {
            (uint256 refused, uint256 answered) = (0, 0);
            for (uint256 limit = 150_000; limit < 350_000; limit += 5000) {
                (bool ok, bytes memory said) = address(harness).staticcall{gas: limit}(calls[i]);
                if (ok) vm.assertEq(abi.decode(said, (bytes32)), expected);
                if (ok) ++answered;
                else if (said.length != 0) vm.assertEq(bytes32(said), bytes32(Sha256.Sha256Failed.selector));
                if (!ok && said.length != 0) ++refused;
            }
            vm.assertTrue(refused != 0 && answered != 0);
        }
    }

    /// A document that cannot be kept is not taken for one that is.
    function test_blob_not_stored_for_want_of_gas() public {
        bytes memory document = _replace(genuine.tcbInfo, "2026-06-14T12:00:00Z", "2026-06-14T12:00:01Z");
        // Other levels than those that are kept already.
        document = _replace(document, '"OutOfDate"', '"Revoked"');
        bytes memory call = abi.encodeCall(ITdxCollateral.upsertTcbInfo, (document, _signDocument(document)));
        (uint256 before,,) = verifier.tcbInfoOf(bytes6(0xfa4e00000001), EVALUATION_NUMBER);
        bool refused = false;
        bool ok = false;
        for (uint256 limit = 200_000; !ok && limit < MAX_GAS; limit += 5000) {
            bytes memory reason;
            (ok, reason) = address(verifier).call{gas: limit}(call);
            if (ok) break;
            (uint256 issued,,) = verifier.tcbInfoOf(bytes6(0xfa4e00000001), EVALUATION_NUMBER);
            vm.assertEq(issued, before);
            refused = refused || bytes32(reason) == bytes32(ITdxCollateral.BlobNotStored.selector);
        }
        vm.assertTrue(ok && refused);
        vm.assertEq(_verify(genuine.quote).tcbStatus, 0);
    }
}
