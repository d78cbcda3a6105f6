// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {CollateralBatch} from "../../src/tdx/CollateralBatch.sol";
import {TdxVerifier} from "../../src/tdx/TdxVerifier.sol";
import {IIntelPki} from "../../src/tdx/interfaces/IIntelPki.sol";
import {ITdxCollateral} from "../../src/tdx/interfaces/ITdxCollateral.sol";
import {TdxFixture} from "./TdxFixture.sol";

/// @title A whole bundle in one transaction
contract CollateralBatchTest is TdxFixture {
    TdxVerifier private _other;
    CollateralBatch private _batch;

    function setUp() public override {
        super.setUp();
        _other = new TdxVerifier(genuine.rootHash, false);
        _batch = new CollateralBatch(_other);
    }

    /// Everything that a quote needs, by somebody without any right.
    function test_everything_at_once() public {
        vm.prank(address(0xbeef));
        _batch.bring(_calls());
        vm.assertEq(_other.verify(genuine.quote, genuine.x, genuine.y).tcbStatus, 0);
        // Twice is once.
        _batch.bring(_calls());
        _batch.bring(new bytes[](0));
    }

    /// Somebody sends a part first: the bundle goes through all the same.
    function test_front_run_part() public {
        _other.setRoot(genuine.roots[0]);
        _other.upsertAuthority(genuine.authorities[0]);
        _batch.bring(_calls());
        vm.assertEq(_other.verify(genuine.quote, genuine.x, genuine.y).tcbStatus, 0);
    }

    /// All of it or none, with the place and the reason of the first that is refused.
    function test_refusal_is_named() public {
        bytes[] memory calls = _calls();
        calls[3] = abi.encodeCall(IIntelPki.upsertRevocationList, (_with(genuine.rootCrl, 40, 0xff)));
        (bool ok, bytes memory reason) = address(_batch).call(abi.encodeCall(_batch.bring, (calls)));
        vm.assertFalse(ok);
        vm.assertEq(bytes32(bytes4(reason)), bytes32(CollateralBatch.CallRefused.selector));
        (uint256 index, bytes memory inner) =
            abi.decode(_slice(reason, 4, reason.length - 4), (uint256, bytes));
        vm.assertEq(index, 3);
        vm.assertTrue(inner.length >= 4);
        (,, uint256 serial,,,) = _other.authorityOf(IIntelPki.Authority.ROOT);
        vm.assertEq(serial, 0);
    }

    function test_order_counts() public {
        bytes[] memory calls = _calls();
        (calls[0], calls[1]) = (calls[1], calls[0]);
        vm.expectRevert(
            abi.encodeWithSelector(
                CollateralBatch.CallRefused.selector,
                0,
                abi.encodeWithSelector(IIntelPki.RootUnknown.selector)
            )
        );
        _batch.bring(calls);
    }

    function _calls() private view returns (bytes[] memory calls) {
        calls = new bytes[](9);
        calls[0] = abi.encodeCall(IIntelPki.setRoot, (genuine.roots[0]));
        calls[1] = abi.encodeCall(IIntelPki.upsertAuthority, (genuine.authorities[0]));
        calls[2] = abi.encodeCall(IIntelPki.upsertAuthority, (genuine.authorities[1]));
        calls[3] = abi.encodeCall(IIntelPki.upsertRevocationList, (genuine.rootCrl));
        calls[4] = abi.encodeCall(IIntelPki.upsertRevocationList, (genuine.pckCrl));
        calls[5] = abi.encodeCall(
            ITdxCollateral.upsertEvaluationNumbers, (genuine.numbers, genuine.numbersSignature)
        );
        calls[6] = abi.encodeCall(
            ITdxCollateral.upsertQeIdentity, (genuine.qeIdentity, genuine.qeIdentitySignature)
        );
        calls[7] = abi.encodeCall(ITdxCollateral.upsertTcbInfo, (genuine.tcbInfo, genuine.tcbInfoSignature));
        calls[8] = abi.encodeCall(IIntelPki.cachePck, (genuine.pck));
    }
}
