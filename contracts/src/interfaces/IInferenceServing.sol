// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IComputeRegistry} from "./IComputeRegistry.sol";
import {ILedgerManager} from "./ILedgerManager.sol";
import {IReputationRegistry} from "./IReputationRegistry.sol";

/// @title Settlement of receipts that both sides signed
/// @notice The user's session key signs what may be charged, the attested signer signs what was delivered; the fee
/// is computed here from the channel's immutable price version. No owner, no pause. Amounts in wei, times in Unix
/// seconds. EIP-712 domain {name: "InferenceServing", version: "1", chainId, verifyingContract} (docs/protocol.md §5).
interface IInferenceServing {
    struct RequestAuth {
        bytes32 channelId;
        uint256 nonce;
        /// The very binding (attested signer) the user verified.
        bytes32 bindingId;
        bytes32 requestHash;
        uint128 maxFee;
        uint64 validUntil;
    }

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

    struct Item {
        RequestAuth auth;
        bytes authSig;
        Receipt receipt;
        bytes receiptSig;
    }

    enum Status {
        PAID,
        /// The channel holds less than the fee; the nonce is not used up.
        UNDERFUNDED,
        /// This nonce of this channel and binding has been paid.
        ALREADY_USED,
        /// No such channel, or not signed by a session key of it.
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

    /// @notice Both hashes are EIP-712 digests.
    event Settled(
        bytes32 indexed channelId,
        uint256 indexed agentId,
        address indexed user,
        bytes32 authHash,
        bytes32 receiptHash,
        uint256 fee
    );
    /// @notice `value` in gwei.
    event FeedbackPosted(uint256 indexed agentId, int128 value);
    /// @notice The reputation registry refused; posting is never part of settlement.
    event FeedbackRefused(uint256 indexed agentId, bytes reason);

    error BatchTooLarge(uint256 length, uint256 max);
    error NothingNew(uint256 agentId);
    error FeedbackTooSoon(uint64 earliest);
    error InsufficientGas(uint256 required, uint256 actual);
    error ZeroAddress();

    /// @notice Settles up to MAX_BATCH items, each on its own: one bad item never reverts the batch. Anyone may submit.
    /// The nonce is used up only where money moved.
    function settle(Item[] calldata items) external returns (Status[] memory statuses, uint256[] memory fees);

    /// @notice What `settle` would answer now, later items of one channel seeing what earlier ones took.
    function preview(Item[] calldata items)
        external
        view
        returns (Status[] memory statuses, uint256[] memory fees);

    /// @notice ceil((in × inPerMTok + out × outPerMTok) / 1e6), wei.
    function feeOf(bytes32 channelId, uint32 inputTokens, uint32 outputTokens) external view returns (uint256);

    /// @notice Whether this nonce has been paid.
    function isNonceUsed(bytes32 channelId, bytes32 bindingId, uint256 nonce) external view returns (bool);
    /// @notice Wei the user has paid to the agent.
    function settledVolume(address user, uint256 agentId) external view returns (uint256);
    /// @notice Of one agent: receipts paid, wei, distinct users. Self-payment costs only gas, so readers weigh these by users
    /// who staked, never alone.
    function counters(uint256 agentId) external view returns (uint64 settled, uint128 volume, uint64 users);

    /// @notice Writes ERC-8004 feedback (tag1 "revenues", tag2 "ETH", value = ether settled since the last post, with 9
    /// decimals) as the one client that only paid use can make speak. Anyone, at most once an interval and only after
    /// a gwei of new volume.
    function postFeedback(uint256 agentId) external;

    /// @notice EIP-712 digest that the session key signs, `authHash` of the receipt.
    function authDigest(RequestAuth calldata auth) external view returns (bytes32);
    /// @notice EIP-712 digest that the attested signer signs.
    function receiptDigest(Receipt calldata receipt) external view returns (bytes32);
    /// @notice EIP-712.
    function domainSeparator() external view returns (bytes32);
    /// @notice Where prices and signers are read.
    function computeRegistry() external view returns (IComputeRegistry);
    /// @notice Whose channels are charged.
    function ledgerManager() external view returns (ILedgerManager);
    /// @notice ERC-8004 registry that `postFeedback` writes to.
    function reputationRegistry() external view returns (IReputationRegistry);
}
