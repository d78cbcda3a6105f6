// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IInferenceServing} from "../../src/interfaces/IInferenceServing.sol";
import {Fixture} from "../Fixture.sol";

/// The answer to: did this output come from this input?
contract ProofVerifierTest is Fixture {
    function test_verify() public {
        IInferenceServing.Item memory item = _item(0);
        vm.assertTrue(_verify(item, ""));
        vm.assertTrue(_verify(item, abi.encode(agentId)));
        vm.assertFalse(_verify(item, abi.encode(agentId + 1)));
        vm.assertFalse(_verify(item, hex"00"));

        // Holds after it was paid, and after everything that can happen to the binding.
        _settle(item);
        vm.prank(provider);
        registry.revokeBinding(bindingId);
        vm.warp(START + 365 days);
        vm.assertTrue(_verify(item, ""));
    }

    function test_fuzz_verify_anythingElse(uint8 field, uint256 value) public view {
        IInferenceServing.Item memory item = _item(0);
        bytes32 input = item.auth.requestHash;
        bytes32 output = item.delivery.responseHash;
        bytes32 before = keccak256(abi.encode(item, input, output));
        field = uint8(_bound(field, 0, 8));
        if (field == 0) input = bytes32(value);
        if (field == 1) output = bytes32(value);
        if (field == 2) item.auth.requestHash = input = bytes32(value);
        if (field == 3) item.delivery.responseHash = output = bytes32(value);
        if (field == 4) item.auth.bindingId = bytes32(value);
        if (field == 5) item.auth.nonce = value;
        if (field == 6) item.delivery.outputTokens = uint32(value);
        if (field == 7) item.receiptSig.r = bytes32(value);
        if (field == 8) item.receiptSig = IInferenceServing.Signature(0, 0);
        vm.assume(keccak256(abi.encode(item, input, output)) != before);
        vm.assertFalse(serving.verify(input, output, "", abi.encode(item)));
    }

    function test_fuzz_verify_garbage(bytes calldata proof) public view {
        vm.assertFalse(serving.verify(0, 0, "", proof));
    }

    function _verify(IInferenceServing.Item memory item, bytes memory metadata) private view returns (bool) {
        return serving.verify(item.auth.requestHash, item.delivery.responseHash, metadata, abi.encode(item));
    }
}
