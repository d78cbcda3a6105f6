// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBindings} from "../../src/interfaces/registry/IBindings.sol";
import {NodeStatement} from "../../src/interfaces/NodeStatement.sol";
import {Fixture} from "../Fixture.sol";

/// @title Calls of `bindSigner` in the making
abstract contract BindSignerFixture is Fixture {
    struct Attest {
        NodeStatement statement;
        bytes32 evidenceHash;
        uint64 blockNumber;
        uint64 validUntil;
        uint256 deadline;
        uint256 signerKey;
    }

    /// A second replica, approved and ready to be attested.
    function _ready() internal returns (Attest memory a) {
        a = Attest({
            statement: _statement(agentId, provider, signer, "replica"),
            evidenceHash: EVIDENCE,
            blockNumber: uint64(block.number - 1),
            validUntil: uint64(block.timestamp + 1 days),
            deadline: block.timestamp,
            signerKey: SIGNER_KEY
        });
        _approve(a.statement);
    }

    function _send(Attest memory a, bytes memory expectedError) internal returns (bytes32) {
        bytes memory sig = _attestationSig(
            registry.bindingIdOf(a.statement),
            a.evidenceHash,
            a.blockNumber,
            a.validUntil,
            a.deadline,
            a.signerKey
        );
        if (expectedError.length != 0) vm.expectRevert(expectedError);
        return registry.bindSigner(a.statement, a.evidenceHash, a.blockNumber, a.validUntil, a.deadline, sig);
    }

    function _outOfWindow(uint64 blockNumber) internal view returns (bytes memory) {
        return abi.encodeWithSelector(IBindings.BlockOutOfWindow.selector, blockNumber, block.number);
    }
}
