// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IComputeRegistry} from "./IComputeRegistry.sol";
import {IIdentityRegistry} from "./IIdentityRegistry.sol";

/// @title Deposits and payment channels between a user and a provider
/// @notice Money a provider relies on is locked and stays chargeable until a delay has ended. No owner, no pause,
/// no setter. Amounts in wei, points in time in Unix seconds, delays in seconds. EIP-712 domain {name: "LedgerManager",
/// version: "1", chainId, verifyingContract}.
interface ILedgerManager {
    enum State {
        NONE,
        OPEN,
        CLOSING,
        CLOSED
    }

    struct Channel {
        address user;
        uint256 agentId;
        /// `getAgentWallet(agentId)` at opening; never changes.
        address payee;
        uint32 serviceId;
        uint32 priceVersion;
        State state;
        uint128 locked;
        uint128 spent;
        /// When a requested refund may be completed; zero while OPEN.
        uint64 closeAt;
        uint32 refundDelay;
        /// secp256k1 key that signs `RequestAuth`s.
        address sessionKey;
    }

    /// @notice What opens a channel; hashed into the channel id with chain id and ledger address.
    struct Open {
        address user;
        uint256 agentId;
        uint32 serviceId;
        uint32 priceVersion;
        uint128 amount;
        address sessionKey;
        uint256 salt;
    }

    /// @notice `from` paid for `user`.
    event Deposited(address indexed user, address indexed from, uint256 amount);
    /// @notice Available balance left the ledger.
    event Withdrawn(address indexed user, address indexed to, uint256 amount);
    /// @notice `amount` is locked; the names under which it may be charged are fixed.
    event ChannelOpened(
        bytes32 indexed channelId,
        address indexed user,
        uint256 indexed agentId,
        address payee,
        uint32 serviceId,
        uint32 priceVersion,
        uint128 amount,
        address sessionKey
    );
    /// @notice `amount` more is locked.
    event ChannelToppedUp(bytes32 indexed channelId, uint128 amount);
    /// @notice Still chargeable; may be completed from `closeAt`.
    event RefundRequested(bytes32 indexed channelId, uint64 closeAt);
    /// @notice Open again.
    event RefundCancelled(bytes32 indexed channelId);
    /// @notice Final; `refunded` is available to the user again.
    event ChannelClosed(bytes32 indexed channelId, uint128 refunded);
    /// @notice Nodes refuse the old key from now on; what it signed before can still be settled.
    event SessionKeySet(bytes32 indexed channelId, address indexed oldKey, address indexed newKey);
    /// @notice Locked became claimable.
    event Charged(bytes32 indexed channelId, address indexed payee, uint256 amount);
    /// @notice Charged ether left the ledger.
    event Claimed(address indexed payee, address indexed to, uint256 amount);

    error ZeroAddress();
    error ZeroAmount();
    error InsufficientBalance(uint256 required, uint256 available);
    error ChannelExists(bytes32 channelId);
    error WrongState(bytes32 channelId, State actual);
    error NotUser(bytes32 channelId, address caller);
    error NotPayee(bytes32 channelId, address caller);
    error NotServing(address caller);
    error RefundNotDue(uint64 closeAt, uint256 nowAt);
    error ProviderNotActive(uint256 agentId);
    error ServiceNotActive(uint256 agentId, uint32 serviceId);
    error PriceNotCurrent(uint32 current, uint32 actual);
    error NoAgentWallet(uint256 agentId);
    error SignatureExpired(uint256 deadline);
    error InvalidSignature(address expected);
    error TransferFailed(address to, uint256 amount);

    /// @notice Adds `msg.value` to the available balance of the caller.
    function deposit() external payable;
    /// @notice The same for another account.
    function depositFor(address user) external payable;

    /// @notice From the available balance only.
    function withdraw(uint256 amount, address to) external;

    /// @notice Caller must be `o.user`. `msg.value` is added to the available balance first.
    function openChannel(Open calldata o) external payable returns (bytes32 channelId);

    /// @notice Opens for `o.user`, from its available balance; any relayer. Signed by the user's key, else accepted by its
    /// code (ERC-1271), because the signature takes effect at once.
    /// @param userSig EIP-712 `Open(address user,uint256 agentId,uint32 serviceId,uint32 priceVersion,uint128 amount,address sessionKey,uint256 salt,uint256 deadline)`
    /// in this contract's domain
    function openChannelWithSig(Open calldata o, uint256 deadline, bytes calldata userSig)
        external
        returns (bytes32 channelId);

    /// @notice User, while OPEN. `msg.value` is added to the available balance first.
    function topUp(bytes32 channelId, uint128 amount) external payable;

    /// @notice OPEN → CLOSING. Stays chargeable until `completeRefund`.
    function requestRefund(bytes32 channelId) external;
    /// @notice CLOSING → OPEN.
    function cancelRefund(bytes32 channelId) external;

    /// @notice CLOSING → CLOSED once `closeAt` has come; the rest returns to the user's available balance. Anyone.
    function completeRefund(bytes32 channelId) external;

    /// @notice Payee: nothing more to charge; closes at once in the user's favour.
    function releaseChannel(bytes32 channelId) external;

    /// @notice The old key stays valid for settlement for the window in which its authorisations may still be settled.
    function setSessionKey(bytes32 channelId, address key) external;

    /// @notice Pull payment of everything charged for the caller.
    function claim(address to) external returns (uint256 amount);

    /// @notice InferenceServing only: moves `amount` ≤ locked − spent to the payee's claimable balance, all or nothing.
    function charge(bytes32 channelId, uint256 amount) external;

    /// @notice keccak256(abi.encode(chainid, this contract, every field of `o`)).
    function channelIdOf(Open calldata o) external view returns (bytes32);
    /// @notice All zero for an unknown id.
    function channelOf(bytes32 channelId) external view returns (Channel memory);
    /// @notice Wei that is neither locked in a channel nor charged.
    function availableOf(address user) external view returns (uint256);
    /// @notice Wei charged for the payee and not yet claimed.
    function claimableOf(address payee) external view returns (uint256);

    /// @notice Whether `key` speaks for the channel: its session key, or a replaced one within its window. A closed channel
    /// keeps its key and pays nothing.
    function isSessionKey(bytes32 channelId, address key) external view returns (bool);
    /// @notice EIP-712.
    function domainSeparator() external view returns (bytes32);
    /// @notice Who offers what at which price.
    function computeRegistry() external view returns (IComputeRegistry);
    /// @notice Where agent wallets are read.
    function identityRegistry() external view returns (IIdentityRegistry);
    /// @notice The only address that may charge.
    function inferenceServing() external view returns (address);
}
