export { feeOf, type Hex, type TokenPrice } from '@jeju/verifier/protocol'
export { collateralBatchAbi } from './generated/collateral-batch.ts'
export { collateralReaderAbi } from './generated/collateral-reader.ts'
export { computeRegistryAbi } from './generated/compute-registry.ts'
export { computeStakingAbi } from './generated/compute-staking.ts'
export { deviceRecordOf, objectionToGpus, type DeviceRecord } from './device-record.ts'
export { memberAt, type MemberOf } from './enum-members.ts'
export * from './generated/enums.ts'
export { gpuDevicesAbi } from './generated/gpu-devices.ts'
export { identityRegistryAbi } from './generated/identity-registry.ts'
export { inferenceServingAbi } from './generated/inference-serving.ts'
export { ledgerManagerAbi } from './generated/ledger-manager.ts'
export { measurementPolicyAbi } from './generated/measurement-policy.ts'
export { receiptRootsAbi } from './generated/receipt-roots.ts'
export { reputationRegistryAbi } from './generated/reputation-registry.ts'
export { tdxAttestationVerifierAbi } from './generated/tdx-attestation-verifier.ts'
export { tdxVerifierAbi } from './generated/tdx-verifier.ts'
export {
  DeploymentError,
  INTEL_ROOT_SHA256,
  parseDeployment,
  requireCanonicalRegistries,
  requireGenuineRoot,
  type Deployment,
  type TdxDeployment,
} from './deployment.ts'
export { CANONICAL_ERC8004, type Erc8004Registries } from './erc8004.ts'
export {
  grantHeadAfter,
  grantProof,
  GrantProofError,
  NO_VERIFIER,
  type Grant,
  type GrantProof,
  type RegistryLog,
} from './grant-proof.ts'
export { lowercase } from './address.ts'
export { signedTypes, type SignedTypes, type SigningContract } from './signed-types.ts'
export {
  registrationFile,
  parseRegistrationFile,
  RegistrationFileError,
  type AgentService,
  type RegistrationContent,
  type RegistrationFile,
  type RegistrationPlace,
} from './registration-file.ts'
export { peersAbi, requireWiring, type PeerGetter } from './wiring.ts'
