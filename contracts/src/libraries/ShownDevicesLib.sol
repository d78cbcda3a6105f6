// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IAttestationVerifier} from "../interfaces/IAttestationVerifier.sol";

/// @title What a verifier says of devices, asked so that no answer and no silence of it stops the caller
/// @notice A `try` would not do: it reverts where what comes back is shorter than a word or no boolean.
library ShownDevicesLib {
    /// @notice Gas for the answer: `showsGpu` reads its own note and nothing else.
    uint256 internal constant GAS = 30_000;
    /// @notice The least that must be left before asking, so that the verifier gets its share whole (EIP-150): silence for want of
    /// gas would be the caller's choice.
    uint256 internal constant MIN_GAS = 36_000;

    /// @notice Asks `showsGpu`.
    /// @param verifier any contract
    /// @param record from an appraisal
    /// @return answered whether a boolean came back
    /// @return shown the answer; false where there is none
    function ask(IAttestationVerifier verifier, bytes25 record)
        internal
        view
        returns (bool answered, bool shown)
    {
        (bool ok, bytes memory answer) = address(verifier).staticcall{gas: GAS}(
            abi.encodeCall(IAttestationVerifier.showsGpu, (record))
        );
        if (!ok || answer.length != 32) return (false, false);
        uint256 word = uint256(bytes32(answer));
        return (word < 2, word == 1);
    }
}
