// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IComputeRegistry} from "./interfaces/IComputeRegistry.sol";
import {IReceiptRoots} from "./interfaces/IReceiptRoots.sol";
import {IBindings} from "./interfaces/registry/IBindings.sol";

/// @title Roots of receipt logs
/// @notice Rules: see IReceiptRoots.
contract ReceiptRoots is IReceiptRoots {
    /// @notice Longest locator, in bytes.
    uint256 public constant MAX_LOCATOR = 128;

    /// @inheritdoc IReceiptRoots
    IComputeRegistry public immutable computeRegistry;

    mapping(bytes32 bindingId => Log log) private _logs;
    mapping(bytes32 bindingId => mapping(uint64 epoch => Epoch anchored)) private _epochs;
    mapping(bytes32 bindingId => mapping(uint64 epoch => string locator)) private _locators;
    mapping(uint256 agentId => bytes32[] bindingIds) private _history;

    /// @notice A registry for good.
    /// @param computeRegistry_ whose bindings are asked
    constructor(IComputeRegistry computeRegistry_) {
        require(address(computeRegistry_) != address(0), ZeroAddress());
        computeRegistry = computeRegistry_;
    }

    /// @inheritdoc IReceiptRoots
    function anchor(
        bytes32 bindingId,
        uint64 epoch,
        bytes32 previous,
        bytes32 root,
        uint64 size,
        bytes32 digest,
        string calldata locator
    ) external {
        require(size != 0, EmptyEpoch());
        require(digest != 0, DigestZero());
        require(bytes(locator).length <= MAX_LOCATOR, LocatorLength(bytes(locator).length, MAX_LOCATOR));
        Log storage log = _logs[bindingId];
        _requireLiveSigner(bindingId, log);
        require(epoch == log.epochs, WrongEpoch(log.epochs, epoch));
        require(previous == log.lastRoot, WrongPrevious(log.lastRoot, previous));

        bytes32 head = keccak256(abi.encode(log.head, bindingId, epoch, root, size, digest));
        log.epochs = epoch + 1;
        log.head = head;
        log.lastRoot = root;
        _epochs[bindingId][epoch] = Epoch({
            root: root,
            digest: digest,
            size: size,
            anchoredAt: uint64(block.timestamp),
            blockNumber: uint64(block.number)
        });
        if (bytes(locator).length != 0) _locators[bindingId][epoch] = locator;

        emit EpochAnchored(log.agentId, bindingId, epoch, root, size, head, digest, locator);
    }

    /// @inheritdoc IReceiptRoots
    function logOf(bytes32 bindingId) external view returns (Log memory) {
        return _logs[bindingId];
    }

    /// @inheritdoc IReceiptRoots
    function epochOf(bytes32 bindingId, uint64 epoch) external view returns (Epoch memory) {
        return _epochs[bindingId][epoch];
    }

    /// @inheritdoc IReceiptRoots
    function locatorOf(bytes32 bindingId, uint64 epoch) external view returns (string memory) {
        return _locators[bindingId][epoch];
    }

    /// @inheritdoc IReceiptRoots
    function keysOf(uint256 agentId, uint256 cursor, uint256 limit)
        external
        view
        returns (Key[] memory keys, uint256 next)
    {
        bytes32[] storage history = _history[agentId];
        uint256 start = Math.min(cursor, history.length);
        uint256 end = start + Math.min(limit, history.length - start);
        keys = new Key[](end - start);
        for (uint256 i = start; i < end; ++i) {
            Log storage log = _logs[history[i]];
            keys[i - start] = Key({bindingId: history[i], signer: log.signer, openedAt: log.openedAt});
        }
        next = end == history.length ? 0 : end;
    }

    /// @dev The signer of a binding never changes, so it is read once; whether the binding lives is asked every time.
    function _requireLiveSigner(bytes32 bindingId, Log storage log) private {
        if (log.signer == address(0)) {
            (uint256 agentId, address signer) = computeRegistry.signerOf(bindingId);
            require(signer != address(0), UnknownBinding(bindingId));
            (log.agentId, log.signer, log.openedAt) = (agentId, signer, uint64(block.timestamp));
            _history[agentId].push(bindingId);
            emit LogOpened(agentId, bindingId, signer);
        }
        require(msg.sender == log.signer, NotSigner(log.signer, msg.sender));
        (IBindings.Status status,) = computeRegistry.statusOf(bindingId);
        require(_isLive(status), BindingNotLive(bindingId, status));
    }

    /// @dev Who is switched off or waits for fresh collateral holds the same key as before. Who lost agent, key or policy does not.
    function _isLive(IBindings.Status status) private pure returns (bool) {
        return status == IBindings.Status.ACTIVE || status == IBindings.Status.INACTIVE
            || status == IBindings.Status.STALE;
    }
}
