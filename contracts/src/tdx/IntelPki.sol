// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Authorities} from "./pki/Authorities.sol";
import {RevocationLists} from "./pki/RevocationLists.sol";

/// @title Intel's certificates and revocation lists
/// @notice See IIntelPki. Collateral and quotes are checked by contracts that inherit this one, because a check that reads
/// its own storage is 5,000 gas cheaper than one that asks a neighbour.
abstract contract IntelPki is RevocationLists {
    constructor(bytes32 rootHash, bool allowSimulatedRoot) Authorities(rootHash, allowSimulatedRoot) {}
}
