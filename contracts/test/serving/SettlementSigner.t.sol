// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {IInferenceServing} from "../../src/interfaces/IInferenceServing.sol";
import {SettlementLib} from "../../src/libraries/SettlementLib.sol";
import {Test} from "../Test.sol";

/// The library takes calldata.
contract SignerReader {
    function signerOf(bytes32 digest, IInferenceServing.Signature calldata signature)
        external
        view
        returns (address)
    {
        return SettlementLib.signerOf(digest, signature);
    }
}

/// P21: our reading of compact signatures against OpenZeppelin's.
contract SettlementSignerTest is Test {
    SignerReader private reader = new SignerReader();

    function test_fuzz_signerOf_sound(uint256 key, bytes32 digest) public view {
        key = _bound(key, 1, type(uint128).max);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        bytes32 vs = s | bytes32(uint256(v - 27) << 255);
        vm.assertEq(reader.signerOf(digest, IInferenceServing.Signature(r, vs)), vm.addr(key));
    }

    function test_fuzz_signerOf_anything(bytes32 digest, bytes32 r, bytes32 vs) public view {
        (address wanted,,) = ECDSA.tryRecover(digest, r, vs);
        vm.assertEq(reader.signerOf(digest, IInferenceServing.Signature(r, vs)), wanted);
    }

    function test_signerOf_edges() public view {
        uint256 half = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;
        uint256[6] memory values = [uint256(0), 1, half, half + 1, type(uint256).max >> 1, half - 1];
        for (uint256 i = 0; i < values.length; ++i) {
            for (uint256 v = 0; v < 2; ++v) {
                bytes32 vs = bytes32(values[i] | v << 255);
                (address wanted,,) = ECDSA.tryRecover("digest", bytes32(uint256(1)), vs);
                address actual =
                    reader.signerOf("digest", IInferenceServing.Signature(bytes32(uint256(1)), vs));
                vm.assertEq(actual, wanted);
            }
        }
    }
}
