// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";

/// @title What the owner of a contract here can do at most
/// @notice One switch that stops what is new, and parameters within bounds that no owner can move. On a public chain the
/// owner is a timelock. Ownership is handed over in two steps and can be renounced, which leaves everything as it stands.
/// No way out of a contract, and nothing that was agreed before, depends on the switch or on a parameter.
abstract contract Governed is Ownable2Step {
    /// @notice Whether new deposits, channels, registrations and stakes are refused.
    bool public intakePaused;

    /// @notice Every change that the owner makes to a number or to the switch; replayed from the start they give the state.
    /// @param actor who changed it
    /// @param policy name of the parameter, in ASCII, padded with zeros
    /// @param value new value
    event PolicyChanged(address indexed actor, bytes32 indexed policy, uint256 value);

    error IntakePaused();
    error OutOfBounds(bytes32 policy, uint256 value, uint256 min, uint256 max);

    /// @dev For functions that take in something new, and for no other.
    modifier whileIntakeOpen() {
        require(!intakePaused, IntakePaused());
        _;
    }

    constructor(address owner_) Ownable(owner_) {}

    /// @notice Owner only.
    /// @param paused whether to refuse what is new
    function setIntakePaused(bool paused) external onlyOwner {
        intakePaused = paused;

        emit PolicyChanged(msg.sender, "intakePaused", paused ? 1 : 0);
    }

    /// @dev Checks a new value against its bounds, both ends included, and announces it; storing is the caller's.
    function _announcePolicy(bytes32 policy, uint256 value, uint256 min, uint256 max) internal {
        require(value >= min && value <= max, OutOfBounds(policy, value, min, max));

        emit PolicyChanged(msg.sender, policy, value);
    }
}
