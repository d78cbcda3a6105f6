// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IProofVerifier} from "../interfaces/IProofVerifier.sol";
import {SettlementLib} from "../libraries/SettlementLib.sol";
import {Digests} from "./Digests.sol";
import {Peers} from "./Peers.sol";

/// @title A receipt as proof of what was answered, for other contracts
/// @notice Rules: see IProofVerifier.
abstract contract ReceiptProof is Peers, Digests {
    using SettlementLib for Delivery;

    uint256 private constant ITEM_BYTES = 15 * 32;

    /// @inheritdoc IProofVerifier
    /// @dev Here: `inputHash` and `outputHash` are `requestHash` and `responseHash`, `proof` is an ABI-encoded Item, and
    /// `metadata` is nothing or the 32 bytes of the agentId that must have answered. Holds for ever once it holds; whether
    /// the item may be charged is `preview`'s question.
    function verify(bytes32 inputHash, bytes32 outputHash, bytes calldata metadata, bytes calldata proof)
        external
        view
        returns (bool)
    {
        if (proof.length != ITEM_BYTES || (metadata.length != 0 && metadata.length != 32)) return false;
        Item calldata item;
        assembly ("memory-safe") {
            item := proof.offset
        }
        if (item.auth.requestHash != inputHash || item.delivery.responseHash != outputHash) return false;

        (uint256 agentId, address signer) = computeRegistry.signerOf(item.auth.bindingId);
        if (metadata.length == 32 && agentId != uint256(bytes32(metadata))) return false;
        bytes32 receiptHash = _hashTypedDataV4(item.delivery.hash(authDigest(item.auth)));
        return signer != address(0) && SettlementLib.signerOf(receiptHash, item.receiptSig) == signer;
    }
}
