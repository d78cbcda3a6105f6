// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {DevnetDollar} from "../../src/devnet/DevnetDollar.sol";
import {Test} from "../Test.sol";

/// @title What moves by a payer's signature alone, and what does not
contract DevnetDollarTest is Test {
    struct Signature {
        uint8 v;
        bytes32 r;
        bytes32 s;
    }

    uint256 private constant KEY = 0xa11ce;
    bytes32 private constant NONCE = keccak256("nonce");
    address private constant PAYEE = address(0xbeef);

    DevnetDollar private immutable _dollar = new DevnetDollar();
    address private immutable _payer = vm.addr(KEY);

    function setUp() public {
        vm.warp(1_000);
        _dollar.mint(_payer, 5e6);
    }

    /// Amounts here are millionths, as those of USDC are.
    function test_decimals() public view {
        vm.assertEq(_dollar.decimals(), 6);
    }

    function test_transferWithAuthorization_movesOnce() public {
        Signature memory signed = _sign(KEY, 3e6, 999, 1_001);
        _transfer(signed, 3e6, 999, 1_001);
        vm.assertEq(_dollar.balanceOf(PAYEE), 3e6);
        vm.assertEq(_dollar.authorizationState(_payer, NONCE), true);
        vm.expectRevert(abi.encodeWithSelector(DevnetDollar.AuthorizationUsedBefore.selector, _payer, NONCE));
        _transfer(signed, 3e6, 999, 1_001);
    }

    function test_transferWithAuthorization_revertsForAnotherSigner() public {
        Signature memory signed = _sign(KEY + 1, 1, 999, 1_001);
        vm.expectRevert(
            abi.encodeWithSelector(DevnetDollar.AuthorizationNotByPayer.selector, _payer, vm.addr(KEY + 1))
        );
        _transfer(signed, 1, 999, 1_001);
    }

    function test_transferWithAuthorization_revertsOutOfTime() public {
        Signature memory early = _sign(KEY, 1, 1_000, 1_001);
        Signature memory late = _sign(KEY, 1, 999, 1_000);
        vm.expectRevert(
            abi.encodeWithSelector(DevnetDollar.AuthorizationOutOfTime.selector, 1_000, 1_001, 1_000)
        );
        _transfer(early, 1, 1_000, 1_001);
        vm.expectRevert(
            abi.encodeWithSelector(DevnetDollar.AuthorizationOutOfTime.selector, 999, 1_000, 1_000)
        );
        _transfer(late, 1, 999, 1_000);
    }

    function _sign(uint256 key, uint256 value, uint256 validAfter, uint256 validBefore)
        private
        view
        returns (Signature memory)
    {
        bytes32 type_ = _dollar.TRANSFER_WITH_AUTHORIZATION_TYPEHASH();
        bytes32 struct_ = keccak256(abi.encode(type_, _payer, PAYEE, value, validAfter, validBefore, NONCE));
        bytes32 separator = keccak256(
            abi.encode(
                keccak256(
                    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
                ),
                keccak256("USDC"),
                keccak256("2"),
                block.chainid,
                address(_dollar)
            )
        );
        (uint8 v, bytes32 r, bytes32 s) =
            vm.sign(key, keccak256(abi.encodePacked(hex"1901", separator, struct_)));
        return Signature(v, r, s);
    }

    function _transfer(Signature memory signed, uint256 value, uint256 validAfter, uint256 validBefore)
        private
    {
        (uint8 v, bytes32 r, bytes32 s) = (signed.v, signed.r, signed.s);
        _dollar.transferWithAuthorization(_payer, PAYEE, value, validAfter, validBefore, NONCE, v, r, s);
    }
}
