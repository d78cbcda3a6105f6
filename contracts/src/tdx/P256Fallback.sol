// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {P256 as OpenZeppelinP256} from "@openzeppelin/contracts/utils/cryptography/P256.sol";

/// @title P-256 for chains without the precompile
/// @notice Called like the precompile of EIP-7951, and answers like it. About 250,000 gas a signature.
contract P256Fallback {
    /// @notice hash ‖ r ‖ s ‖ x ‖ y gives 32 bytes of value 1, or nothing.
    // solhint-disable-next-line no-complex-fallback, use-natspec
    fallback(bytes calldata input) external returns (bytes memory) {
        if (input.length != 160) return "";
        (bytes32 hash, bytes32 r, uint256 s, bytes32 x, bytes32 y) =
            abi.decode(input, (bytes32, bytes32, uint256, bytes32, bytes32));
        // OpenZeppelin takes the lower form of s only. (r, s) and (r, n − s) hold for the same hash and key, so the lower
        // one is judged; s outside [1, n) has no other form and is left for it to refuse.
        uint256 order = OpenZeppelinP256.N;
        if (s < order && s > order / 2) s = order - s;
        return OpenZeppelinP256.verifySolidity(hash, r, bytes32(s), x, y) ? abi.encode(1) : bytes("");
    }
}
