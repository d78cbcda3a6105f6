// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IComputeRegistry} from "./IComputeRegistry.sol";
import {IBindings} from "./registry/IBindings.sol";

/// @title Which receipts there were
/// @notice The log of every binding, epoch by epoch: the root of a Merkle tree over salted commitments to the receipts that its
/// signer signed, and where the list of them is archived. What stands here never changes, so a receipt with its inclusion
/// proof shows, when node and operator are long gone, that it was there before a certain block: before its key leaked, was
/// revoked, or ran out. No owner, no pause. A root says nothing of a receipt being right: signatures and evidence do
/// (docs/protocol.md §12).
interface IReceiptRoots {
    struct Log {
        uint256 agentId;
        /// The only one that may continue it.
        address signer;
        /// Of the first epoch, Unix seconds; zero where there is none.
        uint64 openedAt;
        /// Number of the next one.
        uint64 epochs;
        /// Over all of them, in order: keccak256(head before ‖ bindingId ‖ epoch ‖ root ‖ size ‖ digest).
        bytes32 head;
        bytes32 lastRoot;
    }

    struct Epoch {
        /// RFC 6962, SHA-256.
        bytes32 root;
        /// SHA-256 of the epoch's document.
        bytes32 digest;
        /// Leaves of the tree; zero where there is no such epoch.
        uint64 size;
        /// Unix seconds.
        uint64 anchoredAt;
        uint64 blockNumber;
    }

    /// @notice A signer of the agent, since when it signs a log; signers stay when their bindings have ended.
    struct Key {
        bytes32 bindingId;
        address signer;
        uint64 openedAt;
    }

    /// @notice The first epoch of a binding: its signer is in the agent's key history from now on.
    /// @param agentId ERC-8004 id
    /// @param bindingId digest of a statement
    /// @param signer of that statement
    event LogOpened(uint256 indexed agentId, bytes32 indexed bindingId, address indexed signer);
    /// @notice One epoch, for good.
    /// @param agentId ERC-8004 id
    /// @param bindingId digest of a statement
    /// @param epoch number in the log
    /// @param root of the tree
    /// @param size leaves of the tree
    /// @param head over this epoch and all before
    /// @param digest SHA-256 of the epoch's document
    /// @param locator where it is archived; empty for nowhere but with the node
    event EpochAnchored(
        uint256 indexed agentId,
        bytes32 indexed bindingId,
        uint64 indexed epoch,
        bytes32 root,
        uint64 size,
        bytes32 head,
        bytes32 digest,
        string locator
    );

    error UnknownBinding(bytes32 bindingId);
    error NotSigner(address expected, address actual);
    error BindingNotLive(bytes32 bindingId, IBindings.Status status);
    error WrongEpoch(uint64 expected, uint64 actual);
    error WrongPrevious(bytes32 expected, bytes32 actual);
    error EmptyEpoch();
    error DigestZero();
    error LocatorLength(uint256 length, uint256 max);
    error ZeroAddress();

    /// @notice Adds the next epoch to the log of a binding of the caller's key. Needs a binding that lives: granted, not
    /// revoked, not expired, of the agent's owner of today and by the policy of today. A provider that is switched off, or
    /// whose collateral ran out, still tells what it has signed.
    /// @param bindingId whose signer calls
    /// @param epoch the next number of the log, so that none is skipped and none is written twice
    /// @param previous root of the epoch before; zero for the first
    /// @param root of the tree over the commitments of this epoch
    /// @param size leaves of the tree, at least one
    /// @param digest SHA-256 of the epoch's document
    /// @param locator where that is archived, at most MAX_LOCATOR bytes; empty for nowhere but with the node
    function anchor(
        bytes32 bindingId,
        uint64 epoch,
        bytes32 previous,
        bytes32 root,
        uint64 size,
        bytes32 digest,
        string calldata locator
    ) external;

    /// @notice The log of a binding.
    /// @param bindingId any
    /// @return all zero where nothing was anchored
    function logOf(bytes32 bindingId) external view returns (Log memory);

    /// @notice One epoch of a log.
    /// @param bindingId any
    /// @param epoch number
    /// @return all zero where there is none
    function epochOf(bytes32 bindingId, uint64 epoch) external view returns (Epoch memory);

    /// @notice Where the document of an epoch is archived.
    /// @param bindingId any
    /// @param epoch number
    /// @return empty where it is nowhere
    function locatorOf(bytes32 bindingId, uint64 epoch) external view returns (string memory);

    /// @notice Pages through the signers of an agent, in the order of their first epochs.
    /// @param agentId any
    /// @param cursor where to start; 0 at first
    /// @param limit longest page
    /// @return keys of this page
    /// @return next cursor of the next page; 0 at the end
    function keysOf(uint256 agentId, uint256 cursor, uint256 limit)
        external
        view
        returns (Key[] memory keys, uint256 next);

    /// @notice Whose bindings are asked.
    /// @return never changes
    function computeRegistry() external view returns (IComputeRegistry);
}
