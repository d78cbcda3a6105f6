// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ComputeRegistry} from "../src/ComputeRegistry.sol";
import {TdxAttestationVerifier} from "../src/TdxAttestationVerifier.sol";
import {IAttestationVerifier} from "../src/interfaces/IAttestationVerifier.sol";
import {IVerifierList} from "../src/interfaces/registry/IVerifierList.sol";
import {CollateralBatch} from "../src/tdx/CollateralBatch.sol";
import {TdxVerifier} from "../src/tdx/TdxVerifier.sol";
import {Erc8004} from "./Erc8004.sol";

/// @notice What judges TDX quotes on chain; the members of `tdx` in abi/deployment.ts.
struct TdxContracts {
    TdxVerifier tdxVerifier;
    CollateralBatch collateralBatch;
    TdxAttestationVerifier attestationVerifier;
}

/// @title Deploys what judges TDX quotes
/// @notice One root for good. Intel's on Base, whatever is asked for; another one on Base Sepolia only where it is named.
library TdxSet {
    /// SHA-256 of the DER of the Intel SGX Root CA.
    bytes32 internal constant INTEL_ROOT = 0x44a0196b2b99f889b8e149e95b807a350e7424964399e885a7cbb8ccfab674d3;
    /// Between announcement and listing of a measurement: the least that the contract takes.
    uint256 internal constant POLICY_DELAY = 48 hours;

    error SimulatedRoot(bytes32 root, uint256 chainId);
    error WrongTdxWiring(string peer, address expected, address actual);
    error WrongRoot(bytes32 expected, bytes32 actual);
    error NotListed(address verifier);

    /// @notice Reverts for a root that may not be pinned here.
    /// @param root SHA-256 of a root certificate
    function requireRoot(bytes32 root) internal view {
        require(root == INTEL_ROOT || block.chainid != Erc8004.BASE, SimulatedRoot(root, block.chainid));
    }

    /// @notice Three contracts, of which only the adapter has an owner, for its allow-list.
    /// @param root SHA-256 of the root certificate that every chain must end in
    /// @param owner of the allow-list
    /// @param remover who may deny beside the owner; zero for nobody
    /// @return t what stands where
    function deploy(bytes32 root, address owner, address remover) internal returns (TdxContracts memory t) {
        requireRoot(root);
        t.tdxVerifier = new TdxVerifier(root, root != INTEL_ROOT);
        t.collateralBatch = new CollateralBatch(t.tdxVerifier);
        t.attestationVerifier = new TdxAttestationVerifier(t.tdxVerifier, owner, remover, POLICY_DELAY);
    }

    /// @notice Reverts unless each names its peers and the registry lists the adapter as its first verifier.
    /// @param t what stands where
    /// @param registry that lists it
    /// @param root as it was deployed
    /// @param owner of the allow-list
    function requireWiring(TdxContracts memory t, ComputeRegistry registry, bytes32 root, address owner)
        internal
        view
    {
        bytes32 actual = t.tdxVerifier.rootCertificateHash();
        require(actual == root, WrongRoot(root, actual));
        address verifier = address(t.tdxVerifier);
        _requirePeer("batch.verifier", address(t.collateralBatch.tdxVerifier()), verifier);
        _requirePeer("adapter.verifier", address(t.attestationVerifier.tdxVerifier()), verifier);
        _requirePeer("adapter.owner", t.attestationVerifier.owner(), owner);
        IVerifierList.Verifier memory first = registry.verifierAt(0);
        IAttestationVerifier listed = first.verifier;
        _requirePeer("registry.verifierAt(0)", address(listed), address(t.attestationVerifier));
        require(first.state == IVerifierList.VerifierState.LISTED, NotListed(address(listed)));
    }

    function _requirePeer(string memory peer, address actual, address expected) private pure {
        require(actual == expected, WrongTdxWiring(peer, expected, actual));
    }
}
