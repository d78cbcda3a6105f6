// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {CollateralReader} from "../../src/tdx/CollateralReader.sol";
import {TdxFixture} from "./TdxFixture.sol";

/// @title Documents of the simulated platform, and others that its key has signed
abstract contract CollateralFixture is TdxFixture {
    bytes6 internal constant FMSPC = bytes6(0xfa4e00000001);

    CollateralReader internal _reader;

    function setUp() public override {
        super.setUp();
        _reader = CollateralReader(verifier.collateralReader());
    }

    function _accepted(bytes memory document) internal returns (bool ok) {
        bytes memory call = abi.encodeCall(verifier.upsertTcbInfo, (document, _signDocument(document)));
        uint256 id = vm.snapshotState();
        (ok,) = address(verifier).call(call);
        vm.revertToState(id);
    }
}
