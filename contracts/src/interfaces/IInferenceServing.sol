// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IComputeRegistry} from "./IComputeRegistry.sol";
import {ILedgerManager} from "./ILedgerManager.sol";
import {IProofVerifier} from "./IProofVerifier.sol";
import {IReputationRegistry} from "./IReputationRegistry.sol";

/// @title Settlement of what both sides signed
/// @notice The user's session key signs what may be charged, the attested signer signs what was delivered; the fee
/// is computed here from the channel's immutable price version. Channels in VOUCHER mode need the session key's word alone.
/// No owner, no pause. Amounts in wei, times in Unix seconds. EIP-712 domain {name: "InferenceServing", version: "1",
/// chainId, verifyingContract} (docs/protocol.md §5).
interface IInferenceServing is IProofVerifier {
    struct RequestAuth {
        bytes32 channelId;
        uint256 nonce;
        /// The very binding (attested signer) the user verified.
        bytes32 bindingId;
        bytes32 requestHash;
        uint128 maxFee;
        uint64 validUntil;
    }

    /// @notice What the attested signer signs.
    struct Receipt {
        /// EIP-712 digest of the RequestAuth.
        bytes32 authHash;
        bytes32 responseHash;
        uint32 inputTokens;
        uint32 outputTokens;
        /// 0 stop, 1 length, 2 aborted, 3 tool calls, 4 error.
        uint8 finish;
        uint64 issuedAt;
    }

    /// @notice A Receipt without its `authHash`, which settlement computes.
    struct Delivery {
        bytes32 responseHash;
        uint32 inputTokens;
        uint32 outputTokens;
        uint8 finish;
        uint64 issuedAt;
    }

    /// @notice secp256k1 in the compact form of EIP-2098: `s` below half the order, its highest bit is v − 27.
    struct Signature {
        bytes32 r;
        bytes32 vs;
    }

    struct Item {
        RequestAuth auth;
        Signature authSig;
        Delivery delivery;
        Signature receiptSig;
    }

    /// @notice The session key's promise for a channel in VOUCHER mode; the highest counts.
    struct Voucher {
        bytes32 channelId;
        /// Everything the channel may have been charged, from its opening on.
        uint128 cumulative;
    }

    enum Status {
        PAID,
        /// The payee accepted what was there; the nonce is used up.
        PARTIAL,
        /// The channel holds less than the fee; the nonce is not used up.
        UNDERFUNDED,
        /// This nonce of this channel and binding has been paid.
        ALREADY_USED,
        /// No such channel in RECEIPT mode, or not signed by a session key of it.
        BAD_AUTH,
        /// Not for this authorisation, not by the binding's signer, or issued outside its time.
        BAD_RECEIPT,
        /// Never attested, or of another agent.
        BAD_BINDING,
        /// Later than validUntil + SETTLE_WINDOW.
        EXPIRED,
        CHANNEL_CLOSED,
        /// More than the user's maxFee or the price's maxOutputTokens; nothing is paid.
        OVER_CAP,
        /// The fee is zero, so there is nothing to pay and no nonce to use up.
        NOTHING_DUE
    }

    /// @notice Both hashes are EIP-712 digests; `fee` is what was paid.
    /// @param channelId of the channel
    /// @param agentId ERC-8004 id
    /// @param user who paid
    /// @param authHash digest of the authorisation
    /// @param receiptHash digest of the receipt
    /// @param fee wei
    event Settled(
        bytes32 indexed channelId,
        uint256 indexed agentId,
        address indexed user,
        bytes32 authHash,
        bytes32 receiptHash,
        uint256 fee
    );
    /// @notice `paid` of `cumulative` is new.
    /// @param channelId of the channel
    /// @param agentId ERC-8004 id
    /// @param user who paid
    /// @param cumulative wei, from the opening on
    /// @param paid wei
    event VoucherSettled(
        bytes32 indexed channelId,
        uint256 indexed agentId,
        address indexed user,
        uint128 cumulative,
        uint256 paid
    );
    /// @notice `value` in gwei.
    /// @param agentId ERC-8004 id
    /// @param value gwei
    event FeedbackPosted(uint256 indexed agentId, int128 value);
    /// @notice The reputation registry refused; posting is never part of settlement.
    /// @param agentId ERC-8004 id
    /// @param reason as the registry gave it
    event FeedbackRefused(uint256 indexed agentId, bytes reason);

    error BatchTooLarge(uint256 length, uint256 max);
    error NoVoucherChannel(bytes32 channelId);
    error InvalidSignature(address expected);
    error NothingDue(bytes32 channelId, uint256 cumulative, uint256 payable_, uint256 spent);
    error NothingNew(uint256 agentId);
    error FeedbackTooSoon(uint64 earliest);
    error InsufficientGas(uint256 required, uint256 actual);
    error ZeroAddress();

    /// @notice Settles up to MAX_BATCH items, each on its own: one bad item never reverts the batch. Anyone may submit.
    /// The nonce is used up only where money moved. Items of one channel cost least next to each other.
    /// @param items at most MAX_BATCH
    /// @param acceptPartial honoured for channels whose payee is the caller: an item that is worth more than the channel
    /// holds is paid with what is there, for good (attack P17)
    /// @return statuses one for each item
    /// @return fees wei, one for each item
    function settle(Item[] calldata items, bool acceptPartial)
        external
        returns (Status[] memory statuses, uint256[] memory fees);

    /// @notice Pays what of `cumulative` was not paid yet and the channel holds; a later top-up makes the rest payable.
    /// Anyone may submit. A voucher ends with its channel, or SETTLE_WINDOW + MAX_AUTH_LIFE after its key was replaced.
    /// @param voucher that was signed
    /// @param signature EIP-712 `Voucher(bytes32 channelId,uint128 cumulative)` by a session key of the channel
    /// @return paid wei
    function settleVoucher(Voucher calldata voucher, Signature calldata signature)
        external
        returns (uint256 paid);

    /// @notice What `settle` would answer the caller now, later items of one channel seeing what earlier ones took.
    /// @param items as for `settle`
    /// @param acceptPartial as in `settle`
    /// @return statuses one for each item
    /// @return fees wei, one for each item
    function preview(Item[] calldata items, bool acceptPartial)
        external
        view
        returns (Status[] memory statuses, uint256[] memory fees);

    /// @notice ceil((in × inPerMTok + out × outPerMTok) / 1e6), wei.
    /// @param channelId that exists
    /// @param inputTokens counted
    /// @param outputTokens counted
    function feeOf(bytes32 channelId, uint32 inputTokens, uint32 outputTokens) external view returns (uint256);

    /// @notice Whether this nonce has been paid.
    /// @param channelId any
    /// @param bindingId any
    /// @param nonce any
    function isNonceUsed(bytes32 channelId, bytes32 bindingId, uint256 nonce) external view returns (bool);
    /// @notice Wei that the payee took in place of the whole fee (Status.PARTIAL).
    /// @param channelId any
    /// @param bindingId any
    /// @param nonce any
    function partialFeeOf(bytes32 channelId, bytes32 bindingId, uint256 nonce) external view returns (uint256);
    /// @notice Wei the user has paid to the agent.
    /// @param user any
    /// @param agentId any
    function settledVolume(address user, uint256 agentId) external view returns (uint256);
    /// @notice Of one agent: receipts paid, wei (vouchers included), distinct users. Self-payment costs only gas, so readers
    /// weigh these by users who staked, never alone. There is no count of failures: nothing signed by two sides says that
    /// a request failed, so anybody could raise or avoid it.
    /// @param agentId any
    /// @return settled receipts paid
    /// @return volume wei
    /// @return users distinct
    function counters(uint256 agentId) external view returns (uint64 settled, uint128 volume, uint64 users);

    /// @notice Writes ERC-8004 feedback (tag1 "revenues", tag2 "ETH", value = ether settled since the last post, with 9
    /// decimals) as the one client that only paid use can make speak. Anyone, at most once an interval and only after
    /// a gwei of new volume.
    /// @param agentId that was paid
    function postFeedback(uint256 agentId) external;

    /// @notice EIP-712 digest that the session key signs, `authHash` of the receipt.
    /// @param auth any
    function authDigest(RequestAuth calldata auth) external view returns (bytes32);
    /// @notice EIP-712 digest that the attested signer signs.
    /// @param receipt any
    function receiptDigest(Receipt calldata receipt) external view returns (bytes32);
    /// @notice EIP-712 digest that the session key signs.
    /// @param voucher any
    function voucherDigest(Voucher calldata voucher) external view returns (bytes32);
    /// @notice EIP-712.
    function domainSeparator() external view returns (bytes32);
    /// @notice Where prices and signers are read.
    function computeRegistry() external view returns (IComputeRegistry);
    /// @notice Whose channels are charged.
    function ledgerManager() external view returns (ILedgerManager);
    /// @notice ERC-8004 registry that `postFeedback` writes to.
    function reputationRegistry() external view returns (IReputationRegistry);
}
