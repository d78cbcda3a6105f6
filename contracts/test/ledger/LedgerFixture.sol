// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ILedgerManager} from "../../src/interfaces/ILedgerManager.sol";
import {ChannelLib} from "../../src/libraries/ChannelLib.sol";
import {Fixture} from "../Fixture.sol";

/// @title The library takes calldata
contract OpenHasher {
    function hash(ILedgerManager.Open calldata o, uint256 deadline) external pure returns (bytes32) {
        return ChannelLib.hashOpen(o, deadline);
    }
}

/// @title What tests of channels share
abstract contract LedgerFixture is Fixture {
    OpenHasher private hasher = new OpenHasher();

    function _expectOpenRevert(ILedgerManager.Open memory o, uint256 value, bytes memory wanted) internal {
        vm.expectRevert(wanted);
        vm.prank(user);
        ledger.openChannel{value: value}(o);
    }

    function _openSig(ILedgerManager.Open memory o, uint256 deadline, uint256 key)
        internal
        view
        returns (bytes memory)
    {
        return _signature(key, _typed(ledger.domainSeparator(), hasher.hash(o, deadline)));
    }

    function _wrongState(ILedgerManager.State state) internal view returns (bytes memory) {
        return abi.encodeWithSelector(ILedgerManager.WrongState.selector, channelId, state);
    }
}
