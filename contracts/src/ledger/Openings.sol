// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IComputeRegistry} from "../interfaces/IComputeRegistry.sol";
import {IIdentityRegistry} from "../interfaces/IIdentityRegistry.sol";
import {ILedgerManager} from "../interfaces/ILedgerManager.sol";
import {ChannelLib} from "../libraries/ChannelLib.sol";
import {ChannelWords} from "../libraries/ChannelWords.sol";
import {Balances} from "./Balances.sol";
import {Channels} from "./Channels.sol";
import {Payees} from "./Payees.sol";
import {RefundDelay} from "./RefundDelay.sol";
import {UserConsent} from "./UserConsent.sol";

/// @title How a channel opens
/// @notice Rules: see ILedgerManager. The first two bases stand in this order for the slot that both have a part of.
abstract contract Openings is RefundDelay, Payees, Channels, Balances, UserConsent {
    using SafeCast for uint256;

    /// @inheritdoc ILedgerManager
    IComputeRegistry public immutable computeRegistry;
    /// @inheritdoc ILedgerManager
    IIdentityRegistry public immutable identityRegistry;

    constructor(IComputeRegistry registry, IIdentityRegistry identity) {
        require(address(registry) != address(0) && address(identity) != address(0), ZeroAddress());
        computeRegistry = registry;
        identityRegistry = identity;
    }

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
    function channelIdOf(Open calldata o) public view returns (bytes32) {
        return ChannelLib.channelId(o, block.chainid, address(this));
    }

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
}
