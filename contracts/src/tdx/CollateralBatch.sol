// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ITdxVerifier} from "./interfaces/ITdxVerifier.sol";

/// @title Several upserts in one transaction
/// @notice Calls one verifier, in order, all of them or none. The verifier asks for no permission and looks at no sender, so
/// this contract has no power, holds nothing and remembers nothing.
contract CollateralBatch {
    /// @notice The only contract that is called.
    ITdxVerifier public immutable tdxVerifier;

    /// @notice The first call that was refused, and the verifier's own reason.
    error CallRefused(uint256 index, bytes reason);

    /// @notice A batch for this verifier.
    constructor(ITdxVerifier tdxVerifier_) {
        tdxVerifier = tdxVerifier_;
    }

    /// @notice Makes the calls. What is known already is a no-op there, so nobody can break a batch by sending a part first.
    /// @param calls each with its selector
    function bring(bytes[] calldata calls) external {
        for (uint256 i = 0; i < calls.length; ++i) {
            (bool ok, bytes memory reason) = address(tdxVerifier).call(calls[i]);
            require(ok, CallRefused(i, reason));
        }
    }
}
