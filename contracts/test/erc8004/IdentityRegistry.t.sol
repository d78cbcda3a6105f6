// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC4906} from "@openzeppelin/contracts/interfaces/IERC4906.sol";
import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {IERC721Receiver} from "@openzeppelin/contracts/token/ERC721/IERC721Receiver.sol";
import {IERC721Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {IdentityRegistry} from "../../src/erc8004/IdentityRegistry.sol";
import {IIdentityRegistry} from "../../src/interfaces/IIdentityRegistry.sol";
import {Fixture} from "../Fixture.sol";
import {Vm} from "../Test.sol";
import {FlippingWallet, RefusingReceiver} from "../Receivers.sol";

contract NoReceiver {
    function register(IIdentityRegistry identity) external {
        identity.register();
    }
}

contract AgentOwner is IERC721Receiver {
    uint256 public received;

    function register(IIdentityRegistry identity) external returns (uint256) {
        return identity.register();
    }

    function onERC721Received(address, address, uint256, bytes calldata) external returns (bytes4) {
        ++received;
        return IERC721Receiver.onERC721Received.selector;
    }
}

/// The local registry behaves as the specification's (ERC-8004, identity).
contract IdentityRegistryTest is Fixture {
    IdentityRegistry private own;

    function setUp() public override {
        super.setUp();
        own = new IdentityRegistry();
    }

    function test_register_countsFromZero() public {
        vm.expectEmit(address(own));
        emit IIdentityRegistry.Registered(0, "ipfs://x", user);
        vm.expectEmit(address(own));
        emit IIdentityRegistry.MetadataSet(0, "agentWallet", "agentWallet", abi.encodePacked(user));
        vm.startPrank(user);
        vm.assertEq(own.register("ipfs://x"), 0);
        vm.assertEq(own.register(), 1);
        vm.stopPrank();
        vm.assertEq(own.ownerOf(0), user);
        vm.assertEq(own.getAgentWallet(0), user);
        vm.assertEq(own.tokenURI(0), "ipfs://x");
        vm.assertEq(own.tokenURI(1), "");
        vm.assertEq(own.name(), "AgentIdentity");
        vm.assertEq(own.symbol(), "AGENT");
        vm.assertEq(own.getVersion(), "2.0.0");
    }

    /// Transfer, MetadataUpdate only where there is a file, Registered, the wallet, then what else was given.
    function test_register_eventsInOrder() public {
        bytes32[5] memory wanted = [
            IERC721.Transfer.selector,
            IERC4906.MetadataUpdate.selector,
            IIdentityRegistry.Registered.selector,
            IIdentityRegistry.MetadataSet.selector,
            IIdentityRegistry.MetadataSet.selector
        ];
        IIdentityRegistry.MetadataEntry[] memory entries = new IIdentityRegistry.MetadataEntry[](1);
        entries[0] = IIdentityRegistry.MetadataEntry("k", "v");
        vm.startPrank(user);
        vm.recordLogs();
        own.register("ipfs://x", entries);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        vm.assertEq(logs.length, 5);
        for (uint256 i = 0; i < 5; ++i) {
            vm.assertEq(logs[i].topics[0], wanted[i]);
        }
        vm.recordLogs();
        own.register();
        vm.stopPrank();
        logs = vm.getRecordedLogs();
        vm.assertEq(logs.length, 3);
        vm.assertEq(logs[0].topics[0], wanted[0]);
        vm.assertEq(logs[1].topics[0], wanted[2]);
        vm.assertEq(logs[2].topics[0], wanted[3]);
    }

    function test_register_withMetadata() public {
        IIdentityRegistry.MetadataEntry[] memory entries = new IIdentityRegistry.MetadataEntry[](1);
        entries[0] = IIdentityRegistry.MetadataEntry("computeRegistry", hex"1234");
        vm.expectEmit(address(own));
        emit IIdentityRegistry.MetadataSet(0, "computeRegistry", "computeRegistry", hex"1234");
        vm.prank(user);
        own.register("", entries);
        vm.assertEq(own.getMetadata(0, "computeRegistry"), hex"1234");
        vm.assertEq(own.getMetadata(0, "agentWallet"), abi.encodePacked(user));

        entries[0].metadataKey = "agentWallet";
        vm.expectRevert(abi.encodeWithSelector(IdentityRegistry.ReservedKey.selector, "agentWallet"));
        vm.prank(user);
        own.register("", entries);
    }

    function test_register_asksContractsWhetherTheyCanHoldIt() public {
        AgentOwner holder = new AgentOwner();
        holder.register(own);
        vm.assertEq(holder.received(), 1);
        NoReceiver none = new NoReceiver();
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721InvalidReceiver.selector, address(none)));
        none.register(own);
    }

    function test_setters_byOwnerApprovedOrOperatorOnly() public {
        vm.startPrank(user);
        uint256 id = own.register();
        own.approve(relayer, id);
        vm.stopPrank();

        bytes memory refused =
            abi.encodeWithSelector(IERC721Errors.ERC721InsufficientApproval.selector, attacker, id);
        vm.startPrank(attacker);
        vm.expectRevert(refused);
        own.setAgentURI(id, "x");
        vm.expectRevert(refused);
        own.setMetadata(id, "k", "v");
        vm.expectRevert(refused);
        own.unsetAgentWallet(id);
        vm.expectRevert(refused);
        own.setAgentWallet(id, attacker, START, "");
        vm.stopPrank();

        vm.startPrank(relayer);
        vm.expectEmit(address(own));
        emit IIdentityRegistry.URIUpdated(id, "x", relayer);
        own.setAgentURI(id, "x");
        vm.expectEmit(address(own));
        emit IIdentityRegistry.MetadataSet(id, "k", "k", "v");
        own.setMetadata(id, "k", "v");
        vm.expectRevert(abi.encodeWithSelector(IdentityRegistry.ReservedKey.selector, "agentWallet"));
        own.setMetadata(id, "agentWallet", "v");
        vm.expectEmit(address(own));
        emit IIdentityRegistry.MetadataSet(id, "agentWallet", "agentWallet", "");
        own.unsetAgentWallet(id);
        vm.stopPrank();
        vm.assertEq(own.getAgentWallet(id), address(0));
        vm.assertTrue(own.isAuthorizedOrOwner(relayer, id));
        vm.assertFalse(own.isAuthorizedOrOwner(attacker, id));
    }

    function test_setAgentWallet() public {
        uint256 deadline = START + 5 minutes;
        bytes memory consent = _walletConsent(agentId, session, provider, deadline, SESSION_KEY);
        vm.expectEmit(address(identity));
        emit IIdentityRegistry.MetadataSet(agentId, "agentWallet", "agentWallet", abi.encodePacked(session));
        vm.prank(provider);
        identity.setAgentWallet(agentId, session, deadline, consent);
        vm.assertEq(identity.getAgentWallet(agentId), session);
    }

    function test_setAgentWallet_reverts() public {
        vm.startPrank(provider);
        vm.expectRevert(abi.encodeWithSelector(IdentityRegistry.ZeroWallet.selector));
        identity.setAgentWallet(agentId, address(0), START, "");

        uint256 latest = START + 5 minutes;
        vm.expectRevert(
            abi.encodeWithSelector(IdentityRegistry.DeadlineOutOfRange.selector, latest + 1, latest)
        );
        identity.setAgentWallet(agentId, session, latest + 1, "");
        vm.expectRevert(
            abi.encodeWithSelector(IdentityRegistry.DeadlineOutOfRange.selector, START - 1, latest)
        );
        identity.setAgentWallet(agentId, session, START - 1, "");

        bytes memory invalid =
            abi.encodeWithSelector(IdentityRegistry.InvalidWalletSignature.selector, session);
        bytes memory consent = _walletConsent(agentId, session, provider, latest, USER_KEY);
        vm.expectRevert(invalid);
        identity.setAgentWallet(agentId, session, latest, consent);
        consent = _walletConsent(agentId, session, attacker, latest, SESSION_KEY);
        vm.expectRevert(invalid);
        identity.setAgentWallet(agentId, session, latest, consent);
        vm.stopPrank();
    }

    function test_setAgentWallet_acceptsAContractWallet() public {
        FlippingWallet wallet = new FlippingWallet();
        vm.startPrank(provider);
        identity.setAgentWallet(agentId, address(wallet), START, "");
        vm.assertEq(identity.getAgentWallet(agentId), address(wallet));
        wallet.flip();
        vm.expectRevert(
            abi.encodeWithSelector(IdentityRegistry.InvalidWalletSignature.selector, address(wallet))
        );
        identity.setAgentWallet(agentId, address(wallet), START, "");
        vm.stopPrank();
    }

    /// An EIP-7702 account consents with its key although it has code.
    function test_setAgentWallet_acceptsTheKeyOfADelegatedAccount() public {
        vm.etch(session, abi.encodePacked(hex"ef0100", address(new RefusingReceiver())));
        bytes memory consent = _walletConsent(agentId, session, provider, START, SESSION_KEY);
        vm.prank(provider);
        identity.setAgentWallet(agentId, session, START, consent);
        vm.assertEq(identity.getAgentWallet(agentId), session);
    }

    function test_transfer_clearsTheWalletBefore() public {
        vm.recordLogs();
        vm.prank(provider);
        identity.transferFrom(provider, user, agentId);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        vm.assertEq(logs.length, 2);
        vm.assertEq(logs[0].topics[0], IIdentityRegistry.MetadataSet.selector);
        vm.assertEq(logs[0].data, abi.encode("agentWallet", ""));
        vm.assertEq(logs[1].topics[0], IERC721.Transfer.selector);
        vm.assertEq(identity.getAgentWallet(agentId), address(0));
        vm.assertEq(identity.getMetadata(agentId, "agentWallet"), "");
    }

    function test_unknownAgent() public {
        bytes memory unknown = abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, 99);
        vm.assertEq(identity.getAgentWallet(99), address(0));
        vm.assertEq(identity.getMetadata(99, "k"), "");
        vm.expectRevert(unknown);
        identity.tokenURI(99);
        vm.expectRevert(unknown);
        identity.setMetadata(99, "k", "v");
        vm.expectRevert(unknown);
        identity.isAuthorizedOrOwner(user, 99);
    }
}
