import type { Hex } from '../bytes/hex.ts'
import { typedDataDigest, type ContractDomain, type StructType } from './eip712.ts'

/** Who and what a node is (docs/protocol.md §1). Digests 32 bytes, addresses 20 bytes, lowercase hex. */
export interface NodeStatement {
  readonly agentId: bigint
  readonly operator: Hex
  readonly signer: Hex
  readonly keysetDigest: Hex
  readonly modelCatalogDigest: Hex
  readonly postureDigest: Hex
  readonly gpuDevicesDigest: Hex
  readonly instanceId: Hex
}

/** EIP-712 type of {@link NodeStatement}, in the order of its members. */
export const NODE_STATEMENT_TYPE: {
  readonly name: 'NodeStatement'
  readonly members: readonly (readonly [
    name: keyof NodeStatement,
    type: 'uint256' | 'address' | 'bytes32',
  ])[]
} = {
  name: 'NodeStatement',
  members: [
    ['agentId', 'uint256'],
    ['operator', 'address'],
    ['signer', 'address'],
    ['keysetDigest', 'bytes32'],
    ['modelCatalogDigest', 'bytes32'],
    ['postureDigest', 'bytes32'],
    ['gpuDevicesDigest', 'bytes32'],
    ['instanceId', 'bytes32'],
  ],
}

const DOMAIN_NAME = 'Jeju Compute Node'

/** EIP-712 digest of the statement in the registry's domain: what a binding is called everywhere. */
export function bindingIdOf(statement: NodeStatement, registry: ContractDomain): Hex {
  return typedDataDigest(DOMAIN_NAME, registry, NODE_STATEMENT_TYPE, { ...statement })
}

/** What the node's signer signs to be recorded by ComputeRegistry.bindSigner: possession of the key. */
export interface Attestation {
  readonly bindingId: Hex
  readonly evidenceHash: Hex
  readonly blockNumber: bigint
  readonly validUntil: bigint
  readonly deadline: bigint
}

const ATTESTATION_TYPE: StructType = {
  name: 'Attestation',
  members: [
    ['bindingId', 'bytes32'],
    ['evidenceHash', 'bytes32'],
    ['blockNumber', 'uint64'],
    ['validUntil', 'uint64'],
    ['deadline', 'uint256'],
  ],
}

/** EIP-712 digest of an {@link Attestation} in the registry's domain. */
export function attestationDigest(attestation: Attestation, registry: ContractDomain): Hex {
  return typedDataDigest(DOMAIN_NAME, registry, ATTESTATION_TYPE, { ...attestation })
}

/** What the signer of a binding signs for evidence that a listed verifier judges (docs/protocol.md §1). */
export interface VerifiedAttestation {
  readonly bindingId: Hex
  readonly verifierIndex: bigint
  /** keccak256(hash of the block ‖ evidence). */
  readonly evidenceHash: Hex
  readonly blockNumber: bigint
  /** Unix seconds. */
  readonly deadline: bigint
}

const VERIFIED_ATTESTATION_TYPE: StructType = {
  name: 'VerifiedAttestation',
  members: [
    ['bindingId', 'bytes32'],
    ['verifierIndex', 'uint256'],
    ['evidenceHash', 'bytes32'],
    ['blockNumber', 'uint64'],
    ['deadline', 'uint256'],
  ],
}

/** EIP-712 digest of a {@link VerifiedAttestation} in the registry's domain. */
export function verifiedAttestationDigest(
  attestation: VerifiedAttestation,
  registry: ContractDomain,
): Hex {
  return typedDataDigest(DOMAIN_NAME, registry, VERIFIED_ATTESTATION_TYPE, { ...attestation })
}
