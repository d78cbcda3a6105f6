// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IInferenceServing} from "../interfaces/IInferenceServing.sol";
import {ChannelWords} from "../libraries/ChannelWords.sol";
import {Peers} from "./Peers.sol";

/// @title Nonces that were paid: the words of those that are in no window
/// @notice What a window is, which nonces are in it, and why the words may lag behind it: see ChannelWords.
abstract contract UsedNonces is Peers {
    using ChannelWords for uint256;

    /// By binding, because replicas of a node share no nonce store (attack P4); by its tag, as ChannelWords says.
    mapping(bytes32 channelTagAndNonceOver256 => uint256 bits) private _usedNonces;

    /// @inheritdoc IInferenceServing
    function isNonceUsed(bytes32 channelId, bytes32 bindingId, uint256 nonce) external view returns (bool) {
        (,, uint256 meter) = ledgerManager.wordsOf(channelId);
        if (meter.isInWindow(bindingId, nonce)) return meter.isUsed(nonce);
        (, uint256 word) = _nonceWord(channelId, bindingId, nonce);
        return word & _nonceBit(nonce) != 0;
    }

    /// @dev For a nonce that is not in the window: where its word is, and what stands there.
    function _nonceWord(bytes32 channelId, bytes32 bindingId, uint256 nonce)
        internal
        view
        returns (bytes32 key, uint256 word)
    {
        key = _nonceKey(channelId, bindingId, nonce);
        word = _usedNonces[key];
    }

    /// @dev Uses up a nonce whose place `_nonceWord` gave.
    function _useInWord(bytes32 key, uint256 word, uint256 nonce) internal {
        _usedNonces[key] = word | _nonceBit(nonce);
    }

    /// @dev Puts all of the window into the words before anything is read of its new place, which may overlap.
    function _moveWindow(uint256 meter, bytes32 channelId, bytes32 bindingId, uint256 nonce)
        internal
        returns (uint256)
    {
        uint256 start = meter.windowStart();
        uint256 bits = meter.windowBits();
        uint256 place = start & 0xff;
        _usedNonces[_nonceKey(channelId, bindingId, start)] |= bits << place;
        // 24 bits from the 240th or 248th on reach into the next word.
        if (place > 232 && bits >> (256 - place) != 0) {
            _usedNonces[_nonceKey(channelId, bindingId, start + 24)] |= bits >> (256 - place);
        }

        start = ChannelWords.startFor(nonce);
        place = start & 0xff;
        bits = _usedNonces[_nonceKey(channelId, bindingId, start)] >> place;
        if (place > 232) {
            bits |= _usedNonces[_nonceKey(channelId, bindingId, start + 24)] << (256 - place);
        }
        return meter.movedTo(start, bits & 0xffffff);
    }

    function _nonceBit(uint256 nonce) internal pure returns (uint256) {
        return 1 << (nonce & 0xff);
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
}
