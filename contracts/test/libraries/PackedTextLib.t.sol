// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {PackedTextLib} from "../../src/libraries/PackedTextLib.sol";
import {Test} from "../Test.sol";

contract PackedTextLibTest is Test {
    using PackedTextLib for PackedTextLib.PackedText;

    PackedTextLib.PackedText private _packed;

    function store(string calldata text) external {
        _packed.store(text);
    }

    function test_fuzz_loadGivesWhatWasStored(string memory before, string memory text) public {
        this.store(_cut(before));
        text = _cut(text);
        this.store(text);
        // What lies in memory behind must stay what it is.
        string memory loaded = _packed.load();
        bytes memory behind = abi.encode(text);
        vm.assertEq(loaded, text);
        vm.assertEq(behind, abi.encode(loaded));
    }

    function test_everyLength() public {
        vm.assertEq(_packed.load(), "");
        bytes memory text = new bytes(255);
        for (uint256 i = 0; i < 255; ++i) {
            text[i] = bytes1(uint8(i + 1));
        }
        for (uint256 length = 0; length <= 255; ++length) {
            bytes memory part = new bytes(length);
            for (uint256 i = 0; i < length; ++i) {
                part[i] = text[i];
            }
            this.store(string(part));
            vm.assertEq(_packed.load(), string(part));
        }
        for (uint256 length = 255; length > 0; length -= 15) {
            assembly {
                mstore(text, length)
            }
            this.store(string(text));
            vm.assertEq(_packed.load(), string(text));
        }
    }

    function _cut(string memory text) private pure returns (string memory) {
        if (bytes(text).length > 255) {
            assembly {
                mstore(text, 255)
            }
        }
        return text;
    }
}
