// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IComputeRegistry} from "./interfaces/IComputeRegistry.sol";
import {IServices} from "./interfaces/registry/IServices.sol";
import {IInferenceServing} from "./interfaces/IInferenceServing.sol";
import {ILedgerManager} from "./interfaces/ILedgerManager.sol";
import {IProofVerifier} from "./interfaces/IProofVerifier.sol";
import {IReputationRegistry} from "./interfaces/IReputationRegistry.sol";
import {ChannelWords} from "./libraries/ChannelWords.sol";
import {SettlementLib} from "./libraries/SettlementLib.sol";

/// @title Settlement of receipts, item by item, and of vouchers
/// @notice Rules and powers: see IInferenceServing. It holds no money.
contract InferenceServing is IInferenceServing, EIP712, ReentrancyGuardTransient {
    using ChannelWords for uint256;
    using SafeCast for uint256;
    using SafeCast for int256;
    using SettlementLib for RequestAuth;
    using SettlementLib for Receipt;
    using SettlementLib for Delivery;
    using SettlementLib for Voucher;

    /// @notice Items of one `settle` or `preview`; keeps both well under the transaction gas cap.
    uint256 public constant MAX_BATCH = 50;
    /// @notice How long after `validUntil` an item may be settled; gives the user finality. LedgerManager's, as the next.
    uint64 public constant SETTLE_WINDOW = 12 hours;
    /// @notice Longest time between a receipt and the end of its authorisation. With it a refund or a new session key
    /// that comes after the receipt takes effect after the window (attacks P2, P20).
    uint64 public constant MAX_AUTH_LIFE = 1 hours;
    /// @notice Between two posts for one agent.
    uint64 public constant FEEDBACK_INTERVAL = 1 days;
    /// @notice Gas that must be left for the reputation registry; its first entry costs about 210,000. Without this a
    /// caller could starve it and use up the interval, and a gas estimate would find exactly that.
    uint256 public constant FEEDBACK_GAS = 500_000;
    /// @notice Highest `finish` code.
    uint8 public constant MAX_FINISH = 4;

    uint256 private constant WEI_PER_GWEI = 1e9;
    uint8 private constant GWEI_DECIMALS = 9;
    uint256 private constant ITEM_BYTES = 15 * 32;

    /// @inheritdoc IInferenceServing
    IComputeRegistry public immutable computeRegistry;
    /// @inheritdoc IInferenceServing
    ILedgerManager public immutable ledgerManager;
    /// @inheritdoc IInferenceServing
    IReputationRegistry public immutable reputationRegistry;

    /// One word.
    struct Counters {
        uint64 settled;
        uint128 volume;
        uint64 users;
    }

    struct Feedback {
        uint128 postedVolume;
        uint64 postedAt;
    }

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
        /// Wei that the items of this run take, not charged yet.
        uint256 due;
        uint256 paidItems;
        /// Whose paid items are to be counted, how many, and their wei.
        address tallyUser;
        uint256 tallyAgent;
        uint256 tallyItems;
        uint256 tallyWei;
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

    /// By binding, because replicas of a node share no nonce store (attack P4); by its tag, as ChannelWords says.
    mapping(bytes32 channelTagAndNonceOver256 => uint256 bits) private _usedNonces;
    mapping(bytes32 channelBindingAndNonce => uint256 wei_) private _partialFees;
    mapping(address user => mapping(uint256 agentId => uint256 wei_)) private _volume;
    mapping(uint256 agentId => Counters counters) private _counters;
    mapping(uint256 agentId => Feedback feedback) private _feedback;

    constructor(IComputeRegistry registry, ILedgerManager ledger, IReputationRegistry reputation)
        EIP712("InferenceServing", "1")
    {
        require(
            address(registry) != address(0) && address(ledger) != address(0)
                && address(reputation) != address(0),
            ZeroAddress()
        );
        computeRegistry = registry;
        ledgerManager = ledger;
        reputationRegistry = reputation;
    }

    /// @inheritdoc IInferenceServing
    function settle(Item[] calldata items, bool acceptPartial)
        external
        returns (Status[] memory statuses, uint256[] memory fees)
    {
        Run memory run;
        (statuses, fees) = _start(run, items.length, acceptPartial);

        for (uint256 i = 0; i < items.length; ++i) {
            Item calldata item = items[i];
            if (item.auth.channelId != run.channelId) {
                _charge(run);
                _enter(run, item.auth.channelId);
            }
            Status status = _judge(run, item);
            statuses[i] = status;
            if (!_isPaid(status)) continue;

            fees[i] = run.fee;
            if (status == Status.PARTIAL) _partialFees[_partialKey(item.auth)] = run.fee;
            _take(run, item.auth.bindingId, item.auth.nonce);
        }
        _charge(run);
        _count(run.tallyUser, run.tallyAgent, run.tallyItems, run.tallyWei);
    }

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

    /// @inheritdoc IInferenceServing
    function postFeedback(uint256 agentId) external nonReentrant {
        Feedback storage feedback = _feedback[agentId];
        uint64 earliest = feedback.postedAt == 0 ? 0 : feedback.postedAt + FEEDBACK_INTERVAL;
        require(block.timestamp >= earliest, FeedbackTooSoon(earliest));
        uint256 inGwei = (_counters[agentId].volume - feedback.postedVolume) / WEI_PER_GWEI;
        require(inGwei != 0, NothingNew(agentId));

        feedback.postedAt = uint64(block.timestamp);
        uint256 available = gasleft();
        require(available >= FEEDBACK_GAS, InsufficientGas(FEEDBACK_GAS, available));
        int128 value = inGwei.toInt256().toInt128();

        // A provider can make the registry refuse by approving this contract as operator, whose feedback counts as the
        // agent's own. The volume then waits for the next post, and the counters here stay the record.
        try reputationRegistry.giveFeedback(agentId, value, GWEI_DECIMALS, "revenues", "ETH", "", "", 0) {
            feedback.postedVolume += (inGwei * WEI_PER_GWEI).toUint128();
            emit FeedbackPosted(agentId, value);
        } catch (bytes memory reason) {
            emit FeedbackRefused(agentId, reason);
        }
    }

    /* VIEWS */

    /// @inheritdoc IInferenceServing
    function preview(Item[] calldata items, bool acceptPartial)
        external
        view
        returns (Status[] memory statuses, uint256[] memory fees)
    {
        Run memory run;
        (statuses, fees) = _start(run, items.length, acceptPartial);

        for (uint256 i = 0; i < items.length; ++i) {
            RequestAuth calldata auth = items[i].auth;
            if (auth.channelId != run.channelId) {
                _enter(run, auth.channelId);
                run.rest -= _takenBefore(items, i, fees);
            }
            Status status = _paidBefore(items, i, fees) ? Status.ALREADY_USED : _judge(run, items[i]);
            statuses[i] = status;
            if (!_isPaid(status)) continue;

            fees[i] = run.fee;
            run.rest -= run.fee;
        }
    }

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

    /// @inheritdoc IInferenceServing
    function feeOf(bytes32 channelId, uint32 inputTokens, uint32 outputTokens)
        external
        view
        returns (uint256)
    {
        (, uint256 key,) = ledgerManager.wordsOf(channelId);
        return SettlementLib.fee(_priceOf(key), inputTokens, outputTokens);
    }

    /// @inheritdoc IInferenceServing
    function settledVolume(address user, uint256 agentId) external view returns (uint256) {
        return _volume[user][agentId];
    }

    /// @inheritdoc IInferenceServing
    function counters(uint256 agentId) external view returns (uint64 settled, uint128 volume, uint64 users) {
        Counters storage counted = _counters[agentId];
        return (counted.settled, counted.volume, counted.users);
    }

    /// @inheritdoc IInferenceServing
    function domainSeparator() external view returns (bytes32) {
        return _domainSeparatorV4();
    }

    /// @inheritdoc IInferenceServing
    function partialFeeOf(bytes32 channelId, bytes32 bindingId, uint256 nonce)
        external
        view
        returns (uint256)
    {
        return _partialFees[keccak256(abi.encode(channelId, bindingId, nonce))];
    }

    /// @inheritdoc IInferenceServing
    function isNonceUsed(bytes32 channelId, bytes32 bindingId, uint256 nonce) public view returns (bool) {
        (,, uint256 meter) = ledgerManager.wordsOf(channelId);
        if (meter.isInWindow(bindingId, nonce)) return meter.isUsed(nonce);
        return _usedNonces[_nonceKey(channelId, bindingId, nonce)] & _nonceBit(nonce) != 0;
    }

    /// @inheritdoc IInferenceServing
    function authDigest(RequestAuth calldata auth) public view returns (bytes32) {
        return _hashTypedDataV4(auth.hash());
    }

    /// @inheritdoc IInferenceServing
    function receiptDigest(Receipt calldata receipt) public view returns (bytes32) {
        return _hashTypedDataV4(receipt.hash());
    }

    /// @inheritdoc IInferenceServing
    function voucherDigest(Voucher calldata voucher) public view returns (bytes32) {
        return _hashTypedDataV4(voucher.hash());
    }

    /* INTERNAL */

    function _enter(Run memory run, bytes32 channelId) private view {
        run.channelId = channelId;
        (run.funds, run.key, run.meter) = ledgerManager.wordsOf(channelId);
        run.rest = run.funds.locked() - run.meter.spent();
    }

    /// @dev The item just judged is paid.
    function _take(Run memory run, bytes32 bindingId, uint256 nonce) private {
        uint256 fee = run.fee;
        if (run.nonceKey != 0 && !run.meter.moves(bindingId, nonce)) {
            _usedNonces[run.nonceKey] = run.nonceWord | _nonceBit(nonce);
        } else {
            if (run.nonceKey != 0) _moveWindow(run, bindingId, nonce);
            run.meter = run.meter.use(bindingId, nonce);
        }
        unchecked {
            // fee ≤ rest
            run.rest -= fee;
            run.due += fee;
            ++run.paidItems;
        }

        emit Settled(
            run.channelId, run.key.agentId(), run.funds.account(), run.authHash, run.receiptHash, fee
        );
    }

    /// @dev Puts all of the window into the words before anything is read of its new place, which may overlap.
    function _moveWindow(Run memory run, bytes32 bindingId, uint256 nonce) private {
        uint256 start = run.meter.windowStart();
        uint256 bits = run.meter.windowBits();
        uint256 place = start & 0xff;
        _usedNonces[_nonceKey(run.channelId, bindingId, start)] |= bits << place;
        // 24 bits from the 240th or 248th on reach into the next word.
        if (place > 232 && bits >> (256 - place) != 0) {
            _usedNonces[_nonceKey(run.channelId, bindingId, start + 24)] |= bits >> (256 - place);
        }

        start = ChannelWords.startFor(nonce);
        place = start & 0xff;
        bits = _usedNonces[_nonceKey(run.channelId, bindingId, start)] >> place;
        if (place > 232) {
            bits |= _usedNonces[_nonceKey(run.channelId, bindingId, start + 24)] << (256 - place);
        }
        run.meter = run.meter.movedTo(start, bits & 0xffffff);
    }

    /// @dev Ends the run.
    function _charge(Run memory run) private {
        uint256 due = run.due;
        if (due == 0) return;

        (address user, uint256 agentId) = (run.funds.account(), run.key.agentId());
        if (user != run.tallyUser || agentId != run.tallyAgent) {
            _count(run.tallyUser, run.tallyAgent, run.tallyItems, run.tallyWei);
            (run.tallyUser, run.tallyAgent) = (user, agentId);
            run.tallyItems = 0;
            run.tallyWei = 0;
        }
        run.tallyItems += run.paidItems;
        run.tallyWei += due;
        run.due = 0;
        run.paidItems = 0;
        ledgerManager.charge(run.channelId, due, run.meter.window());
    }

    function _count(address user, uint256 agentId, uint256 items, uint256 paid) private {
        if (paid == 0) return;

        Counters storage counted = _counters[agentId];
        uint256 before = _volume[user][agentId];
        uint64 users = counted.users;
        if (before == 0) ++users;
        // forge-lint: disable-next-line(unsafe-typecast) -- at most MAX_BATCH
        uint64 settled = counted.settled + uint64(items);
        uint128 volume = counted.volume + paid.toUint128();
        (counted.settled, counted.volume, counted.users) = (settled, volume, users);
        _volume[user][agentId] = before + paid;
    }

    /// @dev Fills what `run` holds of the item. The order decides what is answered where several rules are broken: first
    /// whether it was paid, which stays the answer after the channel is closed or the authorisation has expired.
    function _judge(Run memory run, Item calldata item) private view returns (Status) {
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

    /// @dev Was the nonce used up, in this batch or before? Notes its place.
    function _isUsed(Run memory run, bytes32 bindingId, uint256 nonce) private view returns (bool) {
        if (run.meter.isInWindow(bindingId, nonce)) {
            run.nonceKey = 0;
            return run.meter.isUsed(nonce);
        }
        run.nonceKey = _nonceKey(run.channelId, bindingId, nonce);
        run.nonceWord = _usedNonces[run.nonceKey];
        return run.nonceWord & _nonceBit(nonce) != 0;
    }

    /// @dev Did the user allow this charge? An unknown channel has no session key.
    function _isAuthorised(Run memory run, Item calldata item) private view returns (bool) {
        address signer = SettlementLib.signerOf(run.authHash, item.authSig);
        return run.funds.isReceiptMode() && _speaksFor(run.key, run.channelId, signer);
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

    function _bindTo(Run memory run, bytes32 bindingId) private view {
        if (run.bindingId == bindingId) return;
        run.bindingId = bindingId;
        (run.boundAgent, run.signer) = computeRegistry.signerOf(bindingId);
    }

    function _priceOf(uint256 key) private view returns (IServices.Price memory) {
        return computeRegistry.priceOf(key.agentId(), key.serviceId(), key.priceVersion());
    }

    function _isPayee(bytes32 channelId) private view returns (bool) {
        return msg.sender == ledgerManager.channelOf(channelId).payee;
    }

    /// @dev `signer` is not zero and is the channel's session key or one that was replaced not long ago.
    function _speaksFor(uint256 key, bytes32 channelId, address signer) private view returns (bool) {
        if (signer == address(0)) return false;
        return signer == key.account() || ledgerManager.isSessionKey(channelId, signer);
    }

    function _start(Run memory run, uint256 length, bool acceptPartial)
        private
        view
        returns (Status[] memory, uint256[] memory)
    {
        require(length <= MAX_BATCH, BatchTooLarge(length, MAX_BATCH));
        run.domain = _domainSeparatorV4();
        run.acceptPartial = acceptPartial;
        return (new Status[](length), new uint256[](length));
    }

    /// @dev Wei that the items before `index` take from its channel.
    function _takenBefore(Item[] calldata items, uint256 index, uint256[] memory fees)
        private
        pure
        returns (uint256 taken)
    {
        for (uint256 i = 0; i < index; ++i) {
            if (items[i].auth.channelId == items[index].auth.channelId) taken += fees[i];
        }
    }

    /// @dev Whether an item before `index` uses up its nonce.
    function _paidBefore(Item[] calldata items, uint256 index, uint256[] memory fees)
        private
        pure
        returns (bool)
    {
        RequestAuth calldata auth = items[index].auth;
        for (uint256 i = 0; i < index; ++i) {
            RequestAuth calldata earlier = items[i].auth;
            if (
                fees[i] != 0 && earlier.nonce == auth.nonce && earlier.bindingId == auth.bindingId
                    && earlier.channelId == auth.channelId
            ) return true;
        }
        return false;
    }

    function _nonceKey(bytes32 channelId, bytes32 bindingId, uint256 nonce)
        private
        pure
        returns (bytes32 key)
    {
        uint256 tag = ChannelWords.tagOf(bindingId);
        // keccak256(abi.encode(channelId, tag, nonce >> 8)) without taking memory
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, channelId)
            mstore(add(free, 0x20), tag)
            mstore(add(free, 0x40), shr(8, nonce))
            key := keccak256(free, 0x60)
        }
    }

    function _partialKey(RequestAuth calldata auth) private pure returns (bytes32) {
        return keccak256(abi.encode(auth.channelId, auth.bindingId, auth.nonce));
    }

    function _nonceBit(uint256 nonce) private pure returns (uint256) {
        return 1 << (nonce & 0xff);
    }

    function _isPaid(Status status) private pure returns (bool) {
        return status == Status.PAID || status == Status.PARTIAL;
    }
}
