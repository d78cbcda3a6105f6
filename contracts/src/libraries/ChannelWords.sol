// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ILedgerManager} from "../interfaces/ILedgerManager.sol";

/// @title A channel as it is stored
/// @notice Three words, because each costs 22,100 gas to open and 2,100 to settle. From the lowest bit:
/// funds: user 160, locked 80, mode 8, state 8; key: sessionKey 160, agentId 48, serviceId 24, priceVersion 24; meter: payee
/// number 40, closeAt 40, refundDelay 24, window 72, spent 80. 2^80 wei are more than a million ether.
///
/// The window holds 24 nonces of a channel that counts them, so that these cost no word of nonces to settle: a bit for each,
/// above them (16 bits) the first of the 24 in steps of 8, above that the tag, the low 32 bits of the bindingId whose they are.
/// The binding of the first receipt that is paid with one of the nonces 0 … 23 takes the window for good. A nonce not far
/// above it moves it up: what it held goes into the words of nonces, and what these know of its new place comes into it. All
/// other nonces, and those of other bindings, are in the words. Once taken it has a bit set.
///
/// A nonce that is in the window is looked for there alone, and the words say only what was true: they may lag behind the
/// window, never ahead of what was paid. The words are kept by the same tag, so that whatever moves between the two is of one
/// name. Two bindings of one agent with one tag would share their nonces, and not all receipts that are earned could be paid:
/// the registry approves no second one (`BindingTagTaken`).
library ChannelWords {
    /// @notice Nonces in the window.
    uint256 internal constant WINDOW_NONCES = 24;
    /// @notice How far above the window a nonce may be that moves it.
    uint256 internal constant WINDOW_REACH = 256;

    uint256 private constant AMOUNT_AT = 160;
    uint256 private constant MODE_AT = 240;
    uint256 private constant STATE_AT = 248;
    uint256 private constant REFUND_DELAY_AT = 80;
    uint256 private constant WINDOW_AT = 104;
    uint256 private constant STEP_AT = 24;
    uint256 private constant TAG_AT = 40;
    uint256 private constant MASK_WINDOW = type(uint72).max;
    uint256 private constant SPENT_AT = 176;

    /// @notice `funds` of an open channel.
    /// @param user who pays
    /// @param amount locked, wei
    /// @param mode of the channel
    /// @return funds
    function openFunds(address user, uint80 amount, ILedgerManager.Mode mode)
        internal
        pure
        returns (uint256 funds)
    {
        return uint160(user) | (uint256(amount) << AMOUNT_AT) | (uint256(mode) << MODE_AT)
            | (uint256(ILedgerManager.State.OPEN) << STATE_AT);
    }

    /// @notice `key` of an open channel.
    /// @param sessionKey who speaks for the user
    /// @param agent whom it is opened with
    /// @param service of the agent
    /// @param version of the service's price
    /// @return key
    function openKey(address sessionKey, uint48 agent, uint24 service, uint24 version)
        internal
        pure
        returns (uint256 key)
    {
        return uint160(sessionKey) | (uint256(agent) << 160) | (uint256(service) << 208)
            | (uint256(version) << 232);
    }

    /// @notice `meter` of an open channel.
    /// @param payee number of the payee
    /// @param delay from the request of a refund, seconds
    /// @return meter
    function openMeter(uint40 payee, uint24 delay) internal pure returns (uint256 meter) {
        return uint256(payee) | (uint256(delay) << REFUND_DELAY_AT);
    }

    /// @notice The user of `funds`, the session key of `key`.
    /// @param word either
    /// @return its lowest 160 bits
    function account(uint256 word) internal pure returns (address) {
        // forge-lint: disable-next-line(unsafe-typecast) -- the low 160 bits
        return address(uint160(word));
    }

    /// @notice Wei locked, those spent included.
    /// @param funds of the channel
    /// @return wei
    function locked(uint256 funds) internal pure returns (uint256) {
        // forge-lint: disable-next-line(unsafe-typecast) -- 80 bits from the 160th
        return uint80(funds >> AMOUNT_AT);
    }

    /// @notice Wei charged.
    /// @param meter of the channel
    /// @return wei
    function spent(uint256 meter) internal pure returns (uint256) {
        return meter >> SPENT_AT;
    }

    /// @notice Number of the payee in the ledger.
    /// @param meter of the channel
    /// @return from 1
    function payeeNumber(uint256 meter) internal pure returns (uint40) {
        // forge-lint: disable-next-line(unsafe-typecast) -- the low 40 bits
        return uint40(meter);
    }

    /// @notice Agent that is paid.
    /// @param key of the channel
    /// @return ERC-8004 id
    function agentId(uint256 key) internal pure returns (uint256) {
        // forge-lint: disable-next-line(unsafe-typecast) -- 48 bits from the 160th
        return uint48(key >> 160);
    }

    /// @notice Service of the agent.
    /// @param key of the channel
    /// @return from 0
    function serviceId(uint256 key) internal pure returns (uint32) {
        // forge-lint: disable-next-line(unsafe-typecast) -- 24 bits from the 208th
        return uint24(key >> 208);
    }

    /// @notice Version of the service's price.
    /// @param key of the channel
    /// @return from 1
    function priceVersion(uint256 key) internal pure returns (uint32) {
        // forge-lint: disable-next-line(unsafe-typecast) -- the highest 24 bits
        return uint24(key >> 232);
    }

    /// @notice Agent, service and price version together: equal where the price is the same row.
    /// @param key of the channel
    /// @return not zero for a channel that exists, because versions count from 1
    function offer(uint256 key) internal pure returns (uint256) {
        return key >> 160;
    }

    /// @notice Whether receipts charge the channel.
    /// @param funds of the channel
    /// @return true also for an unknown channel, which has no session key
    function isReceiptMode(uint256 funds) internal pure returns (bool) {
        // forge-lint: disable-next-line(unsafe-typecast) -- 8 bits from the 240th
        return uint8(funds >> MODE_AT) == uint8(ILedgerManager.Mode.RECEIPT);
    }

    /// @notice State of the channel.
    /// @param funds of the channel
    /// @return NONE for an unknown channel
    function state(uint256 funds) internal pure returns (ILedgerManager.State) {
        return ILedgerManager.State(funds >> STATE_AT);
    }

    /// @notice Whether the state is OPEN or CLOSING.
    /// @param funds of the channel
    /// @return whether it can be charged
    function isChargeable(uint256 funds) internal pure returns (bool) {
        uint256 code = funds >> STATE_AT;
        return code == uint256(ILedgerManager.State.OPEN) || code == uint256(ILedgerManager.State.CLOSING);
    }

    /// @notice Whether the state is CLOSED.
    /// @param funds of the channel
    /// @return whether it was closed
    function isClosed(uint256 funds) internal pure returns (bool) {
        return funds >> STATE_AT == uint256(ILedgerManager.State.CLOSED);
    }

    /* WINDOW */

    /// @notice What stands for a binding wherever nonces are kept.
    /// @param bindingId any
    /// @return its low 32 bits
    function tagOf(bytes32 bindingId) internal pure returns (uint256) {
        // forge-lint: disable-next-line(unsafe-typecast) -- the low 32 bits
        return uint32(uint256(bindingId));
    }

    /// @notice Whether the place of this nonce is the window.
    /// @param meter of the channel
    /// @param bindingId whose nonce it is
    /// @param nonce any
    /// @return false: it is in the words
    function isInWindow(uint256 meter, bytes32 bindingId, uint256 nonce) internal pure returns (bool) {
        if (windowBits(meter) == 0) return nonce < WINDOW_NONCES;
        unchecked {
            // A nonce below the first wraps to one far above.
            return _isTaker(meter, bindingId) && nonce - windowStart(meter) < WINDOW_NONCES;
        }
    }

    /// @notice Whether this nonce, which is not in the window, moves it.
    /// @param meter of the channel
    /// @param bindingId whose nonce it is
    /// @param nonce any
    /// @return whether it is the taker's and not far above
    function moves(uint256 meter, bytes32 bindingId, uint256 nonce) internal pure returns (bool) {
        if (windowBits(meter) == 0 || !_isTaker(meter, bindingId)) return false;
        uint256 end = windowStart(meter) + WINDOW_NONCES;
        // The steps have 16 bits.
        return nonce >= end && nonce < end + WINDOW_REACH && nonce >> 3 <= type(uint16).max;
    }

    /// @notice First nonce of the window.
    /// @param meter of the channel
    /// @return a multiple of 8
    function windowStart(uint256 meter) internal pure returns (uint256) {
        // forge-lint: disable-next-line(unsafe-typecast) -- 16 bits above the nonces
        return uint256(uint16(meter >> (WINDOW_AT + STEP_AT))) << 3;
    }

    /// @notice Nonces of the window that are used up, the first lowest.
    /// @param meter of the channel
    /// @return a bit for each; zero only while nobody has taken it
    function windowBits(uint256 meter) internal pure returns (uint256) {
        // forge-lint: disable-next-line(unsafe-typecast) -- 24 bits from the 104th
        return uint24(meter >> WINDOW_AT);
    }

    /// @notice Where the window begins that a nonce moves: 8 to 15 below it, for those that come a little later.
    /// @param nonce for which `moves`
    /// @return a multiple of 8
    function startFor(uint256 nonce) internal pure returns (uint256) {
        unchecked {
            // above the first 24
            return ((nonce >> 3) - 1) << 3;
        }
    }

    /// @notice The meter with its window elsewhere.
    /// @param meter whose window is taken
    /// @param start from `startFor`
    /// @param bits that the words have of it
    /// @return the meter to go on with
    function movedTo(uint256 meter, uint256 start, uint256 bits) internal pure returns (uint256) {
        uint256 kept = meter & ~(uint256(type(uint40).max) << WINDOW_AT);
        return kept | (start >> 3 << STEP_AT | bits) << WINDOW_AT;
    }

    /// @notice Whether a nonce of the window is used up.
    /// @param meter of the channel
    /// @param nonce for which `isInWindow`
    /// @return whether its bit is set
    function isUsed(uint256 meter, uint256 nonce) internal pure returns (bool) {
        return (meter >> (WINDOW_AT + nonce - windowStart(meter))) & 1 != 0;
    }

    /// @notice The meter with a nonce of the window used up.
    /// @param meter of the channel
    /// @param bindingId whose nonce it is
    /// @param nonce for which `isInWindow`
    /// @return the meter to go on with
    function use(uint256 meter, bytes32 bindingId, uint256 nonce) internal pure returns (uint256) {
        uint256 bit = uint256(1) << (nonce - windowStart(meter));
        return meter | (tagOf(bindingId) << TAG_AT | bit) << WINDOW_AT;
    }

    /// @notice What `charge` puts into the meter.
    /// @param meter in which nonces were used up
    /// @return the 72 bits of its window
    function window(uint256 meter) internal pure returns (uint72) {
        // forge-lint: disable-next-line(unsafe-typecast) -- 72 bits from the 104th
        return uint72(meter >> WINDOW_AT);
    }

    /// @notice The meter after a charge.
    /// @param meter of the channel
    /// @param amount wei that the channel holds
    /// @param window_ as it is now; zero where it was not touched
    /// @return the meter to be stored
    function charged(uint256 meter, uint256 amount, uint72 window_) internal pure returns (uint256) {
        if (window_ != 0) meter = (meter & ~(MASK_WINDOW << WINDOW_AT)) | (uint256(window_) << WINDOW_AT);
        unchecked {
            // spent ≤ locked, which has as many bits
            return meter + (amount << SPENT_AT);
        }
    }

    function _isTaker(uint256 meter, bytes32 bindingId) private pure returns (bool) {
        // forge-lint: disable-next-line(unsafe-typecast) -- the 32 bits of the tag
        return uint32(meter >> (WINDOW_AT + TAG_AT)) == tagOf(bindingId);
    }
}
