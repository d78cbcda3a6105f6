// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";

/// @title Takes no ether
contract RefusingReceiver {
    receive() external payable {
        revert("no");
    }
}

/// @title Calls back once while it is being paid
contract ReenteringReceiver {
    address private _target;
    bytes private _data;

    receive() external payable {
        address target = _target;
        _target = address(0);
        if (target != address(0)) _call(target, 0, _data);
    }

    function onReceive(address target, bytes calldata data) external {
        _target = target;
        _data = data;
    }

    /// @return word the first word of what came back
    function run(address target, uint256 value, bytes calldata data) external returns (bytes32 word) {
        bytes memory returned = _call(target, value, data);
        if (returned.length >= 32) word = abi.decode(returned, (bytes32));
    }

    function _call(address target, uint256 value, bytes memory data) private returns (bytes memory) {
        (bool success, bytes memory returned) = target.call{value: value}(data);
        if (!success) {
            assembly ("memory-safe") {
                revert(add(returned, 32), mload(returned))
            }
        }
        return returned;
    }
}

/// @title ERC-1271 wallet that can change its mind
contract FlippingWallet is IERC1271 {
    bool public accepts = true;

    receive() external payable {}

    function flip() external {
        accepts = !accepts;
    }

    function isValidSignature(bytes32, bytes calldata) external view returns (bytes4) {
        return accepts ? IERC1271.isValidSignature.selector : bytes4(0);
    }
}
