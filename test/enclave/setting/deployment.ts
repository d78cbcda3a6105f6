import type { Deployment } from '@jeju/contracts'
import type { ContractDomain } from '@jeju/verifier/protocol'

/** Contracts that are on no chain; signatures need their addresses only. */
export const deployment: Deployment = {
  chainId: 31337,
  deployedAtBlock: 1,
  identityRegistry: `0x${'a1'.repeat(20)}`,
  reputationRegistry: `0x${'a2'.repeat(20)}`,
  computeStaking: `0x${'a3'.repeat(20)}`,
  computeRegistry: `0x${'a4'.repeat(20)}`,
  ledgerManager: `0x${'a5'.repeat(20)}`,
  inferenceServing: `0x${'a6'.repeat(20)}`,
  receiptRoots: `0x${'a7'.repeat(20)}`,
}

export const registryDomain: ContractDomain = {
  chainId: 31337n,
  verifyingContract: deployment.computeRegistry,
}

export const servingDomain: ContractDomain = {
  chainId: 31337n,
  verifyingContract: deployment.inferenceServing,
}
