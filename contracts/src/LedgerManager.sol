// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Governed} from "./governance/Governed.sol";
import {IComputeRegistry} from "./interfaces/IComputeRegistry.sol";
import {IIdentityRegistry} from "./interfaces/IIdentityRegistry.sol";
import {Charges} from "./ledger/Charges.sol";
import {Closings} from "./ledger/Closings.sol";
import {Openings} from "./ledger/Openings.sol";
import {SessionKeys} from "./ledger/SessionKeys.sol";
import {TopUps} from "./ledger/TopUps.sol";

/// @title Deposits and channels in ether
/// @notice Rules and powers: see ILedgerManager. Balances, payees and each step in the life of a channel are parts of their own
/// in `ledger/`.
contract LedgerManager is Openings, TopUps, Closings, SessionKeys, Charges {
    /// @notice No peer can be changed afterwards.
    /// @param registry who offers what at which price
    /// @param identity canonical ERC-8004 identity registry, where agent wallets are read
    /// @param serving the only address that may charge
    /// @param owner_ a timelock or Safe on public chains
    constructor(IComputeRegistry registry, IIdentityRegistry identity, address serving, address owner_)
        Openings(registry, identity)
        Charges(serving)
        Governed(owner_)
        EIP712("LedgerManager", "1")
    {}
}
