// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ComputeRegistry} from "../src/ComputeRegistry.sol";
import {ComputeStaking} from "../src/ComputeStaking.sol";
import {InferenceServing} from "../src/InferenceServing.sol";
import {LedgerManager} from "../src/LedgerManager.sol";
import {IdentityRegistry} from "../src/erc8004/IdentityRegistry.sol";
import {ReputationRegistry} from "../src/erc8004/ReputationRegistry.sol";
import {IIdentityRegistry} from "../src/interfaces/IIdentityRegistry.sol";
import {IReputationRegistry} from "../src/interfaces/IReputationRegistry.sol";
import {Script} from "./Script.sol";

/// @title Deploys everything and writes where it lives
/// @notice `DEPLOYMENT_OUT` names the file, by default deployments/<chain id>.json. The ERC-8004 registries are deployed on
/// a local chain only; anywhere else the canonical ones must be there (attack R16).
contract Deploy is Script {
    /// @notice One set of contracts; the members of `Deployment` in abi/deployment.ts.
    struct Contracts {
        IIdentityRegistry identityRegistry;
        IReputationRegistry reputationRegistry;
        ComputeStaking computeStaking;
        ComputeRegistry computeRegistry;
        LedgerManager ledgerManager;
        InferenceServing inferenceServing;
    }

    uint256 private constant ANVIL = 31_337;
    uint256 private constant BASE = 8453;
    uint256 private constant BASE_SEPOLIA = 84_532;

    error UnsupportedChain(uint256 chainId);
    error RegistryMissing(address expected);
    error WrongWiring(string peer, address expected, address actual);

    /// @notice Broadcasts with the key that forge was given.
    function run() external returns (Contracts memory deployed) {
        uint256 deployedAtBlock = block.number;

        VM.startBroadcast();
        (, address deployer,) = VM.readCallers();
        deployed = deploy(deployer);
        VM.stopBroadcast();

        requireWiring(deployed);
        _write(deployed, deployedAtBlock);
    }

    /// @notice Ledger and serving name each other, so the second address is computed before the first is deployed.
    /// @param deployer whose nonce numbers the contracts
    function deploy(address deployer) public returns (Contracts memory c) {
        (c.identityRegistry, c.reputationRegistry) = _erc8004();
        c.computeStaking = new ComputeStaking();
        c.computeRegistry = new ComputeRegistry(c.identityRegistry, c.computeStaking);
        address serving = VM.computeCreateAddress(deployer, VM.getNonce(deployer) + 1);
        c.ledgerManager = new LedgerManager(c.computeRegistry, c.identityRegistry, serving, deployer);
        c.inferenceServing = new InferenceServing(c.computeRegistry, c.ledgerManager, c.reputationRegistry);
    }

    /// @notice Reverts unless every contract names exactly these peers.
    function requireWiring(Contracts memory c) public view {
        address identity = address(c.identityRegistry);
        address registry = address(c.computeRegistry);
        _requirePeer("reputation.identity", c.reputationRegistry.getIdentityRegistry(), identity);
        _requirePeer("registry.identity", address(c.computeRegistry.identityRegistry()), identity);
        _requirePeer(
            "registry.staking", address(c.computeRegistry.computeStaking()), address(c.computeStaking)
        );
        _requirePeer("ledger.registry", address(c.ledgerManager.computeRegistry()), registry);
        _requirePeer("ledger.identity", address(c.ledgerManager.identityRegistry()), identity);
        _requirePeer("ledger.serving", c.ledgerManager.inferenceServing(), address(c.inferenceServing));
        _requirePeer("serving.registry", address(c.inferenceServing.computeRegistry()), registry);
        _requirePeer("serving.ledger", address(c.inferenceServing.ledgerManager()), address(c.ledgerManager));
        _requirePeer(
            "serving.reputation",
            address(c.inferenceServing.reputationRegistry()),
            address(c.reputationRegistry)
        );
    }

    /// @notice Addresses published in erc-8004/erc-8004-contracts.
    function canonicalRegistries(uint256 chainId) public pure returns (address identity, address reputation) {
        if (chainId == BASE) {
            return (0x8004A169FB4a3325136EB29fA0ceB6D2e539a432, 0x8004BAa17C55a88189AE136b182e5fdA19dE9b63);
        }
        if (chainId == BASE_SEPOLIA) {
            return (0x8004A818BFB912233c491871b3d84c89A494BD9e, 0x8004B663056A597Dffe9eCcC1965A193B7388713);
        }
        revert UnsupportedChain(chainId);
    }

    function _erc8004() private returns (IIdentityRegistry identity, IReputationRegistry reputation) {
        if (block.chainid == ANVIL) {
            identity = new IdentityRegistry();
            reputation = new ReputationRegistry(identity);
            return (identity, reputation);
        }
        (address identityAt, address reputationAt) = canonicalRegistries(block.chainid);
        require(identityAt.code.length != 0, RegistryMissing(identityAt));
        require(reputationAt.code.length != 0, RegistryMissing(reputationAt));
        return (IIdentityRegistry(identityAt), IReputationRegistry(reputationAt));
    }

    function _write(Contracts memory c, uint256 deployedAtBlock) private {
        string memory object = "deployment";
        VM.serializeUint(object, "chainId", block.chainid);
        VM.serializeUint(object, "deployedAtBlock", deployedAtBlock);
        VM.serializeAddress(object, "identityRegistry", address(c.identityRegistry));
        VM.serializeAddress(object, "reputationRegistry", address(c.reputationRegistry));
        VM.serializeAddress(object, "computeStaking", address(c.computeStaking));
        VM.serializeAddress(object, "computeRegistry", address(c.computeRegistry));
        VM.serializeAddress(object, "ledgerManager", address(c.ledgerManager));
        string memory json = VM.serializeAddress(object, "inferenceServing", address(c.inferenceServing));

        VM.createDir("deployments", true);
        string memory path = string.concat("deployments/", VM.toString(block.chainid), ".json");
        VM.writeFile(VM.envOr("DEPLOYMENT_OUT", path), json);
    }

    function _requirePeer(string memory peer, address actual, address expected) private pure {
        require(actual == expected, WrongWiring(peer, expected, actual));
    }
}
