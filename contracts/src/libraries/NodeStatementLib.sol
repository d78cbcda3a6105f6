// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {NodeStatement} from "../interfaces/NodeStatement.sol";

/// @title EIP-712 struct hashes of ComputeRegistry's domain
/// @notice docs/protocol.md §1.
library NodeStatementLib {
    bytes32 internal constant NODE_STATEMENT_TYPEHASH = keccak256(
        "NodeStatement(uint256 agentId,address operator,address signer,bytes32 keysetDigest,bytes32 modelCatalogDigest,bytes32 postureDigest,bytes32 gpuDevicesDigest,bytes32 instanceId)"
    );

    bytes32 internal constant ATTESTATION_TYPEHASH = keccak256(
        "Attestation(bytes32 bindingId,bytes32 evidenceHash,uint64 blockNumber,uint64 validUntil,uint256 deadline)"
    );

    bytes32 internal constant VERIFIED_ATTESTATION_TYPEHASH = keccak256(
        "VerifiedAttestation(bytes32 bindingId,uint256 verifierIndex,bytes32 evidenceHash,uint64 blockNumber,uint256 deadline)"
    );

    /// @notice Struct hash of the statement; its digest in the registry's domain is the bindingId. Hashed as it lies in the
    /// calldata, which is its EIP-712 encoding: an address with bits above it hashes to what no quote names.
    /// @param statement any
    /// @return structHash to be put into the domain
    function hash(NodeStatement calldata statement) internal pure returns (bytes32 structHash) {
        bytes32 typeHash = NODE_STATEMENT_TYPEHASH;
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, typeHash)
            calldatacopy(add(free, 0x20), statement, 0x100)
            structHash := keccak256(free, 0x120)
        }
    }

    /// @notice Struct hash of what the signer signs for `bindSigner`, to show that it holds its key.
    /// @param bindingId digest of the statement
    /// @param evidenceHash sha256 of the evidence bundle
    /// @param blockNumber named by the evidence
    /// @param validUntil end of the binding, Unix seconds
    /// @param deadline of the signature, Unix seconds
    /// @return to be put into the domain
    function hashAttestation(
        bytes32 bindingId,
        bytes32 evidenceHash,
        uint64 blockNumber,
        uint64 validUntil,
        uint256 deadline
    ) internal pure returns (bytes32) {
        return keccak256(
            abi.encode(ATTESTATION_TYPEHASH, bindingId, evidenceHash, blockNumber, validUntil, deadline)
        );
    }

    /// @notice Struct hash of what the signer signs for `attest`: the evidence and who is to judge it.
    /// @param bindingId digest of the statement
    /// @param verifierIndex of a listed verifier
    /// @param evidenceHash keccak256(hash of the block ‖ evidence)
    /// @param blockNumber named by the evidence
    /// @param deadline of the signature, Unix seconds
    /// @return to be put into the domain
    function hashVerifiedAttestation(
        bytes32 bindingId,
        uint256 verifierIndex,
        bytes32 evidenceHash,
        uint64 blockNumber,
        uint256 deadline
    ) internal pure returns (bytes32) {
        return keccak256(
            abi.encode(
                VERIFIED_ATTESTATION_TYPEHASH, bindingId, verifierIndex, evidenceHash, blockNumber, deadline
            )
        );
    }
}
