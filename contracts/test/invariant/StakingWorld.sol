// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ComputeRegistry} from "../../src/ComputeRegistry.sol";
import {ComputeStaking} from "../../src/ComputeStaking.sol";
import {InferenceServing} from "../../src/InferenceServing.sol";
import {IComputeStaking} from "../../src/interfaces/IComputeStaking.sol";
import {NodeStatement} from "../../src/interfaces/NodeStatement.sol";
import {Test} from "../Test.sol";

/// @title Who stakes, which bonds there are, and what went in and came out
abstract contract StakingWorld is Test {
    struct Node {
        bytes32 bindingId;
        bytes32 bondId;
        uint256 signerKey;
        NodeStatement statement;
    }

    uint256 internal constant STAKERS = 9;

    ComputeStaking internal immutable staking;
    ComputeRegistry internal immutable registry;
    InferenceServing internal immutable serving;
    bytes32 internal immutable channelId;
    address public immutable attacker = vm.addr(0xbad);
    address public immutable sink = vm.addr(0xfee);

    Node[] internal _nodes;
    bytes32[] public bonds;
    address[] public accounts;
    mapping(bytes32 bondId => bool) internal _knownBond;
    mapping(address account => bool) internal _knownAccount;

    /// @notice Wei that went in minus wei that came out or was burned.
    uint256 public inside;
    /// @notice How often each thing succeeded, so that a run can be seen to have done something.
    mapping(bytes32 what => uint256 times) public done;

    constructor(
        ComputeStaking staking_,
        ComputeRegistry registry_,
        InferenceServing serving_,
        bytes32 channelId_,
        address channelUser_,
        Node[] memory nodes
    ) {
        (staking, registry, serving) = (staking_, registry_, serving_);
        channelId = channelId_;
        inside = address(staking_).balance;
        _know(channelUser_);
        _know(attacker);
        for (uint256 i = 0; i < STAKERS; ++i) {
            _know(_staker(i));
        }
        for (uint256 i = 0; i < nodes.length; ++i) {
            _nodes.push(nodes[i]);
            _knowBond(nodes[i].bondId);
            _know(nodes[i].statement.operator);
        }
    }

    function bondCount() external view returns (uint256) {
        return bonds.length;
    }

    function accountCount() external view returns (uint256) {
        return accounts.length;
    }

    function sumOfRewards() public view returns (uint256 sum) {
        for (uint256 i = 0; i < accounts.length; ++i) {
            sum += staking.rewardOf(accounts[i]);
        }
    }

    /// I11, K4, K9: no more than there was; at least 85 % of it burned or above the reporter's bound.
    function _slashed(bytes32 what, bytes32 bondId, uint256 before, uint256 burnedBefore) internal {
        uint256 taken = before - staking.slashable(bondId);
        uint256 burned = address(0).balance - burnedBefore;
        vm.assertLe(burned, taken);
        vm.assertGe(burned, taken * 85 / 100, "less than 85 % burned");
        inside -= burned;
        ++done[what];
    }

    function _sumOfBonds() internal view returns (uint256 sum) {
        for (uint256 i = 0; i < bonds.length; ++i) {
            sum += staking.slashable(bonds[i]);
        }
    }

    function _sumOfFrozen() internal view returns (uint256 sum) {
        for (uint256 i = 0; i < bonds.length; ++i) {
            sum += staking.frozenOf(bonds[i]);
        }
    }

    function _bond(uint256 which) internal view returns (bytes32 id, IComputeStaking.Bond memory bond) {
        id = bonds[which % bonds.length];
        bond = staking.bondOf(id);
    }

    function _node(uint256 which) internal view returns (Node storage) {
        return _nodes[which % _nodes.length];
    }

    function _know(address account) internal {
        if (!_knownAccount[account]) accounts.push(account);
        _knownAccount[account] = true;
    }

    function _knowBond(bytes32 id) internal {
        if (!_knownBond[id]) bonds.push(id);
        _knownBond[id] = true;
    }

    function _staker(uint256 who) internal pure returns (address) {
        return vm.addr(1 + who % STAKERS);
    }
}
