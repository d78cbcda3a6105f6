// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {P256Fallback} from "./P256Fallback.sol";

/// @title ECDSA over P-256 by a backend that was tried out before
/// @notice A backend is called as the precompile of EIP-7951: 160 bytes hash ‖ r ‖ s ‖ x ‖ y, 32 bytes of value 1 where the
/// signature holds, nothing where it does not. Both forms of s count: Intel does not normalise signatures.
library P256 {
    address internal constant PRECOMPILE = address(0x100);
    uint256 internal constant ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551;

    /// Wycheproof ecdsa_secp256r1_sha256, the message "123400".
    bytes32 private constant TEST_HASH = 0xbb5a52f42f9c9261ed4361f59422a1e30036e7c32b270c8807a419feca605023;
    bytes32 private constant TEST_R = 0x2ba3a8be6b94d5ec80a6d9d1190a436effe50d85a1eee859b8cc6af9bd5c2e18;
    bytes32 private constant TEST_S = 0x4cd60b855d442f5b3c7b11eb6c4e0ae7525fe710fab9aa7c77a67f79e6fadd76;
    bytes32 private constant TEST_X = 0x2927b10512bae3eddcfe467828128bad2903269919f7086069c8c4df6c732838;
    bytes32 private constant TEST_Y = 0xc7787964eaac00e5921fb1498a60f4606766b3d9685001558d1a974e7341513e;

    /// @notice The backend failed instead of answering, as it does for want of gas.
    error P256CallFailed(address backend);
    error P256SelfTestFailed(address backend);

    /// @notice The precompile where it is, else a contract that computes the same; whichever it is has shown that it takes a
    /// good signature in both forms of s and refuses a bad one.
    function createBackend() internal returns (address backend) {
        backend = PRECOMPILE;
        // On a chain without the precompile the call succeeds and gives nothing.
        if (!verify(backend, TEST_HASH, TEST_R, TEST_S, TEST_X, TEST_Y)) {
            backend = address(new P256Fallback());
        }
        bool good = verify(backend, TEST_HASH, TEST_R, TEST_S, TEST_X, TEST_Y);
        bool highS = verify(backend, TEST_HASH, TEST_R, bytes32(ORDER - uint256(TEST_S)), TEST_X, TEST_Y);
        bool bad = verify(backend, TEST_HASH ^ bytes32(uint256(1)), TEST_R, TEST_S, TEST_X, TEST_Y);
        require(good && highS && !bad, P256SelfTestFailed(backend));
    }

    /// @notice Whether the signature holds. Reverts where the backend gave no answer.
    function verify(address backend, bytes32 hash, bytes32 r, bytes32 s, bytes32 x, bytes32 y)
        internal
        view
        returns (bool valid)
    {
        bool ok;
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, hash)
            mstore(add(free, 0x20), r)
            mstore(add(free, 0x40), s)
            mstore(add(free, 0x60), x)
            mstore(add(free, 0x80), y)
            ok := staticcall(gas(), backend, free, 0xa0, 0x00, 0x20)
            valid := and(eq(returndatasize(), 0x20), eq(mload(0x00), 1))
        }
        require(ok, P256CallFailed(backend));
    }

    /// @notice The same with r ‖ s and x ‖ y where they lie in calldata.
    function verifyCalldata(address backend, bytes32 hash, uint256 signatureAt, uint256 keyAt)
        internal
        view
        returns (bool valid)
    {
        bool ok;
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, hash)
            calldatacopy(add(free, 0x20), signatureAt, 0x40)
            calldatacopy(add(free, 0x60), keyAt, 0x40)
            ok := staticcall(gas(), backend, free, 0xa0, 0x00, 0x20)
            valid := and(eq(returndatasize(), 0x20), eq(mload(0x00), 1))
        }
        require(ok, P256CallFailed(backend));
    }
}
