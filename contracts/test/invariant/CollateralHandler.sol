// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {TdxVerifier} from "../../src/tdx/TdxVerifier.sol";
import {IIntelPki} from "../../src/tdx/interfaces/IIntelPki.sol";
import {Test} from "../Test.sol";

/// @title Anybody brings anything that Intel signed, in any order
/// @notice What was known before a call is kept here and held against what is known after it.
contract CollateralHandler is Test {
    uint256 private constant LISTS = 3;

    TdxVerifier private immutable verifier;
    bytes6 private immutable fmspc;
    uint256 private immutable number;
    bytes[] private _calls;
    bytes32[] private _keyHashes;
    uint256[] private _serials;

    /// Dates of revocation lists, of TCB info, QE identity, and from where on keys and serials are revoked: 0 or 1.
    uint256[] private _before;
    /// @notice How many calls changed something.
    uint256 public brought;

    constructor(
        TdxVerifier verifier_,
        bytes6 fmspc_,
        uint256 number_,
        bytes[] memory calls,
        bytes32[] memory keyHashes,
        uint256[] memory serials
    ) {
        (verifier, fmspc, number) = (verifier_, fmspc_, number_);
        for (uint256 i = 0; i < calls.length; ++i) {
            _calls.push(calls[i]);
        }
        (_keyHashes, _serials) = (keyHashes, serials);
        _before = _known();
    }

    /// I14: a date never goes back, and what is revoked stays so.
    function bring(uint256 which) external {
        (bool ok,) = address(verifier).call(_calls[which % _calls.length]);
        uint256[] memory after_ = _known();
        for (uint256 i = 0; i < after_.length; ++i) {
            vm.assertLe(_before[i], after_[i], "went back");
            if (ok && after_[i] != _before[i]) ++brought;
        }
        _before = after_;
    }

    function passTime(uint256 time) external {
        vm.warp(block.timestamp + _bound(time, 1, 3 days));
    }

    function _known() private view returns (uint256[] memory all) {
        uint256 keys = _keyHashes.length;
        all = new uint256[](LISTS + 2 + keys + 2 * _serials.length);
        for (uint256 i = 0; i < LISTS; ++i) {
            (all[i],) = verifier.revocationListOf(IIntelPki.Authority(i));
        }
        (all[LISTS],,) = verifier.tcbInfoOf(fmspc, number);
        (all[LISTS + 1],,) = verifier.qeIdentityOf(number);
        for (uint256 i = 0; i < keys; ++i) {
            (,,,,, bool revoked) = verifier.pckOf(_keyHashes[i]);
            all[LISTS + 2 + i] = revoked ? 1 : 0;
        }
        uint256 at = LISTS + 2 + keys;
        for (uint256 i = 0; i < _serials.length; ++i) {
            all[at++] = verifier.isAuthorityRevoked(_serials[i]) ? 1 : 0;
            all[at++] = verifier.isPckRevoked(IIntelPki.Authority.PLATFORM_CA, _serials[i]) ? 1 : 0;
        }
    }
}
