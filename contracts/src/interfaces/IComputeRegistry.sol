// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBindings} from "./registry/IBindings.sol";
import {IProviders} from "./registry/IProviders.sol";
import {IServices} from "./registry/IServices.sol";
import {IVerifierList} from "./registry/IVerifierList.sol";

/// @title Providers of confidential inference: who they are, what they sell, whose keys answer
/// @notice For discovery and for settlement; holds no money. Keyed by ERC-8004 agents: an agent's owner, or whom the owner
/// approved in the ERC-721, acts for that agent and for no other. Agents and services count from 0, price versions
/// from 1. Times in Unix seconds.
///
/// The contract's owner moves bounded parameters, proposes verifiers with 48 hours' notice, pauses new registrations and
/// names a moderator and a remover, who can deny what is new. None of them can change what `signerOf` answers, a price
/// that was announced, or anything that a receipt rests on.
interface IComputeRegistry is IProviders, IServices, IVerifierList, IBindings {}
