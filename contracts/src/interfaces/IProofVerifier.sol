// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Whether a proof shows that an output came from an input
/// @notice Read interface in the manner of the draft ERC-8274, so that other contracts can ask without knowing receipts.
interface IProofVerifier {
    /// @notice Never reverts for a proof that does not hold.
    /// @param inputHash what went in
    /// @param outputHash what came out
    /// @param metadata further conditions, as the verifier defines them
    /// @param proof as the verifier defines it
    function verify(bytes32 inputHash, bytes32 outputHash, bytes calldata metadata, bytes calldata proof)
        external
        view
        returns (bool);
}
