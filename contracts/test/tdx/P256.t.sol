// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {P256} from "../../src/tdx/P256.sol";
import {P256Fallback} from "../../src/tdx/P256Fallback.sol";
import {TdxVerifier} from "../../src/tdx/TdxVerifier.sol";
import {TdxFixture} from "./TdxFixture.sol";

/// @title Calls of the library, so that its reverts can be met
contract P256Harness {
    function verify(address backend, bytes32 hash, bytes32 r, bytes32 s, bytes32 x, bytes32 y)
        external
        view
        returns (bool)
    {
        return P256.verify(backend, hash, r, s, x, y);
    }

    function createBackend() external returns (address) {
        return P256.createBackend();
    }
}

/// @title A backend that says yes to everything, in 64 bytes or in 32
contract Yes {
    uint256 private immutable _length;

    constructor(uint256 length) {
        _length = length;
    }

    fallback(bytes calldata) external returns (bytes memory) {
        return _length == 64 ? abi.encode(1, 1) : abi.encode(1);
    }
}

/// @title A backend that fails
contract Fails {
    fallback() external {
        revert("no");
    }
}

/// @title P-256 by the precompile and by what stands in for it
contract P256Test is TdxFixture {
    P256Harness private _p256;
    address private _fallback;

    function setUp() public override {
        super.setUp();
        _p256 = new P256Harness();
        _fallback = address(new P256Fallback());
    }

    function test_precompile_where_it_is() public view {
        vm.assertEq(verifier.p256Backend(), address(0x100));
    }

    /// Both say the same of the good one, of its other form, and of what is near it.
    function testFuzz_fallback_says_what_the_precompile_says(bytes32 hash, uint256 key, uint256 flip)
        public
        view
    {
        key = _bound(key, 1, P256_ORDER - 1);
        (bytes32 r, bytes32 s) = vm.signP256(key, hash);
        (uint256 x, uint256 y) = vm.publicKeyP256(key);
        bytes32[5] memory input = [hash, r, s, bytes32(x), bytes32(y)];
        vm.assertTrue(_same(input));
        input[2] = bytes32(P256_ORDER - uint256(s));
        vm.assertTrue(_same(input));
        input[(flip >> 8) % 5] ^= bytes32(1 << (flip & 0xff));
        vm.assertFalse(_same(input));
    }

    function test_scalars_out_of_range() public view {
        (bytes32 r, bytes32 s) = vm.signP256(7, bytes32(0));
        (uint256 x, uint256 y) = vm.publicKeyP256(7);
        bytes32[4] memory bad =
            [bytes32(0), bytes32(P256_ORDER), bytes32(P256_ORDER + 1), bytes32(type(uint256).max)];
        for (uint256 i = 0; i < bad.length; ++i) {
            vm.assertFalse(_same([bytes32(0), bad[i], s, bytes32(x), bytes32(y)]));
            vm.assertFalse(_same([bytes32(0), r, bad[i], bytes32(x), bytes32(y)]));
        }
        // r + n and s + n are other spellings, where they fit.
        vm.assertFalse(_same([bytes32(0), r, s, bytes32(0), bytes32(0)]));
        vm.assertFalse(_same([bytes32(0), r, s, bytes32(x), bytes32(y ^ 1)]));
    }

    function test_fallback_takes_160_bytes() public {
        (, bytes memory said) = _fallback.staticcall(new bytes(159));
        vm.assertEq(said.length, 0);
        (, said) = _fallback.staticcall(new bytes(161));
        vm.assertEq(said.length, 0);
    }

    /// No precompile, as under Prague: the constructor puts the stand-in in its place, and quotes verify.
    function test_without_precompile() public {
        vm.mockCall(address(0x100), "", "");
        TdxVerifier other = new TdxVerifier(genuine.rootHash, false);
        vm.assertNotEq(bytes32(bytes20(other.p256Backend())), bytes32(bytes20(address(0x100))));
        _bring(other, genuine);
        vm.assertEq(other.verify(genuine.quote, genuine.x, genuine.y).tcbStatus, 0);
        bytes memory quote = _with(genuine.quote, 60, 9);
        (bool ok,) = address(other).call(abi.encodeCall(other.verify, (quote, genuine.x, genuine.y)));
        vm.assertFalse(ok);
    }

    /// What says yes to everything does not pass for a precompile, and what answers in another form says nothing.
    function test_self_test() public {
        vm.mockCall(address(0x100), "", abi.encode(1));
        vm.expectRevert(abi.encodeWithSelector(P256.P256SelfTestFailed.selector, address(0x100)));
        _p256.createBackend();
        vm.assertFalse(_p256.verify(address(new Yes(64)), 0, 0, 0, 0, 0));
        vm.assertFalse(_p256.verify(address(0xdead), 0, 0, 0, 0, 0));
    }

    /// A call that fails is no bad signature: it reverts.
    function test_failing_backend_reverts() public {
        address fails = address(new Fails());
        vm.expectRevert(abi.encodeWithSelector(P256.P256CallFailed.selector, fails));
        _p256.verify(fails, 0, 0, 0, 0, 0);
        // Nor is it a fault of a quote, which would cost a bond.
        bytes memory quote = genuine.quote;
        vm.mockCallRevert(address(0x100), "", "no");
        vm.expectRevert(abi.encodeWithSelector(P256.P256CallFailed.selector, address(0x100)));
        verifier.faultOf(quote, genuine.x, genuine.y);
    }

    function _same(bytes32[5] memory i) private view returns (bool valid) {
        valid = _p256.verify(address(0x100), i[0], i[1], i[2], i[3], i[4]);
        vm.assertEq(_p256.verify(_fallback, i[0], i[1], i[2], i[3], i[4]), valid);
    }
}
