// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ComputeRegistry} from "../src/ComputeRegistry.sol";
import {ComputeStaking} from "../src/ComputeStaking.sol";
import {InferenceServing} from "../src/InferenceServing.sol";
import {LedgerManager} from "../src/LedgerManager.sol";
import {ReceiptRoots} from "../src/ReceiptRoots.sol";
import {IdentityRegistry} from "../src/erc8004/IdentityRegistry.sol";
import {ReputationRegistry} from "../src/erc8004/ReputationRegistry.sol";
import {IAttestationVerifier} from "../src/interfaces/IAttestationVerifier.sol";
import {IIdentityRegistry} from "../src/interfaces/IIdentityRegistry.sol";
import {IReputationRegistry} from "../src/interfaces/IReputationRegistry.sol";
import {Erc8004} from "./Erc8004.sol";
import {Script} from "./Script.sol";
import {TdxContracts, TdxSet} from "./TdxSet.sol";

/// @title Deploys everything and writes where it lives
/// @notice The list of transactions behind tools/deploy.ts, which is what to call: it asserts the chain, and keeps the file
/// only after it has looked at the result. From the environment: `DEPLOYMENT_OUT` names the file, `OWNER` the owner (the
/// deployer when absent, on Anvil only), `OWNER_MUST_HAVE_CODE` whether the owner must be a contract (always so on Base),
/// `TDX_ROOT` the SHA-256 of the root certificate that quotes must end in (Intel's when absent), `REMOVER` who may deny
/// measurements beside the owner (nobody when absent).
contract Deploy is Script {
    /// @notice One set of contracts; the members of `Deployment` in abi/deployment.ts.
    struct Contracts {
        IIdentityRegistry identityRegistry;
        IReputationRegistry reputationRegistry;
        ComputeStaking computeStaking;
        ComputeRegistry computeRegistry;
        LedgerManager ledgerManager;
        InferenceServing inferenceServing;
        ReceiptRoots receiptRoots;
    }

    uint256 private constant ANVIL = 31_337;

    error RegistryMissing(address expected);
    error WrongWiring(string peer, address expected, address actual);
    error OwnerMissing(uint256 chainId);
    error OwnerWithoutCode(address owner);
    error SimulatedVerifier(address verifier, uint256 chainId);

    /// @notice Broadcasts with the key that forge was given.
    /// @return deployed what stands where
    /// @return tdx what judges quotes, listed in the registry from the start
    function run() external returns (Contracts memory deployed, TdxContracts memory tdx) {
        uint256 deployedAtBlock = block.number;
        bytes32 root = VM.envOr("TDX_ROOT", TdxSet.INTEL_ROOT);

        VM.startBroadcast();
        (, address deployer,) = VM.readCallers();
        address owner = VM.envOr("OWNER", block.chainid == ANVIL ? deployer : address(0));
        requireOwner(owner, VM.envOr("OWNER_MUST_HAVE_CODE", false));
        tdx = TdxSet.deploy(root, owner, VM.envOr("REMOVER", address(0)));
        deployed = deploy(deployer, owner, tdx.attestationVerifier);
        VM.stopBroadcast();

        requireWiring(deployed, owner);
        TdxSet.requireWiring(tdx, deployed.computeRegistry, root, owner);
        _write(deployed, tdx, root, deployedAtBlock);
    }

    /// @notice Contracts that name each other are deployed at addresses computed before.
    /// @param deployer whose nonce numbers the contracts
    /// @param owner of every contract that has one
    /// @param firstVerifier listed from the start; zero for none
    /// @return c what stands where
    function deploy(address deployer, address owner, IAttestationVerifier firstVerifier)
        public
        returns (Contracts memory c)
    {
        _requireGenuineRoot(firstVerifier);
        (c.identityRegistry, c.reputationRegistry) = _erc8004();
        uint256 nonce = VM.getNonce(deployer);
        address serving = VM.computeCreateAddress(deployer, nonce + 3);
        c.computeStaking = new ComputeStaking(
            ComputeRegistry(VM.computeCreateAddress(deployer, nonce + 1)), InferenceServing(serving), owner
        );
        c.computeRegistry = new ComputeRegistry(c.identityRegistry, c.computeStaking, owner, firstVerifier);
        c.ledgerManager = new LedgerManager(c.computeRegistry, c.identityRegistry, serving, owner);
        c.inferenceServing = new InferenceServing(c.computeRegistry, c.ledgerManager, c.reputationRegistry);
        c.receiptRoots = new ReceiptRoots(c.computeRegistry);
    }

    /// @notice Reverts unless the owner may own a market here: where money is real it is a timelock or a Safe, never a key.
    /// @param owner stated
    /// @param mustHaveCode whether to ask for a contract on this chain too
    function requireOwner(address owner, bool mustHaveCode) public view {
        require(owner != address(0), OwnerMissing(block.chainid));
        if (block.chainid == Erc8004.BASE || mustHaveCode) {
            require(owner.code.length != 0, OwnerWithoutCode(owner));
        }
    }

    /// @notice Reverts unless every contract names exactly these peers and this owner.
    /// @param c what stands where
    /// @param owner of every contract that has one
    function requireWiring(Contracts memory c, address owner) public view {
        address identity = address(c.identityRegistry);
        address registry = address(c.computeRegistry);
        _requirePeer("reputation.identity", c.reputationRegistry.getIdentityRegistry(), identity);
        _requirePeer("registry.identity", address(c.computeRegistry.identityRegistry()), identity);
        _requirePeer(
            "registry.staking", address(c.computeRegistry.computeStaking()), address(c.computeStaking)
        );
        _requirePeer("staking.registry", address(c.computeStaking.computeRegistry()), registry);
        _requirePeer(
            "staking.serving", address(c.computeStaking.inferenceServing()), address(c.inferenceServing)
        );
        _requirePeer("registry.owner", c.computeRegistry.owner(), owner);
        _requirePeer("ledger.owner", c.ledgerManager.owner(), owner);
        _requirePeer("staking.owner", c.computeStaking.owner(), owner);
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
        _requirePeer("roots.registry", address(c.receiptRoots.computeRegistry()), registry);
    }

    function _erc8004() private returns (IIdentityRegistry identity, IReputationRegistry reputation) {
        if (block.chainid == ANVIL) {
            identity = new IdentityRegistry();
            reputation = new ReputationRegistry(identity);
            return (identity, reputation);
        }
        (address identityAt, address reputationAt) = Erc8004.canonical(block.chainid);
        require(identityAt.code.length != 0, RegistryMissing(identityAt));
        require(reputationAt.code.length != 0, RegistryMissing(reputationAt));
        return (IIdentityRegistry(identityAt), IReputationRegistry(reputationAt));
    }

    function _write(Contracts memory c, TdxContracts memory t, bytes32 root, uint256 deployedAtBlock)
        private
    {
        string memory judges = "tdx";
        VM.serializeBytes32(judges, "rootCertificateHash", root);
        VM.serializeUint(judges, "verifierIndex", 0);
        VM.serializeAddress(judges, "tdxVerifier", address(t.tdxVerifier));
        VM.serializeAddress(judges, "collateralBatch", address(t.collateralBatch));
        string memory tdx = VM.serializeAddress(judges, "attestationVerifier", address(t.attestationVerifier));

        string memory object = "deployment";
        VM.serializeUint(object, "chainId", block.chainid);
        VM.serializeUint(object, "deployedAtBlock", deployedAtBlock);
        VM.serializeAddress(object, "identityRegistry", address(c.identityRegistry));
        VM.serializeAddress(object, "reputationRegistry", address(c.reputationRegistry));
        VM.serializeAddress(object, "computeStaking", address(c.computeStaking));
        VM.serializeAddress(object, "computeRegistry", address(c.computeRegistry));
        VM.serializeAddress(object, "ledgerManager", address(c.ledgerManager));
        VM.serializeAddress(object, "inferenceServing", address(c.inferenceServing));
        VM.serializeAddress(object, "receiptRoots", address(c.receiptRoots));
        string memory json = VM.serializeString(object, "tdx", tdx);

        VM.writeFile(VM.envString("DEPLOYMENT_OUT"), json);
    }

    /// @dev The registry refuses it too; this says so before anything is sent.
    function _requireGenuineRoot(IAttestationVerifier verifier) private view {
        if (block.chainid != Erc8004.BASE || address(verifier) == address(0)) return;
        require(!verifier.isSimulated(), SimulatedVerifier(address(verifier), block.chainid));
    }

    function _requirePeer(string memory peer, address actual, address expected) private pure {
        require(actual == expected, WrongWiring(peer, expected, actual));
    }
}
