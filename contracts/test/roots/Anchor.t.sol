// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ReceiptRoots} from "../../src/ReceiptRoots.sol";
import {IComputeRegistry} from "../../src/interfaces/IComputeRegistry.sol";
import {IReceiptRoots} from "../../src/interfaces/IReceiptRoots.sol";
import {IBindings} from "../../src/interfaces/registry/IBindings.sol";
import {RootsFixture} from "./RootsFixture.sol";

contract AnchorTest is RootsFixture {
    function test_firstEpochOpensTheLog() public {
        bytes32 head = keccak256(abi.encode(bytes32(0), bindingId, uint64(0), ROOT, SIZE, DIGEST));
        vm.expectEmit(address(roots));
        emit IReceiptRoots.LogOpened(agentId, bindingId, signer);
        vm.expectEmit(address(roots));
        emit IReceiptRoots.EpochAnchored(agentId, bindingId, 0, ROOT, SIZE, head, DIGEST, LOCATOR);
        _anchor(signer, bindingId, 0, 0, ROOT);

        IReceiptRoots.Log memory log = roots.logOf(bindingId);
        vm.assertEq(log.agentId, agentId);
        vm.assertEq(log.signer, signer);
        vm.assertEq(log.openedAt, block.timestamp);
        vm.assertEq(log.epochs, 1);
        vm.assertEq(log.head, head);
        vm.assertEq(log.lastRoot, ROOT);
        IReceiptRoots.Epoch memory epoch = roots.epochOf(bindingId, 0);
        vm.assertEq(epoch.root, ROOT);
        vm.assertEq(epoch.digest, DIGEST);
        vm.assertEq(epoch.size, SIZE);
        vm.assertEq(epoch.anchoredAt, block.timestamp);
        vm.assertEq(epoch.blockNumber, block.number);
        vm.assertEq(roots.locatorOf(bindingId, 0), LOCATOR);
    }

    function test_nothingAnchoredIsAllZero() public view {
        vm.assertEq(roots.logOf(bindingId).signer, address(0));
        vm.assertEq(roots.epochOf(bindingId, 0).size, 0);
        vm.assertEq(roots.locatorOf(bindingId, 0), "");
    }

    /// Each epoch links the one before, and the head commits to all of them in order.
    function test_epochsAreLinked(uint8 count) public {
        uint64 epochs = uint64(_bound(count, 1, 12));
        bytes32 previous;
        bytes32 head;
        for (uint64 epoch = 0; epoch < epochs; ++epoch) {
            bytes32 root = keccak256(abi.encode(epoch));
            _anchor(signer, bindingId, epoch, previous, root);
            head = keccak256(abi.encode(head, bindingId, epoch, root, SIZE, DIGEST));
            previous = root;
            vm.warp(block.timestamp + 1 hours);
        }
        vm.assertEq(roots.logOf(bindingId).head, head);
        vm.assertEq(roots.logOf(bindingId).epochs, epochs);
        for (uint64 epoch = 0; epoch < epochs; ++epoch) {
            vm.assertEq(roots.epochOf(bindingId, epoch).root, keccak256(abi.encode(epoch)));
            vm.assertEq(roots.epochOf(bindingId, epoch).anchoredAt, START + epoch * 1 hours);
        }
        vm.assertEq(roots.logOf(bindingId).openedAt, START);
    }

    function test_withoutLocator() public {
        vm.prank(signer);
        roots.anchor(bindingId, 0, 0, ROOT, SIZE, DIGEST, "");
        vm.assertEq(roots.locatorOf(bindingId, 0), "");
    }

    function test_longestLocator() public {
        string memory locator = string(new bytes(129));
        vm.expectRevert(abi.encodeWithSelector(IReceiptRoots.LocatorLength.selector, 129, 128));
        vm.prank(signer);
        roots.anchor(bindingId, 0, 0, ROOT, SIZE, DIGEST, locator);
        locator = string(new bytes(128));
        vm.prank(signer);
        roots.anchor(bindingId, 0, 0, ROOT, SIZE, DIGEST, locator);
        vm.assertEq(roots.locatorOf(bindingId, 0), locator);
    }

    function test_emptyEpochRefused() public {
        vm.expectRevert(IReceiptRoots.EmptyEpoch.selector);
        vm.prank(signer);
        roots.anchor(bindingId, 0, 0, ROOT, 0, DIGEST, LOCATOR);
    }

    function test_zeroDigestRefused() public {
        vm.expectRevert(IReceiptRoots.DigestZero.selector);
        vm.prank(signer);
        roots.anchor(bindingId, 0, 0, ROOT, SIZE, 0, LOCATOR);
    }

    function test_unknownBindingRefused(bytes32 unknown) public {
        vm.assume(unknown != bindingId);
        vm.expectRevert(abi.encodeWithSelector(IReceiptRoots.UnknownBinding.selector, unknown));
        _anchor(signer, unknown, 0, 0, ROOT);
    }

    /// Not the provider either: the key that signs receipts is the one that tells of them.
    function test_root_by_stranger(address stranger) public {
        vm.assume(stranger != signer);
        vm.expectRevert(abi.encodeWithSelector(IReceiptRoots.NotSigner.selector, signer, stranger));
        _anchor(stranger, bindingId, 0, 0, ROOT);
        _anchor(signer, bindingId, 0, 0, ROOT);
        vm.expectRevert(abi.encodeWithSelector(IReceiptRoots.NotSigner.selector, signer, provider));
        _anchor(provider, bindingId, 1, ROOT, ROOT);
    }

    /// Another binding of the same agent has a key of its own, and cannot write here.
    function test_root_by_other_replica() public {
        (bytes32 other, address otherSigner) = _replica("other");
        _anchor(otherSigner, other, 0, 0, ROOT);
        vm.expectRevert(abi.encodeWithSelector(IReceiptRoots.NotSigner.selector, signer, otherSigner));
        _anchor(otherSigner, bindingId, 0, 0, ROOT);
    }

    function test_root_rewritten() public {
        _anchor(signer, bindingId, 0, 0, ROOT);
        vm.expectRevert(abi.encodeWithSelector(IReceiptRoots.WrongEpoch.selector, 1, 0));
        _anchor(signer, bindingId, 0, 0, keccak256("other"));
        vm.expectRevert(abi.encodeWithSelector(IReceiptRoots.WrongPrevious.selector, ROOT, bytes32(0)));
        _anchor(signer, bindingId, 1, 0, keccak256("other"));
        vm.assertEq(roots.epochOf(bindingId, 0).root, ROOT);
    }

    function test_epoch_skipped(uint64 epoch) public {
        vm.assume(epoch != 0);
        vm.expectRevert(abi.encodeWithSelector(IReceiptRoots.WrongEpoch.selector, 0, epoch));
        _anchor(signer, bindingId, epoch, 0, ROOT);
    }

    function test_revokedKeyWritesNoMore() public {
        _anchor(signer, bindingId, 0, 0, ROOT);
        vm.prank(provider);
        registry.revokeBinding(bindingId);
        _expectNotLive(IBindings.Status.REVOKED);
        _anchor(signer, bindingId, 1, ROOT, ROOT);
        // What it wrote before stays.
        vm.assertEq(roots.epochOf(bindingId, 0).root, ROOT);
    }

    function test_expiredBindingWritesNoMore() public {
        vm.warp(block.timestamp + 1 days + 1);
        _expectNotLive(IBindings.Status.EXPIRED);
        _anchor(signer, bindingId, 0, 0, ROOT);
    }

    function test_endedBindingWritesNoMore() public {
        vm.prank(provider);
        registry.updateEndpoint(agentId, "https://other.example");
        _expectNotLive(IBindings.Status.ENDED);
        _anchor(signer, bindingId, 0, 0, ROOT);
    }

    function test_keyOfEarlierOwnerWritesNoMore() public {
        vm.prank(provider);
        identity.transferFrom(provider, attacker, agentId);
        _expectNotLive(IBindings.Status.OWNER_CHANGED);
        _anchor(signer, bindingId, 0, 0, ROOT);
    }

    /// Who winds up still has its last receipts to tell.
    function test_switchedOffProviderStillTells() public {
        vm.prank(provider);
        registry.setActive(agentId, false);
        _anchor(signer, bindingId, 0, 0, ROOT);
        vm.assertEq(roots.logOf(bindingId).epochs, 1);
    }

    /// Every status but these three is refused, whatever the registry of a later day may call it.
    function test_onlyLivingBindings(uint8 value) public {
        IBindings.Status status = IBindings.Status(_bound(value, 0, 8));
        vm.mockCall(
            address(registry), abi.encodeCall(IBindings.statusOf, (bindingId)), abi.encode(status, uint8(0))
        );
        bool lives = status == IBindings.Status.ACTIVE || status == IBindings.Status.INACTIVE
            || status == IBindings.Status.STALE;
        if (!lives) _expectNotLive(status);
        _anchor(signer, bindingId, 0, 0, ROOT);
    }

    function test_registryMustExist() public {
        vm.expectRevert(IReceiptRoots.ZeroAddress.selector);
        new ReceiptRoots(IComputeRegistry(address(0)));
        vm.assertEq(address(roots.computeRegistry()), address(registry));
    }

    function _expectNotLive(IBindings.Status status) private {
        vm.expectRevert(abi.encodeWithSelector(IReceiptRoots.BindingNotLive.selector, bindingId, status));
    }
}
