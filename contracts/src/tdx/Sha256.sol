// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title SHA-256 of calldata
/// @notice A call that fails (for want of gas) reverts: it must not look like a hash.
library Sha256 {
    error Sha256Failed();

    /// @notice Of `length` bytes at a calldata offset.
    function ofCalldata(uint256 pos, uint256 length) internal view returns (bytes32 digest) {
        bool ok;
        assembly ("memory-safe") {
            let free := mload(0x40)
            calldatacopy(free, pos, length)
            ok := staticcall(gas(), 0x02, free, length, 0x00, 0x20)
            ok := and(ok, eq(returndatasize(), 0x20))
            digest := mload(0x00)
        }
        require(ok, Sha256Failed());
    }

    /// @notice Of two pieces of calldata, one after the other.
    function ofCalldata(uint256 pos, uint256 length, uint256 secondAt, uint256 secondLength)
        internal
        view
        returns (bytes32 digest)
    {
        bool ok;
        assembly ("memory-safe") {
            let free := mload(0x40)
            calldatacopy(free, pos, length)
            calldatacopy(add(free, length), secondAt, secondLength)
            ok := staticcall(gas(), 0x02, free, add(length, secondLength), 0x00, 0x20)
            ok := and(ok, eq(returndatasize(), 0x20))
            digest := mload(0x00)
        }
        require(ok, Sha256Failed());
    }
}
