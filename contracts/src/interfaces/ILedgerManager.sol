// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IComputeRegistry} from "./IComputeRegistry.sol";
import {IIdentityRegistry} from "./IIdentityRegistry.sol";

/// @title Deposits and payment channels between a user and a provider
/// @notice Money a provider relies on is locked and stays chargeable until a delay has ended. No proxy and no setter of a
/// peer. The owner (a timelock on public chains) can stop new deposits, openings and top-ups and choose the refund delay
/// of channels opened later, within bounds; nothing it does reaches a balance, a channel or a way out. Amounts in wei,
/// points in time in Unix seconds, delays in seconds. EIP-712 domain {name: "LedgerManager", version: "1", chainId,
/// verifyingContract}.
interface ILedgerManager {
    /// @notice How a channel is charged, fixed for its life: by one route only, else one request could be charged twice
    /// (attack P19).
    enum Mode {
        /// One authorisation and one receipt for each request.
        RECEIPT,
        /// One growing sum that the session key signs.
        VOUCHER
    }

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
        Mode mode;
        State state;
        uint128 locked;
        uint128 spent;
        /// When a requested refund may be completed; zero while OPEN.
        uint64 closeAt;
        /// The ledger's at opening; never changes (attack P14).
        uint32 refundDelay;
        /// secp256k1 key that signs `RequestAuth`s or `Voucher`s.
        address sessionKey;
    }

    /// @notice What opens a channel; hashed into the channel id with chain id and ledger address.
    struct Open {
        address user;
        uint256 agentId;
        uint32 serviceId;
        uint32 priceVersion;
        Mode mode;
        uint128 amount;
        address sessionKey;
        uint256 salt;
    }

    /// @notice `from` paid for `user`.
    /// @param user whose balance grew
    /// @param from who paid
    /// @param amount wei
    event Deposited(address indexed user, address indexed from, uint256 amount);
    /// @notice Available balance left the ledger.
    /// @param user whose balance it was
    /// @param to who receives it
    /// @param amount wei
    event Withdrawn(address indexed user, address indexed to, uint256 amount);
    /// @notice `amount` is locked; the names under which it may be charged and the refund delay are fixed.
    /// @param channelId see `channelIdOf`
    /// @param user who pays
    /// @param agentId who is paid for
    /// @param payee who is paid
    /// @param serviceId from 0
    /// @param priceVersion fixed for the channel
    /// @param mode fixed for the channel
    /// @param amount wei locked
    /// @param sessionKey who speaks for the user
    event ChannelOpened(
        bytes32 indexed channelId,
        address indexed user,
        uint256 indexed agentId,
        address payee,
        uint32 serviceId,
        uint32 priceVersion,
        Mode mode,
        uint128 amount,
        address sessionKey
    );
    /// @notice `amount` more is locked.
    /// @param channelId of the channel
    /// @param amount wei
    event ChannelToppedUp(bytes32 indexed channelId, uint128 amount);
    /// @notice Still chargeable; may be completed from `closeAt`.
    /// @param channelId of the channel
    /// @param closeAt Unix seconds
    event RefundRequested(bytes32 indexed channelId, uint64 closeAt);
    /// @notice Open again.
    /// @param channelId of the channel
    event RefundCancelled(bytes32 indexed channelId);
    /// @notice Final; `refunded` is available to the user again.
    /// @param channelId of the channel
    /// @param refunded wei
    event ChannelClosed(bytes32 indexed channelId, uint128 refunded);
    /// @notice Nodes refuse the old key from now on; what it signed before can still be settled.
    /// @param channelId of the channel
    /// @param oldKey before
    /// @param newKey from now on
    event SessionKeySet(bytes32 indexed channelId, address indexed oldKey, address indexed newKey);
    /// @notice Charged ether left the ledger.
    /// @param payee who is paid
    /// @param to who receives it
    /// @param amount wei
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
    error SaltUsed(bytes32 channelId, uint256 salt);
    error InvalidSignature(address expected);
    error TransferFailed(address to, uint256 amount);

    /// @notice Adds `msg.value` to the available balance of the caller. Intake.
    function deposit() external payable;
    /// @notice The same for another account. Intake.
    /// @param user whose balance grows
    function depositFor(address user) external payable;

    /// @notice From the available balance only.
    /// @param amount wei
    /// @param to who receives it
    function withdraw(uint256 amount, address to) external;

    /// @notice Caller must be `o.user`. `msg.value` is added to the available balance first. Intake.
    /// @param o what is opened
    /// @return channelId see `channelIdOf`
    function openChannel(Open calldata o) external payable returns (bytes32 channelId);

    /// @notice Opens for `o.user`, from its available balance; any relayer. Signed by the user's key, else accepted by its
    /// code (ERC-1271), because the signature takes effect at once. Intake.
    /// @param o what is opened
    /// @param deadline of the signature, Unix seconds
    /// @param userSig EIP-712 `Open(address user,uint256 agentId,uint32 serviceId,uint32 priceVersion,uint8 mode,uint128 amount,address sessionKey,uint256 salt,uint256 deadline)`
    /// in this contract's domain
    /// @return channelId see `channelIdOf`
    function openChannelWithSig(Open calldata o, uint256 deadline, bytes calldata userSig)
        external
        returns (bytes32 channelId);

    /// @notice User, while OPEN. `msg.value` is added to the available balance first. Intake.
    /// @param channelId of the channel
    /// @param amount wei to be locked
    function topUp(bytes32 channelId, uint128 amount) external payable;

    /// @notice The same from the user's available balance, by any relayer, signed like an opening. Intake.
    /// @param channelId of the channel
    /// @param amount wei to be locked
    /// @param salt usable once for this channel; counted salts are the cheapest
    /// @param deadline of the signature, Unix seconds
    /// @param userSig EIP-712 `TopUp(bytes32 channelId,uint128 amount,uint256 salt,uint256 deadline)` in this contract's domain
    function topUpWithSig(
        bytes32 channelId,
        uint128 amount,
        uint256 salt,
        uint256 deadline,
        bytes calldata userSig
    ) external;

    /// @notice OPEN → CLOSING. Stays chargeable until `completeRefund`.
    /// @param channelId of the channel
    function requestRefund(bytes32 channelId) external;
    /// @notice CLOSING → OPEN.
    /// @param channelId of the channel
    function cancelRefund(bytes32 channelId) external;

    /// @notice CLOSING → CLOSED once `closeAt` has come; the rest returns to the user's available balance. Anyone.
    /// @param channelId of the channel
    function completeRefund(bytes32 channelId) external;

    /// @notice Payee: nothing more to charge; closes at once in the user's favour.
    /// @param channelId of the channel
    function releaseChannel(bytes32 channelId) external;

    /// @notice The old key stays valid for settlement for the window in which its authorisations may still be settled;
    /// vouchers it signed have that window too.
    /// @param channelId of the channel
    /// @param key who speaks for the user from now on
    function setSessionKey(bytes32 channelId, address key) external;

    /// @notice Pull payment of everything charged for the caller.
    /// @param to who receives it
    /// @return amount wei
    function claim(address to) external returns (uint256 amount);

    /// @notice InferenceServing only: moves `amount` ≤ locked − spent to the payee's claimable balance, all or nothing. What
    /// InferenceServing announces (`Settled`, `VoucherSettled`) is the event of every charge.
    /// @param channelId OPEN or CLOSING
    /// @param amount wei
    /// @param window nonces that are used up, as ChannelWords has them; kept beside `spent`, so that they cost nothing more;
    /// zero leaves what is there
    function charge(bytes32 channelId, uint256 amount, uint72 window) external;

    /// @notice Owner: the refund delay of channels opened from now on, between MIN_REFUND_DELAY and MAX_REFUND_DELAY.
    /// @param delay seconds
    function setRefundDelay(uint32 delay) external;

    /// @notice keccak256(abi.encode(chainid, this contract, every field of `o`)).
    /// @param o what is opened
    function channelIdOf(Open calldata o) external view returns (bytes32);
    /// @notice All zero for an unknown id.
    /// @param channelId any
    function channelOf(bytes32 channelId) external view returns (Channel memory);
    /// @notice The same in the three words in which it is stored, for settlement; ChannelWords reads them.
    /// @param channelId any
    /// @return funds see ChannelWords
    /// @return key see ChannelWords
    /// @return meter see ChannelWords
    function wordsOf(bytes32 channelId) external view returns (uint256 funds, uint256 key, uint256 meter);
    /// @notice Wei that is neither locked in a channel nor charged.
    /// @param user any
    function availableOf(address user) external view returns (uint256);
    /// @notice Wei charged for the payee and not yet claimed.
    /// @param payee any
    function claimableOf(address payee) external view returns (uint256);
    /// @notice Whether a signed top-up of the channel took this salt.
    /// @param channelId any
    /// @param salt any
    function isSaltUsed(bytes32 channelId, uint256 salt) external view returns (bool);

    /// @notice Whether `key` speaks for the channel: its session key, or a replaced one within its window. A closed channel
    /// keeps its key and pays nothing.
    /// @param channelId any
    /// @param key any
    function isSessionKey(bytes32 channelId, address key) external view returns (bool);
    /// @notice Of channels opened now.
    function refundDelay() external view returns (uint32);
    /// @notice EIP-712.
    function domainSeparator() external view returns (bytes32);
    /// @notice Who offers what at which price.
    function computeRegistry() external view returns (IComputeRegistry);
    /// @notice Where agent wallets are read.
    function identityRegistry() external view returns (IIdentityRegistry);
    /// @notice The only address that may charge.
    function inferenceServing() external view returns (address);
}
