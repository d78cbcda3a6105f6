// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IInferenceServing} from "../interfaces/IInferenceServing.sol";
import {ChannelWords} from "../libraries/ChannelWords.sol";
import {SettlementLib} from "../libraries/SettlementLib.sol";
import {Digests} from "./Digests.sol";
import {Peers} from "./Peers.sol";
import {Volumes} from "./Volumes.sol";

/// @title Settlement of vouchers
/// @notice Rules: see IInferenceServing.
abstract contract Vouchers is Peers, Digests, Volumes {
    using ChannelWords for uint256;

    /// @inheritdoc IInferenceServing
    function settleVoucher(Voucher calldata voucher, Signature calldata signature)
        external
        returns (uint256 paid)
    {
        (bytes32 channelId, uint128 cumulative) = (voucher.channelId, voucher.cumulative);
        (uint256 funds, uint256 key, uint256 meter) = ledgerManager.wordsOf(channelId);
        require(!funds.isReceiptMode(), NoVoucherChannel(channelId));
        address signer = SettlementLib.signerOf(voucherDigest(voucher), signature);
        require(_speaksFor(key, channelId, signer), InvalidSignature(key.account()));
        // The channel may hold less than was promised; a closed one holds nothing.
        uint256 payable_ = Math.min(cumulative, funds.locked());
        uint256 spent = meter.spent();
        require(payable_ > spent, NothingDue(channelId, cumulative, payable_, spent));
        paid = payable_ - spent;

        _count(funds.account(), key.agentId(), 0, paid);

        emit VoucherSettled(channelId, key.agentId(), funds.account(), cumulative, paid);
        ledgerManager.charge(channelId, paid, 0);
    }
}
