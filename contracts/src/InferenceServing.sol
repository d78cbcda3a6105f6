// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {IComputeRegistry} from "./interfaces/IComputeRegistry.sol";
import {ILedgerManager} from "./interfaces/ILedgerManager.sol";
import {IReputationRegistry} from "./interfaces/IReputationRegistry.sol";
import {Feedback} from "./serving/Feedback.sol";
import {Peers} from "./serving/Peers.sol";
import {Preview} from "./serving/Preview.sol";
import {ReceiptProof} from "./serving/ReceiptProof.sol";
import {Receipts} from "./serving/Receipts.sol";
import {Vouchers} from "./serving/Vouchers.sol";

/// @title Settlement of receipts, item by item, and of vouchers
/// @notice Rules and powers: see IInferenceServing. It holds no money. Receipts, vouchers, what is counted and what is read are
/// parts of their own in `serving/`.
contract InferenceServing is Receipts, Preview, Vouchers, Feedback, ReceiptProof {
    /// @notice No peer can be changed afterwards.
    /// @param registry where prices and signers are read
    /// @param ledger whose channels are charged
    /// @param reputation ERC-8004 registry that `postFeedback` writes to
    constructor(IComputeRegistry registry, ILedgerManager ledger, IReputationRegistry reputation)
        Peers(registry, ledger)
        Feedback(reputation)
        EIP712("InferenceServing", "1")
    {}
}
