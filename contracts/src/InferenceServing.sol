// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {BitMaps} from "@openzeppelin/contracts/utils/structs/BitMaps.sol";
import {IComputeRegistry} from "./interfaces/IComputeRegistry.sol";
import {IInferenceServing} from "./interfaces/IInferenceServing.sol";
import {ILedgerManager} from "./interfaces/ILedgerManager.sol";
import {IReputationRegistry} from "./interfaces/IReputationRegistry.sol";
import {SettlementLib} from "./libraries/SettlementLib.sol";

/// @title Settlement of receipts, item by item
/// @notice Rules and powers: see IInferenceServing. It holds no money.
contract InferenceServing is IInferenceServing, EIP712, ReentrancyGuardTransient {
    using BitMaps for BitMaps.BitMap;
    using SafeCast for uint256;
    using SafeCast for int256;
    using SettlementLib for RequestAuth;
    using SettlementLib for Receipt;

    /// @notice Items of one `settle` or `preview`; keeps both well under the transaction gas cap.
    uint256 public constant MAX_BATCH = 50;
    /// @notice How long after `validUntil` an item may be settled; gives the user finality.
    uint64 public constant SETTLE_WINDOW = 12 hours;
    /// @notice Between two posts for one agent.
    uint64 public constant FEEDBACK_INTERVAL = 1 days;
    /// @notice Gas that must be left for the reputation registry; its first entry costs about 210,000. Without this a
    /// caller could starve it and use up the interval, and a gas estimate would find exactly that.
    uint256 public constant FEEDBACK_GAS = 500_000;
    /// @notice Highest `finish` code.
    uint8 public constant MAX_FINISH = 4;

    uint256 private constant WEI_PER_GWEI = 1e9;
    uint8 private constant GWEI_DECIMALS = 9;

    /// @inheritdoc IInferenceServing
    IComputeRegistry public immutable computeRegistry;
    /// @inheritdoc IInferenceServing
    ILedgerManager public immutable ledgerManager;
    /// @inheritdoc IInferenceServing
    IReputationRegistry public immutable reputationRegistry;

    struct Counters {
        uint64 settled;
        uint128 volume;
        uint64 users;
    }

    struct Feedback {
        uint128 postedVolume;
        uint64 postedAt;
    }

    /// What `_judge` found out about one item.
    struct Judgement {
        Status status;
        uint256 fee;
        bytes32 authHash;
        bytes32 receiptHash;
        uint256 agentId;
        address user;
    }

    /// By binding, because replicas of a node share no nonce store (attack P4).
    mapping(bytes32 channelId => mapping(bytes32 bindingId => BitMaps.BitMap used)) private _usedNonces;
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
    function settle(Item[] calldata items)
        external
        returns (Status[] memory statuses, uint256[] memory fees)
    {
        _requireBatch(items);
        statuses = new Status[](items.length);
        fees = new uint256[](items.length);

        for (uint256 i = 0; i < items.length; ++i) {
            Item calldata item = items[i];
            Judgement memory judgement = _judge(item, 0);
            statuses[i] = judgement.status;
            if (judgement.status != Status.PAID) continue;

            fees[i] = judgement.fee;
            _pay(item.auth, judgement);
        }
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
    function preview(Item[] calldata items)
        external
        view
        returns (Status[] memory statuses, uint256[] memory fees)
    {
        _requireBatch(items);
        statuses = new Status[](items.length);
        fees = new uint256[](items.length);

        for (uint256 i = 0; i < items.length; ++i) {
            (uint256 taken, bool used) = _takenBefore(items, i, statuses, fees);
            if (used) {
                statuses[i] = Status.ALREADY_USED;
                continue;
            }
            Judgement memory judgement = _judge(items[i], taken);
            statuses[i] = judgement.status;
            if (judgement.status == Status.PAID) fees[i] = judgement.fee;
        }
    }

    /// @inheritdoc IInferenceServing
    function feeOf(bytes32 channelId, uint32 inputTokens, uint32 outputTokens)
        external
        view
        returns (uint256)
    {
        return SettlementLib.fee(_priceOf(ledgerManager.channelOf(channelId)), inputTokens, outputTokens);
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
    function isNonceUsed(bytes32 channelId, bytes32 bindingId, uint256 nonce) public view returns (bool) {
        return _usedNonces[channelId][bindingId].get(nonce);
    }

    /// @inheritdoc IInferenceServing
    function authDigest(RequestAuth calldata auth) public view returns (bytes32) {
        return _hashTypedDataV4(auth.hash());
    }

    /// @inheritdoc IInferenceServing
    function receiptDigest(Receipt calldata receipt) public view returns (bytes32) {
        return _hashTypedDataV4(receipt.hash());
    }

    /* INTERNAL */

    function _pay(RequestAuth calldata auth, Judgement memory judgement) private {
        _usedNonces[auth.channelId][auth.bindingId].set(auth.nonce);
        _count(judgement);

        emit Settled(
            auth.channelId,
            judgement.agentId,
            judgement.user,
            judgement.authHash,
            judgement.receiptHash,
            judgement.fee
        );
        ledgerManager.charge(auth.channelId, judgement.fee);
    }

    function _count(Judgement memory judgement) private {
        Counters storage counted = _counters[judgement.agentId];
        uint256 before = _volume[judgement.user][judgement.agentId];
        if (before == 0) ++counted.users;
        ++counted.settled;
        counted.volume += judgement.fee.toUint128();
        _volume[judgement.user][judgement.agentId] = before + judgement.fee;
    }

    /// @dev `taken`: wei that earlier items of this batch take from the same channel
    function _judge(Item calldata item, uint256 taken) private view returns (Judgement memory judgement) {
        RequestAuth calldata auth = item.auth;
        ILedgerManager.Channel memory channel = ledgerManager.channelOf(auth.channelId);
        judgement.agentId = channel.agentId;
        judgement.user = channel.user;
        judgement.authHash = authDigest(auth);
        judgement.receiptHash = receiptDigest(item.receipt);

        judgement.status = _judgeAuth(item, channel, judgement.authHash);
        if (judgement.status != Status.PAID) return judgement;
        judgement.status = _judgeReceipt(item, channel.agentId, judgement.authHash, judgement.receiptHash);
        if (judgement.status != Status.PAID) return judgement;
        (judgement.status, judgement.fee) = _judgeFee(item, channel, taken);
    }

    /// @dev Did the user allow this charge, once and in time? First whether it was paid: that stays the answer after the
    /// channel is closed or the authorisation has expired.
    function _judgeAuth(Item calldata item, ILedgerManager.Channel memory channel, bytes32 authHash)
        private
        view
        returns (Status)
    {
        RequestAuth calldata auth = item.auth;
        if (isNonceUsed(auth.channelId, auth.bindingId, auth.nonce)) return Status.ALREADY_USED;
        if (channel.state == ILedgerManager.State.CLOSED) return Status.CHANNEL_CLOSED;
        if (block.timestamp > uint256(auth.validUntil) + SETTLE_WINDOW) return Status.EXPIRED;
        // An unknown channel has no session key.
        address signer = SettlementLib.signerOf(authHash, item.authSig);
        return ledgerManager.isSessionKey(auth.channelId, signer) ? Status.PAID : Status.BAD_AUTH;
    }

    /// @dev Did the signer named by the user deliver this? The binding need not be valid any more: what happened to it
    /// later never voids an earned receipt (attack P13).
    function _judgeReceipt(Item calldata item, uint256 agentId, bytes32 authHash, bytes32 receiptHash)
        private
        view
        returns (Status)
    {
        (uint256 boundAgent, address signer) = computeRegistry.signerOf(item.auth.bindingId);
        if (signer == address(0) || boundAgent != agentId) return Status.BAD_BINDING;

        Receipt calldata receipt = item.receipt;
        bool sound = receipt.authHash == authHash && receipt.finish <= MAX_FINISH
            && receipt.issuedAt <= item.auth.validUntil && receipt.issuedAt <= block.timestamp
            && SettlementLib.signerOf(receiptHash, item.receiptSig) == signer;
        return sound ? Status.PAID : Status.BAD_RECEIPT;
    }

    /// @dev All of the fee or nothing: a third party must not burn a receipt at a bad moment (attack P17).
    function _judgeFee(Item calldata item, ILedgerManager.Channel memory channel, uint256 taken)
        private
        view
        returns (Status, uint256 fee)
    {
        IComputeRegistry.Price memory price = _priceOf(channel);
        Receipt calldata receipt = item.receipt;
        if (receipt.outputTokens > price.maxOutputTokens) return (Status.OVER_CAP, 0);
        fee = SettlementLib.fee(price, receipt.inputTokens, receipt.outputTokens);
        if (fee > item.auth.maxFee) return (Status.OVER_CAP, 0);
        if (fee == 0) return (Status.NOTHING_DUE, 0);
        if (fee + taken > channel.locked - channel.spent) return (Status.UNDERFUNDED, 0);
        return (Status.PAID, fee);
    }

    /// @dev What the paid items before `index` take from its channel, and whether one of them used its nonce.
    function _takenBefore(
        Item[] calldata items,
        uint256 index,
        Status[] memory statuses,
        uint256[] memory fees
    ) private pure returns (uint256 taken, bool used) {
        RequestAuth calldata auth = items[index].auth;
        for (uint256 i = 0; i < index; ++i) {
            RequestAuth calldata earlier = items[i].auth;
            if (statuses[i] != Status.PAID || earlier.channelId != auth.channelId) continue;
            taken += fees[i];
            if (earlier.bindingId == auth.bindingId && earlier.nonce == auth.nonce) used = true;
        }
    }

    function _priceOf(ILedgerManager.Channel memory channel)
        private
        view
        returns (IComputeRegistry.Price memory)
    {
        return computeRegistry.priceOf(channel.agentId, channel.serviceId, channel.priceVersion);
    }

    function _requireBatch(Item[] calldata items) private pure {
        require(items.length <= MAX_BATCH, BatchTooLarge(items.length, MAX_BATCH));
    }
}
