// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Governed} from "./governance/Governed.sol";
import {IComputeRegistry} from "./interfaces/IComputeRegistry.sol";
import {IInferenceServing} from "./interfaces/IInferenceServing.sol";
import {Cases} from "./staking/Cases.sol";
import {Evidence} from "./staking/Evidence.sol";

/// @title The one bond contract of the system
/// @notice Rules and powers: see IComputeStaking. Bonds, evidence, cases and rewards are parts of their own in `staking/`.
contract ComputeStaking is Evidence, Cases {
    /// @notice No peer can be changed afterwards.
    /// @param registry whose bindings it judges and ends
    /// @param serving whose receipts it judges, and whose ledger knows the users
    /// @param owner_ a timelock or Safe on public chains
    constructor(IComputeRegistry registry, IInferenceServing serving, address owner_)
        Evidence(registry, serving)
        Governed(owner_)
        EIP712("ComputeStaking", "1")
    {}
}
