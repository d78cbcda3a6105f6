// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {RootsFixture} from "../roots/RootsFixture.sol";

/// Gas of whole transactions, as in Settlement.t.sol. The binding here is of tier NONE: a judged one costs the verifier's
/// `liveStatus` besides.
contract ReceiptRootsGasTest is RootsFixture {
    string private constant GROUP = "ReceiptRoots";

    function test_gas_anchor() public {
        _anchor(signer, bindingId, 0, 0, ROOT);
        vm.snapshotGasLastCall(GROUP, "anchor, first epoch of a binding");
        _anchor(signer, bindingId, 1, ROOT, ROOT);
        vm.snapshotGasLastCall(GROUP, "anchor, next epoch");
        vm.prank(signer);
        roots.anchor(bindingId, 2, ROOT, ROOT, SIZE, DIGEST, "");
        vm.snapshotGasLastCall(GROUP, "anchor, without a locator");
    }
}
