// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice Who and what a node is (docs/protocol.md §1). EIP-712 typed data in the domain of ComputeRegistry,
/// {name: "Jeju Compute Node", version: "1", chainId, verifyingContract}. Its digest is the `bindingId`: stable
/// across renewals while nothing in it changes, and named by users in every `RequestAuth`.
struct NodeStatement {
    /// ERC-8004 id in the identity registry; 0 is a valid id.
    uint256 agentId;
    /// The agent's recorded owner, who stakes; payments go to the agent's wallet. A measurement alone is never identity.
    address operator;
    /// secp256k1 key that signs `Receipt`s.
    address signer;
    /// sha256 of the JCS keyset.
    bytes32 keysetDigest;
    /// sha256 of the JCS model catalogue.
    bytes32 modelCatalogDigest;
    /// sha256 of the JCS data-flow posture.
    bytes32 postureDigest;
    /// sha256 over the sorted identities of GPUs and switches; zero on a CPU-only node.
    bytes32 gpuDevicesDigest;
    /// This replica: the 20-byte dstack instance id, left-padded. Every replica has its own keys.
    bytes32 instanceId;
}
