// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {LowLevelCall} from "@openzeppelin/contracts/utils/LowLevelCall.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {IComputeRegistry} from "./interfaces/IComputeRegistry.sol";
import {IIdentityRegistry} from "./interfaces/IIdentityRegistry.sol";
import {ILedgerManager} from "./interfaces/ILedgerManager.sol";
import {AccountSignatureLib} from "./libraries/AccountSignatureLib.sol";
import {ChannelOpeningLib} from "./libraries/ChannelOpeningLib.sol";

/// @title Deposits and channels in ether
/// @notice Rules and powers: see ILedgerManager.
contract LedgerManager is ILedgerManager, EIP712, ReentrancyGuardTransient {
    /// @notice Copied into a channel at opening (attack P14).
    uint32 public constant REFUND_DELAY = 24 hours;
    /// @notice Longest life of a `RequestAuth` that a node accepts.
    uint64 public constant MAX_AUTH_LIFE = 1 hours;
    /// @notice How long after `validUntil` a receipt may still be settled. Shorter than REFUND_DELAY, so that a refund asked
    /// for after the answer never outruns it.
    uint64 public constant SETTLE_WINDOW = 12 hours;

    /// @inheritdoc ILedgerManager
    IComputeRegistry public immutable computeRegistry;
    /// @inheritdoc ILedgerManager
    IIdentityRegistry public immutable identityRegistry;
    /// @inheritdoc ILedgerManager
    address public immutable inferenceServing;

    mapping(address user => uint256 wei_) private _available;
    mapping(address payee => uint256 wei_) private _claimable;
    mapping(bytes32 channelId => Channel channel) private _channels;
    /// Until when authorisations of a replaced session key may be settled.
    mapping(bytes32 channelId => mapping(address key => uint64 until)) private _replacedKeys;

    constructor(IComputeRegistry registry, IIdentityRegistry identity, address serving)
        EIP712("LedgerManager", "1")
    {
        require(
            address(registry) != address(0) && address(identity) != address(0) && serving != address(0),
            ZeroAddress()
        );
        computeRegistry = registry;
        identityRegistry = identity;
        inferenceServing = serving;
    }

    /* BALANCES */

    /// @inheritdoc ILedgerManager
    function deposit() external payable {
        require(msg.value != 0, ZeroAmount());

        _credit(msg.sender);
    }

    /// @inheritdoc ILedgerManager
    function depositFor(address user) external payable {
        require(user != address(0), ZeroAddress());
        require(msg.value != 0, ZeroAmount());

        _credit(user);
    }

    /// @inheritdoc ILedgerManager
    function withdraw(uint256 amount, address to) external nonReentrant {
        require(to != address(0), ZeroAddress());
        require(amount != 0, ZeroAmount());

        _debit(msg.sender, amount);

        emit Withdrawn(msg.sender, to, amount);
        require(LowLevelCall.callNoReturn(to, amount, ""), TransferFailed(to, amount));
    }

    /// @inheritdoc ILedgerManager
    function claim(address to) external nonReentrant returns (uint256 amount) {
        require(to != address(0), ZeroAddress());
        amount = _claimable[msg.sender];
        require(amount != 0, ZeroAmount());

        _claimable[msg.sender] = 0;

        emit Claimed(msg.sender, to, amount);
        require(LowLevelCall.callNoReturn(to, amount, ""), TransferFailed(to, amount));
    }

    /* CHANNELS */

    /// @inheritdoc ILedgerManager
    function openChannel(Open calldata o) external payable returns (bytes32 channelId) {
        channelId = channelIdOf(o);
        require(msg.sender == o.user, NotUser(channelId, msg.sender));

        _credit(msg.sender);
        _open(channelId, o);
    }

    /// @inheritdoc ILedgerManager
    function openChannelWithSig(Open calldata o, uint256 deadline, bytes calldata userSig)
        external
        returns (bytes32 channelId)
    {
        channelId = channelIdOf(o);
        require(block.timestamp <= deadline, SignatureExpired(deadline));
        bytes32 digest = _hashTypedDataV4(ChannelOpeningLib.hash(o, deadline));
        require(AccountSignatureLib.isSignedBy(o.user, digest, userSig), InvalidSignature(o.user));

        _open(channelId, o);
    }

    /// @inheritdoc ILedgerManager
    function topUp(bytes32 channelId, uint128 amount) external payable {
        Channel storage channel = _ownChannel(channelId);
        require(channel.state == State.OPEN, WrongState(channelId, channel.state));
        require(amount != 0, ZeroAmount());

        _credit(msg.sender);
        _debit(msg.sender, amount);
        channel.locked += amount;

        emit ChannelToppedUp(channelId, amount);
    }

    /// @inheritdoc ILedgerManager
    function requestRefund(bytes32 channelId) external {
        Channel storage channel = _ownChannel(channelId);
        require(channel.state == State.OPEN, WrongState(channelId, channel.state));

        uint64 closeAt = uint64(block.timestamp) + channel.refundDelay;
        channel.state = State.CLOSING;
        channel.closeAt = closeAt;

        emit RefundRequested(channelId, closeAt);
    }

    /// @inheritdoc ILedgerManager
    function cancelRefund(bytes32 channelId) external {
        Channel storage channel = _ownChannel(channelId);
        require(channel.state == State.CLOSING, WrongState(channelId, channel.state));

        channel.state = State.OPEN;
        channel.closeAt = 0;

        emit RefundCancelled(channelId);
    }

    /// @inheritdoc ILedgerManager
    function completeRefund(bytes32 channelId) external {
        Channel storage channel = _channels[channelId];
        require(channel.state == State.CLOSING, WrongState(channelId, channel.state));
        require(block.timestamp >= channel.closeAt, RefundNotDue(channel.closeAt, block.timestamp));

        _close(channelId, channel);
    }

    /// @inheritdoc ILedgerManager
    function releaseChannel(bytes32 channelId) external {
        Channel storage channel = _channels[channelId];
        _requireChargeable(channelId, channel);
        require(msg.sender == channel.payee, NotPayee(channelId, msg.sender));

        _close(channelId, channel);
    }

    /// @inheritdoc ILedgerManager
    function setSessionKey(bytes32 channelId, address key) external {
        Channel storage channel = _ownChannel(channelId);
        _requireChargeable(channelId, channel);
        require(key != address(0), ZeroAddress());

        // What the old key signed may have been served already; the user alone must not void it (attack P20).
        address oldKey = channel.sessionKey;
        _replacedKeys[channelId][oldKey] = uint64(block.timestamp) + MAX_AUTH_LIFE + SETTLE_WINDOW;
        channel.sessionKey = key;

        emit SessionKeySet(channelId, oldKey, key);
    }

    /// @inheritdoc ILedgerManager
    function charge(bytes32 channelId, uint256 amount) external {
        require(msg.sender == inferenceServing, NotServing(msg.sender));
        Channel storage channel = _channels[channelId];
        _requireChargeable(channelId, channel);
        uint256 rest = channel.locked - channel.spent;
        require(amount <= rest, InsufficientBalance(amount, rest));

        // forge-lint: disable-next-line(unsafe-typecast) -- amount ≤ rest, which has 128 bits
        channel.spent += uint128(amount);
        _claimable[channel.payee] += amount;

        emit Charged(channelId, channel.payee, amount);
    }

    /* VIEWS */

    /// @inheritdoc ILedgerManager
    function channelOf(bytes32 channelId) external view returns (Channel memory) {
        return _channels[channelId];
    }

    /// @inheritdoc ILedgerManager
    function availableOf(address user) external view returns (uint256) {
        return _available[user];
    }

    /// @inheritdoc ILedgerManager
    function claimableOf(address payee) external view returns (uint256) {
        return _claimable[payee];
    }

    /// @inheritdoc ILedgerManager
    function isSessionKey(bytes32 channelId, address key) external view returns (bool) {
        if (key == address(0)) return false;
        return key == _channels[channelId].sessionKey || block.timestamp <= _replacedKeys[channelId][key];
    }

    /// @inheritdoc ILedgerManager
    function domainSeparator() external view returns (bytes32) {
        return _domainSeparatorV4();
    }

    /// @inheritdoc ILedgerManager
    function channelIdOf(Open calldata o) public view returns (bytes32) {
        return ChannelOpeningLib.channelId(o, block.chainid, address(this));
    }

    /* INTERNAL */

    function _open(bytes32 channelId, Open calldata o) private {
        require(_channels[channelId].state == State.NONE, ChannelExists(channelId));
        require(o.amount != 0, ZeroAmount());
        require(o.sessionKey != address(0), ZeroAddress());
        address payee = _requireOffered(o);

        _debit(o.user, o.amount);
        _channels[channelId] = Channel({
            user: o.user,
            agentId: o.agentId,
            payee: payee,
            serviceId: o.serviceId,
            priceVersion: o.priceVersion,
            state: State.OPEN,
            locked: o.amount,
            spent: 0,
            closeAt: 0,
            refundDelay: REFUND_DELAY,
            sessionKey: o.sessionKey
        });

        emit ChannelOpened(
            channelId, o.user, o.agentId, payee, o.serviceId, o.priceVersion, o.amount, o.sessionKey
        );
    }

    /// @dev The provider is active and offers this service at exactly this price now.
    function _requireOffered(Open calldata o) private view returns (address payee) {
        require(computeRegistry.isActive(o.agentId), ProviderNotActive(o.agentId));
        require(
            computeRegistry.serviceOf(o.agentId, o.serviceId).active, ServiceNotActive(o.agentId, o.serviceId)
        );
        uint32 current = computeRegistry.currentPriceVersion(o.agentId, o.serviceId);
        require(o.priceVersion == current, PriceNotCurrent(current, o.priceVersion));
        payee = identityRegistry.getAgentWallet(o.agentId);
        require(payee != address(0), NoAgentWallet(o.agentId));
    }

    function _close(bytes32 channelId, Channel storage channel) private {
        uint128 rest = channel.locked - channel.spent;

        // CLOSED is terminal and `spent` is kept for ever (attack P22).
        channel.state = State.CLOSED;
        channel.locked = channel.spent;
        _available[channel.user] += rest;

        emit ChannelClosed(channelId, rest);
    }

    function _credit(address user) private {
        if (msg.value == 0) return;

        _available[user] += msg.value;

        emit Deposited(user, msg.sender, msg.value);
    }

    function _debit(address user, uint256 amount) private {
        uint256 available = _available[user];
        require(amount <= available, InsufficientBalance(amount, available));

        _available[user] = available - amount;
    }

    function _ownChannel(bytes32 channelId) private view returns (Channel storage channel) {
        channel = _channels[channelId];
        require(msg.sender == channel.user, NotUser(channelId, msg.sender));
    }

    function _requireChargeable(bytes32 channelId, Channel storage channel) private view {
        require(
            channel.state == State.OPEN || channel.state == State.CLOSING,
            WrongState(channelId, channel.state)
        );
    }
}
