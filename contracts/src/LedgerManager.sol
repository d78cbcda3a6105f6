// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {LowLevelCall} from "@openzeppelin/contracts/utils/LowLevelCall.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {BitMaps} from "@openzeppelin/contracts/utils/structs/BitMaps.sol";
import {Governed} from "./governance/Governed.sol";
import {IComputeRegistry} from "./interfaces/IComputeRegistry.sol";
import {IIdentityRegistry} from "./interfaces/IIdentityRegistry.sol";
import {ILedgerManager} from "./interfaces/ILedgerManager.sol";
import {AccountSignatureLib} from "./libraries/AccountSignatureLib.sol";
import {ChannelLib} from "./libraries/ChannelLib.sol";
import {ChannelWords} from "./libraries/ChannelWords.sol";

/// @title Deposits and channels in ether
/// @notice Rules and powers: see ILedgerManager.
contract LedgerManager is ILedgerManager, EIP712, ReentrancyGuardTransient, Governed {
    using BitMaps for BitMaps.BitMap;
    using ChannelWords for uint256;
    using SafeCast for uint256;

    /// @notice Longest life of a `RequestAuth`; settlement refuses a receipt of a longer one.
    uint64 public constant MAX_AUTH_LIFE = 1 hours;
    /// @notice How long after `validUntil` a receipt may still be settled.
    uint64 public constant SETTLE_WINDOW = 12 hours;
    /// @notice An hour more than the two above, so that a refund asked for after the answer never outruns its receipt.
    uint32 public constant MIN_REFUND_DELAY = 14 hours;
    /// @notice Longest that an owner can make users of later channels wait.
    uint32 public constant MAX_REFUND_DELAY = 7 days;

    /// Lies in storage as ChannelWords describes.
    struct Record {
        address user;
        uint80 locked;
        Mode mode;
        State state;
        address sessionKey;
        uint48 agentId;
        uint24 serviceId;
        uint24 priceVersion;
        uint40 payeeNumber;
        uint40 closeAt;
        uint24 refundDelay;
        uint72 window;
        uint80 spent;
    }

    struct Payee {
        address account;
        uint96 claimable;
    }

    /// @inheritdoc ILedgerManager
    IComputeRegistry public immutable computeRegistry;
    /// @inheritdoc ILedgerManager
    IIdentityRegistry public immutable identityRegistry;
    /// @inheritdoc ILedgerManager
    address public immutable inferenceServing;

    /// @inheritdoc ILedgerManager
    uint32 public refundDelay = 24 hours;
    /// Beside the delay, so that an opening reads one slot.
    uint40 private _payeeCount;
    mapping(address user => uint256 wei_) private _available;
    /// Payees have numbers from 1 on, so that a channel has room for its payee.
    mapping(address account => uint40 number) private _payeeNumbers;
    mapping(uint40 number => Payee payee) private _payees;
    mapping(bytes32 channelId => Record channel) private _channels;
    mapping(bytes32 channelId => BitMaps.BitMap salts) private _usedSalts;
    /// Until when authorisations of a replaced session key may be settled.
    mapping(bytes32 channelId => mapping(address key => uint64 until)) private _replacedKeys;

    constructor(IComputeRegistry registry, IIdentityRegistry identity, address serving, address owner_)
        EIP712("LedgerManager", "1")
        Governed(owner_)
    {
        require(
            address(registry) != address(0) && address(identity) != address(0) && serving != address(0),
            ZeroAddress()
        );
        computeRegistry = registry;
        identityRegistry = identity;
        inferenceServing = serving;
    }

    /// @inheritdoc ILedgerManager
    function setRefundDelay(uint32 delay) external onlyOwner {
        _announcePolicy("refundDelay", delay, MIN_REFUND_DELAY, MAX_REFUND_DELAY);
        refundDelay = delay;
    }

    /* BALANCES */

    /// @inheritdoc ILedgerManager
    function deposit() external payable whileIntakeOpen {
        require(msg.value != 0, ZeroAmount());

        _credit(msg.sender);
    }

    /// @inheritdoc ILedgerManager
    function depositFor(address user) external payable whileIntakeOpen {
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
        Payee storage payee = _payees[_payeeNumbers[msg.sender]];
        amount = payee.claimable;
        require(amount != 0, ZeroAmount());

        payee.claimable = 0;

        emit Claimed(msg.sender, to, amount);
        require(LowLevelCall.callNoReturn(to, amount, ""), TransferFailed(to, amount));
    }

    /* CHANNELS */

    /// @inheritdoc ILedgerManager
    function openChannel(Open calldata o) external payable whileIntakeOpen returns (bytes32 channelId) {
        channelId = channelIdOf(o);
        require(msg.sender == o.user, NotUser(channelId, msg.sender));

        _credit(msg.sender);
        _open(channelId, o);
    }

    /// @inheritdoc ILedgerManager
    function openChannelWithSig(Open calldata o, uint256 deadline, bytes calldata userSig)
        external
        whileIntakeOpen
        returns (bytes32 channelId)
    {
        channelId = channelIdOf(o);
        _requireSigned(o.user, ChannelLib.hashOpen(o, deadline), deadline, userSig);

        _open(channelId, o);
    }

    /// @inheritdoc ILedgerManager
    function topUp(bytes32 channelId, uint128 amount) external payable whileIntakeOpen {
        Record storage channel = _ownChannel(channelId);

        _credit(msg.sender);
        _topUp(channelId, channel, amount);
    }

    /// @inheritdoc ILedgerManager
    function topUpWithSig(
        bytes32 channelId,
        uint128 amount,
        uint256 salt,
        uint256 deadline,
        bytes calldata userSig
    ) external whileIntakeOpen {
        Record storage channel = _channels[channelId];
        _requireSigned(
            channel.user, ChannelLib.hashTopUp(channelId, amount, salt, deadline), deadline, userSig
        );
        require(!isSaltUsed(channelId, salt), SaltUsed(channelId, salt));

        _usedSalts[channelId].set(salt);
        _topUp(channelId, channel, amount);
    }

    /// @inheritdoc ILedgerManager
    function requestRefund(bytes32 channelId) external {
        Record storage channel = _ownChannel(channelId);
        require(channel.state == State.OPEN, WrongState(channelId, channel.state));

        uint40 closeAt = uint40(block.timestamp) + channel.refundDelay;
        channel.state = State.CLOSING;
        channel.closeAt = closeAt;

        emit RefundRequested(channelId, closeAt);
    }

    /// @inheritdoc ILedgerManager
    function cancelRefund(bytes32 channelId) external {
        Record storage channel = _ownChannel(channelId);
        require(channel.state == State.CLOSING, WrongState(channelId, channel.state));

        channel.state = State.OPEN;
        channel.closeAt = 0;

        emit RefundCancelled(channelId);
    }

    /// @inheritdoc ILedgerManager
    function completeRefund(bytes32 channelId) external {
        Record storage channel = _channels[channelId];
        require(channel.state == State.CLOSING, WrongState(channelId, channel.state));
        require(block.timestamp >= channel.closeAt, RefundNotDue(channel.closeAt, block.timestamp));

        _close(channelId, channel);
    }

    /// @inheritdoc ILedgerManager
    function releaseChannel(bytes32 channelId) external {
        Record storage channel = _channels[channelId];
        _requireChargeable(channelId, channel);
        require(msg.sender == _payees[channel.payeeNumber].account, NotPayee(channelId, msg.sender));

        _close(channelId, channel);
    }

    /// @inheritdoc ILedgerManager
    function setSessionKey(bytes32 channelId, address key) external {
        Record storage channel = _ownChannel(channelId);
        _requireChargeable(channelId, channel);
        require(key != address(0), ZeroAddress());

        // What the old key signed may have been served already; the user alone must not void it (attack P20).
        address oldKey = channel.sessionKey;
        _replacedKeys[channelId][oldKey] = uint64(block.timestamp) + MAX_AUTH_LIFE + SETTLE_WINDOW;
        channel.sessionKey = key;

        emit SessionKeySet(channelId, oldKey, key);
    }

    /// @inheritdoc ILedgerManager
    function charge(bytes32 channelId, uint256 amount, uint72 window) external {
        require(msg.sender == inferenceServing, NotServing(msg.sender));
        Record storage channel = _channels[channelId];
        uint256 funds;
        uint256 meter;
        assembly ("memory-safe") {
            funds := sload(channel.slot)
            meter := sload(add(channel.slot, 2))
        }
        require(funds.isChargeable(), WrongState(channelId, funds.state()));
        uint256 rest = funds.locked() - meter.spent();
        require(amount <= rest, InsufficientBalance(amount, rest));

        // `claimable` has the upper 96 bits of its word, and all ether there is fits in.
        Payee storage payee = _payees[meter.payeeNumber()];
        meter = meter.charged(amount, window);
        assembly ("memory-safe") {
            sstore(add(channel.slot, 2), meter)
            sstore(payee.slot, add(sload(payee.slot), shl(160, amount)))
        }
    }

    /* VIEWS */

    /// @inheritdoc ILedgerManager
    function channelOf(bytes32 channelId) external view returns (Channel memory) {
        Record storage channel = _channels[channelId];
        return Channel({
            user: channel.user,
            agentId: channel.agentId,
            payee: _payees[channel.payeeNumber].account,
            serviceId: channel.serviceId,
            priceVersion: channel.priceVersion,
            mode: channel.mode,
            state: channel.state,
            locked: channel.locked,
            spent: channel.spent,
            closeAt: channel.closeAt,
            refundDelay: channel.refundDelay,
            sessionKey: channel.sessionKey
        });
    }

    /// @inheritdoc ILedgerManager
    function wordsOf(bytes32 channelId) external view returns (uint256 funds, uint256 key, uint256 meter) {
        Record storage channel = _channels[channelId];
        assembly ("memory-safe") {
            funds := sload(channel.slot)
            key := sload(add(channel.slot, 1))
            meter := sload(add(channel.slot, 2))
        }
    }

    /// @inheritdoc ILedgerManager
    function availableOf(address user) external view returns (uint256) {
        return _available[user];
    }

    /// @inheritdoc ILedgerManager
    function claimableOf(address payee) external view returns (uint256) {
        return _payees[_payeeNumbers[payee]].claimable;
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
        return ChannelLib.channelId(o, block.chainid, address(this));
    }

    /// @inheritdoc ILedgerManager
    function isSaltUsed(bytes32 channelId, uint256 salt) public view returns (bool) {
        return _usedSalts[channelId].get(salt);
    }

    /* INTERNAL */

    function _open(bytes32 channelId, Open calldata o) private {
        require(_channels[channelId].state == State.NONE, ChannelExists(channelId));
        require(o.amount != 0, ZeroAmount());
        require(o.sessionKey != address(0), ZeroAddress());
        address payee = _requireOffered(o);

        _debit(o.user, o.amount);
        uint256 funds = ChannelWords.openFunds(o.user, uint256(o.amount).toUint80(), o.mode);
        uint256 key = ChannelWords.openKey(
            o.sessionKey,
            o.agentId.toUint48(),
            uint256(o.serviceId).toUint24(),
            uint256(o.priceVersion).toUint24()
        );
        uint256 meter = ChannelWords.openMeter(_numberOf(payee), uint24(refundDelay));
        Record storage channel = _channels[channelId];
        assembly ("memory-safe") {
            sstore(channel.slot, funds)
            sstore(add(channel.slot, 1), key)
            sstore(add(channel.slot, 2), meter)
        }

        emit ChannelOpened(
            channelId, o.user, o.agentId, payee, o.serviceId, o.priceVersion, o.mode, o.amount, o.sessionKey
        );
    }

    function _topUp(bytes32 channelId, Record storage channel, uint128 amount) private {
        require(channel.state == State.OPEN, WrongState(channelId, channel.state));
        require(amount != 0, ZeroAmount());

        _debit(channel.user, amount);
        channel.locked += uint256(amount).toUint80();

        emit ChannelToppedUp(channelId, amount);
    }

    /// @dev A number for every payee that a channel was ever opened for.
    function _numberOf(address payee) private returns (uint40 number) {
        number = _payeeNumbers[payee];
        if (number != 0) return number;

        number = ++_payeeCount;
        _payeeNumbers[payee] = number;
        _payees[number].account = payee;
    }

    /// @dev The provider is active and offers this service at exactly this price now.
    function _requireOffered(Open calldata o) private view returns (address payee) {
        (bool providerActive, bool serviceActive, uint32 current) =
            computeRegistry.offerOf(o.agentId, o.serviceId);
        require(providerActive, ProviderNotActive(o.agentId));
        require(serviceActive, ServiceNotActive(o.agentId, o.serviceId));
        require(o.priceVersion == current, PriceNotCurrent(current, o.priceVersion));
        payee = identityRegistry.getAgentWallet(o.agentId);
        require(payee != address(0), NoAgentWallet(o.agentId));
    }

    function _close(bytes32 channelId, Record storage channel) private {
        uint80 rest = channel.locked - channel.spent;

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

    function _ownChannel(bytes32 channelId) private view returns (Record storage channel) {
        channel = _channels[channelId];
        require(msg.sender == channel.user, NotUser(channelId, msg.sender));
    }

    /// @dev Not expired, and signed by the account.
    function _requireSigned(address account, bytes32 structHash, uint256 deadline, bytes calldata signature)
        private
        view
    {
        require(block.timestamp <= deadline, SignatureExpired(deadline));
        require(
            AccountSignatureLib.isSignedBy(account, _hashTypedDataV4(structHash), signature),
            InvalidSignature(account)
        );
    }

    function _requireChargeable(bytes32 channelId, Record storage channel) private view {
        require(
            channel.state == State.OPEN || channel.state == State.CLOSING,
            WrongState(channelId, channel.state)
        );
    }
}
