// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {IServices} from "../interfaces/registry/IServices.sol";
import {ChannelWords} from "../libraries/ChannelWords.sol";
import {SettlementLib} from "../libraries/SettlementLib.sol";
import {UsedNonces} from "./UsedNonces.sol";

/// @title Whether an item is paid, and how much
/// @notice Rules: see IInferenceServing and its Status. It reads only; who settles takes what is paid.
abstract contract ItemJudge is UsedNonces, EIP712 {
    using ChannelWords for uint256;
    using SettlementLib for RequestAuth;
    using SettlementLib for Delivery;

    /// @notice Items of one `settle` or `preview`; keeps both well under the transaction gas cap.
    uint256 public constant MAX_BATCH = 50;
    /// @notice How long after `validUntil` an item may be settled; gives the user finality. LedgerManager's, as the next.
    uint64 public constant SETTLE_WINDOW = 12 hours;
    /// @notice Longest time between a receipt and the end of its authorisation. With it a refund or a new session key
    /// that comes after the receipt takes effect after the window (attacks P2, P20).
    uint64 public constant MAX_AUTH_LIFE = 1 hours;
    /// @notice Highest `finish` code.
    uint8 public constant MAX_FINISH = 4;

    /// What is known while a batch is judged. Items that stand together and name one channel are a run: the ledger is asked
    /// once and charged once for all of them. Price and signer are kept until another one is needed.
    struct Run {
        bytes32 domain;
        bool acceptPartial;
        bytes32 channelId;
        /// The channel in ChannelWords.
        uint256 funds;
        uint256 key;
        uint256 meter;
        /// Wei that the channel holds for this run, less what its items took so far.
        uint256 rest;
        bytes32 bindingId;
        uint256 boundAgent;
        address signer;
        /// Of `price`, in ChannelWords.
        uint256 offer;
        IServices.Price price;
        // Of the item judged last.
        bytes32 authHash;
        bytes32 receiptHash;
        /// Zero: the nonce is in the channel's window.
        bytes32 nonceKey;
        uint256 nonceWord;
        uint256 fee;
    }

    function _start(Run memory run, uint256 length, bool acceptPartial)
        internal
        view
        returns (Status[] memory, uint256[] memory)
    {
        require(length <= MAX_BATCH, BatchTooLarge(length, MAX_BATCH));
        run.domain = _domainSeparatorV4();
        run.acceptPartial = acceptPartial;
        return (new Status[](length), new uint256[](length));
    }

    function _enter(Run memory run, bytes32 channelId) internal view {
        run.channelId = channelId;
        (run.funds, run.key, run.meter) = ledgerManager.wordsOf(channelId);
        run.rest = run.funds.locked() - run.meter.spent();
    }

    /// @dev Fills what `run` holds of the item. The order decides what is answered where several rules are broken: first
    /// whether it was paid, which stays the answer after the channel is closed or the authorisation has expired.
    function _judge(Run memory run, Item calldata item) internal view returns (Status) {
        RequestAuth calldata auth = item.auth;
        run.authHash = MessageHashUtils.toTypedDataHash(run.domain, auth.hash());
        if (_isUsed(run, auth.bindingId, auth.nonce)) return Status.ALREADY_USED;
        if (run.funds.isClosed()) return Status.CHANNEL_CLOSED;
        if (block.timestamp > uint256(auth.validUntil) + SETTLE_WINDOW) return Status.EXPIRED;
        if (!_isAuthorised(run, item)) return Status.BAD_AUTH;
        _bindTo(run, auth.bindingId);
        if (run.signer == address(0) || run.boundAgent != run.key.agentId()) return Status.BAD_BINDING;
        if (!_isDelivered(run, item)) return Status.BAD_RECEIPT;
        return _judgeFee(run, item);
    }

    function _isPaid(Status status) internal pure returns (bool) {
        return status == Status.PAID || status == Status.PARTIAL;
    }

    /// @dev Was the nonce used up, in this batch or before? Notes its place.
    function _isUsed(Run memory run, bytes32 bindingId, uint256 nonce) private view returns (bool) {
        if (run.meter.isInWindow(bindingId, nonce)) {
            run.nonceKey = 0;
            return run.meter.isUsed(nonce);
        }
        (run.nonceKey, run.nonceWord) = _nonceWord(run.channelId, bindingId, nonce);
        return run.nonceWord & _nonceBit(nonce) != 0;
    }

    /// @dev Did the user allow this charge? An unknown channel has no session key.
    function _isAuthorised(Run memory run, Item calldata item) private view returns (bool) {
        address signer = SettlementLib.signerOf(run.authHash, item.authSig);
        return run.funds.isReceiptMode() && _speaksFor(run.key, run.channelId, signer);
    }

    function _bindTo(Run memory run, bytes32 bindingId) private view {
        if (run.bindingId == bindingId) return;
        run.bindingId = bindingId;
        (run.boundAgent, run.signer) = computeRegistry.signerOf(bindingId);
    }

    /// @dev Did the signer named by the user deliver this, in time? The binding need not be valid any more: what happened
    /// to it later never voids an earned receipt (attack P13).
    function _isDelivered(Run memory run, Item calldata item) private view returns (bool) {
        Delivery calldata delivery = item.delivery;
        uint256 issuedAt = delivery.issuedAt;
        uint256 validUntil = item.auth.validUntil;
        if (issuedAt > validUntil || validUntil > issuedAt + MAX_AUTH_LIFE) return false;
        if (issuedAt > block.timestamp || delivery.finish > MAX_FINISH) return false;
        run.receiptHash = MessageHashUtils.toTypedDataHash(run.domain, delivery.hash(run.authHash));
        return SettlementLib.signerOf(run.receiptHash, item.receiptSig) == run.signer;
    }

    /// @dev All of the fee or nothing, unless the payee takes less: a third party must not burn a receipt at a bad moment
    /// (attack P17).
    function _judgeFee(Run memory run, Item calldata item) private view returns (Status) {
        if (run.offer != run.key.offer()) {
            run.offer = run.key.offer();
            run.price = _priceOf(run.key);
        }
        uint32 outputTokens = item.delivery.outputTokens;
        if (outputTokens > run.price.maxOutputTokens) return Status.OVER_CAP;
        uint256 fee = SettlementLib.fee(run.price, item.delivery.inputTokens, outputTokens);
        if (fee > item.auth.maxFee) return Status.OVER_CAP;
        if (fee == 0) return Status.NOTHING_DUE;

        uint256 rest = run.rest;
        if (fee <= rest) {
            run.fee = fee;
            return Status.PAID;
        }
        if (rest == 0 || !run.acceptPartial || !_isPayee(run.channelId)) return Status.UNDERFUNDED;
        run.fee = rest;
        return Status.PARTIAL;
    }

    function _isPayee(bytes32 channelId) private view returns (bool) {
        return msg.sender == ledgerManager.channelOf(channelId).payee;
    }
}
