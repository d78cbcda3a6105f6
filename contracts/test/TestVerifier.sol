// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IAttestationVerifier} from "../src/interfaces/IAttestationVerifier.sol";
import {NodeStatement} from "../src/interfaces/NodeStatement.sol";

/// @title A verifier that can be told what to say
/// @notice Its evidence is an appraisal under a seal that covers binding and block, so that every changed byte breaks it.
contract TestVerifier is IAttestationVerifier {
    bool public isSimulated;
    bool public acceptable = true;
    bool public refuting;
    bool public failing;
    uint8 public tcbStatus = 1;
    uint40 public liveUntil = type(uint40).max;

    error BadEvidence(uint256 length);

    constructor(bool simulated) {
        isSimulated = simulated;
    }

    function setSimulated(bool simulated) external {
        isSimulated = simulated;
    }

    function setLive(bool acceptable_, uint8 tcbStatus_, uint40 liveUntil_) external {
        (acceptable, tcbStatus, liveUntil) = (acceptable_, tcbStatus_, liveUntil_);
    }

    function setRefuting(bool refuting_) external {
        refuting = refuting_;
    }

    function setFailing(bool failing_) external {
        failing = failing_;
    }

    function appraise(bytes32 bindingId, uint64 blockNumber, bytes32 blockHash, bool, bytes calldata evidence)
        external
        pure
        returns (Appraisal memory appraisal)
    {
        require(evidence.length == 160, BadEvidence(evidence.length));
        bytes32 mark;
        (appraisal, mark) = abi.decode(evidence, (Appraisal, bytes32));
        require(mark == _mark(appraisal, bindingId, blockNumber, blockHash), BadEvidence(evidence.length));
    }

    function liveStatus(bytes25) external view returns (bool, uint8, uint40) {
        require(!failing, BadEvidence(0));
        return (acceptable, tcbStatus, liveUntil);
    }

    /// The lowest bit of its note.
    function showsGpu(bytes25 record) external pure returns (bool) {
        return uint200(record) & 1 != 0;
    }

    function refutes(bytes32, NodeStatement calldata, uint64, bytes32, bytes calldata)
        external
        view
        returns (bool)
    {
        require(!failing, BadEvidence(0));
        return refuting;
    }

    function seal(Appraisal calldata appraisal, bytes32 bindingId, uint64 blockNumber, bytes32 blockHash)
        external
        pure
        returns (bytes memory)
    {
        return abi.encode(appraisal, _mark(appraisal, bindingId, blockNumber, blockHash));
    }

    function _mark(Appraisal memory appraisal, bytes32 bindingId, uint64 blockNumber, bytes32 blockHash)
        private
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode("vendor", appraisal, bindingId, blockNumber, blockHash));
    }
}
