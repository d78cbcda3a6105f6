// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {EvaluationNumbersReader} from "./EvaluationNumbersReader.sol";
import {QeIdentityReader} from "./QeIdentityReader.sol";
import {TcbInfoReader} from "./TcbInfoReader.sol";

/// @title Reads Intel's signed documents into what is stored of them
/// @notice Without state and without trust: its caller has verified the signature over the same bytes. A contract of its own
/// because contracts have a size; the one that stores creates it, and nothing can put another in its place.
contract CollateralReader {
    /// @notice Whose document it is and when it counts.
    struct Head {
        uint256 issueDate;
        uint256 nextUpdate;
        uint256 evaluationNumber;
    }

    /// @notice TCB info of TDX, version 3. TcbInfoReader says what is in the blob.
    function tcbInfo(bytes calldata document)
        external
        pure
        returns (Head memory head, uint256 fmspc, bytes memory blob)
    {
        return TcbInfoReader.read(document);
    }

    /// @notice Identity of the TD quoting enclave, version 2. QeIdentityReader says what is in the words.
    function qeIdentity(bytes calldata document)
        external
        pure
        returns (Head memory head, uint256[] memory words)
    {
        return QeIdentityReader.read(document);
    }

    /// @notice Evaluation data numbers of TDX, version 1: the standard one at that time, and what follows it when.
    function evaluationNumbers(bytes calldata document, uint256 time)
        external
        pure
        returns (Head memory head, uint256 standard, uint256 next, uint256 nextFrom)
    {
        return EvaluationNumbersReader.read(document, time);
    }
}
