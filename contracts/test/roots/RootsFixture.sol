// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Fixture} from "../Fixture.sol";

/// @title A log of one binding, and replicas beside it
abstract contract RootsFixture is Fixture {
    bytes32 internal constant ROOT = keccak256("root");
    bytes32 internal constant DIGEST = keccak256("document");
    uint64 internal constant SIZE = 7;
    /// As long as those of Arweave.
    string internal constant LOCATOR = "ar:Nd3wHSzW3w0Zt3TqYkPBLWz1pQ0vDn4Xr7fK2mYc8bU";

    function _anchor(address caller, bytes32 id, uint64 epoch, bytes32 previous, bytes32 root) internal {
        vm.prank(caller);
        roots.anchor(id, epoch, previous, root, SIZE, DIGEST, LOCATOR);
    }

    function _replica(string memory name) internal returns (bytes32 id, address nodeSigner) {
        uint256 key = uint256(keccak256(bytes(name)));
        nodeSigner = vm.addr(key);
        id = _bind(_statement(agentId, provider, nodeSigner, keccak256(bytes(name))), key);
    }
}
